// Generated from specs/norm/gemma_rmsnorm.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of gemma_rmsnorm; the first is its own.
extern const std::span<const host::Signature> gemma_rmsnorm_signatures;

}  // namespace sgl::ops
