// Generated from specs/activation/silu_and_mul.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of silu_and_mul; the first is its own.
extern const std::span<const host::Signature> silu_and_mul_signatures;

}  // namespace sgl::ops
