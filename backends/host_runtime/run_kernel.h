// A typed kernel as a table entry.
#pragma once

namespace sgl::host {

template <class Params, void (*kernel)(const Params*)>
void run_kernel(const void* params) {
  kernel(static_cast<const Params*>(params));
}

}  // namespace sgl::host
