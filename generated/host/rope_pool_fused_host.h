// Generated from specs/rope/rope_pool_fused.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of rope_pool_fused; the first is its own.
extern const std::span<const host::Signature> rope_pool_fused_signatures;

}  // namespace sgl::ops
