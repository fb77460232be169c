// Generated from specs/rope/rotary_embedding.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of rotary_embedding; the first is its own.
extern const std::span<const host::Signature> rotary_embedding_signatures;

}  // namespace sgl::ops
