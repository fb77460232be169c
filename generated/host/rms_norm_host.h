// Generated from specs/norm/rms_norm.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of rms_norm; the first is its own.
extern const std::span<const host::Signature> rms_norm_signatures;

}  // namespace sgl::ops
