// Generated from specs/quant/per_token_quant_fp8.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of per_token_quant_fp8; the first is its own.
extern const std::span<const host::Signature> per_token_quant_fp8_signatures;

}  // namespace sgl::ops
