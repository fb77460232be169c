// Element types as the host sees them.
#pragma once

#include <cstdint>

namespace sgl::host {

// The first ten are the dtypes of the language; the others only occur in messages.
enum class DType : uint8_t {
  f32,
  f16,
  bf16,
  f8e4m3,
  i8,
  u8,
  i32,
  u32,
  i64,
  boolean,
  f64,
  i16,
  u16,
  u64,
  complex64,
  complex128,
  other,
};

struct DTypeInfo {
  const char* name;
  int64_t bytes;
};

inline constexpr DTypeInfo kDTypes[] = {
    {"float32", 4},
    {"float16", 2},
    {"bfloat16", 2},
    {"float8_e4m3fn", 1},
    {"int8", 1},
    {"uint8", 1},
    {"int32", 4},
    {"uint32", 4},
    {"int64", 8},
    {"bool", 1},
    {"float64", 8},
    {"int16", 2},
    {"uint16", 2},
    {"uint64", 8},
    {"complex64", 8},
    {"complex128", 16},
    {"an unknown dtype", 1},
};

inline const char* name_of(DType dtype) { return kDTypes[static_cast<int>(dtype)].name; }
inline int64_t bytes_of(DType dtype) { return kDTypes[static_cast<int>(dtype)].bytes; }

// Frameworks without an 8-bit float hold its bits in uint8.
inline bool can_hold(DType wanted, DType given) {
  return wanted == given || (wanted == DType::f8e4m3 && given == DType::u8);
}

}  // namespace sgl::host
