// Generated from specs/moe/route_softmax.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of route_softmax; the first is its own.
extern const std::span<const host::Signature> route_softmax_signatures;

}  // namespace sgl::ops
