// Generated from specs/softmax/softmax.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of softmax; the first is its own.
extern const std::span<const host::Signature> softmax_signatures;

}  // namespace sgl::ops
