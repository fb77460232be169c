// Generated from specs/activation/gelu_and_mul.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of gelu_and_mul; the first is its own.
extern const std::span<const host::Signature> gelu_and_mul_signatures;

}  // namespace sgl::ops
