// What a call can be refused with. Extensions turn each class into the Python exception of its name.
#pragma once

#include <stdexcept>

namespace sgl::host {

// Derived so that MLX, which evaluates later, makes a ValueError of it too.
struct ValueError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

struct TypeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace sgl::host
