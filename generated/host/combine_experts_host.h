// Generated from specs/moe/combine_experts.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of combine_experts; the first is its own.
extern const std::span<const host::Signature> combine_experts_signatures;

}  // namespace sgl::ops
