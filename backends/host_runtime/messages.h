// The errors of a call: op, argument, what was expected and what came. Cold code; none returns.
#pragma once

#include <string>

#include "host_runtime/call.h"

namespace sgl::host {

// The public name of a tensor, scalar or size argument under the signature that was called.
std::string public_name(const Signature& signature, ParameterKind kind, int index);

[[noreturn]] void fail_dtype(const Call& call, int tensor);
[[noreturn]] void fail_rank(const Call& call, int tensor);
[[noreturn]] void fail_shape(const Call& call, int tensor, int dimension);
[[noreturn]] void fail_division(const Call& call, const Solution& solution);
[[noreturn]] void fail_leading(const Call& call, int tensor, int other);
[[noreturn]] void fail_size_argument(const Call& call, int argument);
[[noreturn]] void fail_unbound_size(const Call& call, int argument);
[[noreturn]] void fail_requirement(const Call& call, const Requirement& requirement);
[[noreturn]] void fail_written(const Call& call, int tensor, const char* problem);
[[noreturn]] void fail_overlap(const Call& call, int written, int other);

}  // namespace sgl::host
