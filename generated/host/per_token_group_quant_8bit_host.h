// Generated from specs/quant/per_token_group_quant_8bit.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of per_token_group_quant_8bit; the first is its own.
extern const std::span<const host::Signature> per_token_group_quant_8bit_signatures;

}  // namespace sgl::ops
