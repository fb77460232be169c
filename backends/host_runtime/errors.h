// What a call can be refused with. Extensions turn each class into the Python exception of its name.
#pragma once

#include <stdexcept>

namespace sgl::host {

struct ValueError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct TypeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace sgl::host
