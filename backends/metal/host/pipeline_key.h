// What tells one compiled pipeline from all others.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sgl::metal {

// A function constant: its number, and the bits of its value.
struct Constant {
  int position;
  uint64_t bits;
};

// The kernel's name and every constant, bit for bit: two configurations share a key only if they are equal.
// Letters, digits and underscores, since Metal names the specialised function so. Kernels have no double
// underscore in their names.
std::string pipeline_key(const std::string& kernel, std::span<const Constant> constants);

}  // namespace sgl::metal
