// Generated from specs/attention/paged_attention_decode.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of paged_attention_decode; the first is its own.
extern const std::span<const host::Signature> paged_attention_decode_signatures;

}  // namespace sgl::ops
