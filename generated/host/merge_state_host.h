// Generated from specs/attention/merge_state.yaml. Do not edit.
#pragma once

#include <span>

#include "host_runtime/op.h"

namespace sgl::ops {

// The public names of merge_state; the first is its own.
extern const std::span<const host::Signature> merge_state_signatures;

}  // namespace sgl::ops
