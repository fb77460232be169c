// Every op of the CPU runtime behind C functions, for scalars and for packs, so that
// test_cpu_runtime.py can compare the two, and the copies built for different instruction sets.
#include "runtime.h"

namespace {

// body(index) for one index after another, or for 16 at a time; n is then a multiple of 16.
template <class F>
void over(bool packed, int64_t n, F body) {
  if (packed) {
    for (int64_t i = 0; i < n; i += sgl::kLanes) body(sgl::Lanes{i});
  } else {
    for (int64_t i = 0; i < n; ++i) body(i);
  }
}

template <class T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, sgl::boolean, T>;

}  // namespace

#define UNARY(name, In, Out, expression)                                        \
  extern "C" void name(bool packed, int64_t n, const In* a, Stored<Out>* out) { \
    over(packed, n, [&](auto i) SGL_BODY {                                      \
      const auto x = sgl::load(a, i);                                           \
      sgl::store(out, i, expression);                                           \
    });                                                                         \
  }

#define BINARY(name, In, Out, expression)                                                    \
  extern "C" void name(bool packed, int64_t n, const In* a, const In* b, Stored<Out>* out) { \
    over(packed, n, [&](auto i) SGL_BODY {                                                   \
      const auto x = sgl::load(a, i);                                                        \
      const auto y = sgl::load(b, i);                                                        \
      sgl::store(out, i, expression);                                                        \
    });                                                                                      \
  }

UNARY(exp_f32, float, float, sgl::exp(x))
UNARY(exp2_f32, float, float, sgl::exp2(x))
UNARY(log_f32, float, float, sgl::log(x))
UNARY(log2_f32, float, float, sgl::log2(x))
UNARY(sqrt_f32, float, float, sgl::sqrt(x))
UNARY(rsqrt_f32, float, float, sgl::rsqrt(x))
UNARY(sin_f32, float, float, sgl::sin(x))
UNARY(cos_f32, float, float, sgl::cos(x))
UNARY(tanh_f32, float, float, sgl::tanh(x))
UNARY(erf_f32, float, float, sgl::erf(x))
UNARY(floor_f32, float, float, sgl::floor(x))
UNARY(ceil_f32, float, float, sgl::ceil(x))
UNARY(round_f32, float, float, sgl::round(x))
UNARY(trunc_f32, float, float, sgl::trunc(x))
UNARY(abs_f32, float, float, sgl::abs(x))
UNARY(negate_f32, float, float, -x)
UNARY(isnan_f32, float, bool, sgl::isnan(x))
UNARY(isinf_f32, float, bool, sgl::isinf(x))
UNARY(to_i32_f32, float, int32_t, sgl::to_i32(x))
UNARY(to_u32_f32, float, uint32_t, sgl::to_u32(x))
UNARY(to_i64_f32, float, int64_t, sgl::to_i64(x))
UNARY(f32_to_bits_f32, float, uint32_t, sgl::f32_to_bits(x))
UNARY(bits_to_f32_u32, uint32_t, float, sgl::bits_to_f32(x))
UNARY(to_f32_i32, int32_t, float, sgl::to_f32(x))
UNARY(to_f32_u32, uint32_t, float, sgl::to_f32(x))
UNARY(to_f32_i64, int64_t, float, sgl::to_f32(x))
UNARY(to_i32_i64, int64_t, int32_t, sgl::to_i32(x))
UNARY(to_i64_i32, int32_t, int64_t, sgl::to_i64(x))
UNARY(to_i64_u32, uint32_t, int64_t, sgl::to_i64(x))
UNARY(to_u32_i32, int32_t, uint32_t, sgl::to_u32(x))
UNARY(to_f32_bool, sgl::boolean, float, sgl::to_f32(x))
UNARY(to_i64_bool, sgl::boolean, int64_t, sgl::to_i64(x))
UNARY(not_bool, sgl::boolean, bool, !x)

#define ROUNDING(T)                                           \
  UNARY(narrow_##T, float, sgl::T, x)                         \
  UNARY(widen_##T, sgl::T, float, x)                          \
  UNARY(round_to_##T, float, float, sgl::round_to<sgl::T>(x))
ROUNDING(f16)
ROUNDING(bf16)
ROUNDING(f8e4m3)
UNARY(narrow_i8, float, int8_t, x)
UNARY(narrow_u8, float, uint8_t, x)
UNARY(narrow_i8_i32, int32_t, int8_t, x)
UNARY(narrow_u8_i32, int32_t, uint8_t, x)

BINARY(add_f32, float, float, x + y)
BINARY(subtract_f32, float, float, x - y)
BINARY(multiply_f32, float, float, x * y)
BINARY(divide_f32, float, float, x / y)
BINARY(minimum_f32, float, float, sgl::minimum(x, y))
BINARY(maximum_f32, float, float, sgl::maximum(x, y))
BINARY(power_f32, float, float, sgl::power(x, y))
BINARY(select_f32, float, float, sgl::select(x < y, x, y))

#define COMPARISONS(S, T)                    \
  BINARY(less_##S, T, bool, x < y)           \
  BINARY(less_equal_##S, T, bool, x <= y)    \
  BINARY(greater_##S, T, bool, x > y)        \
  BINARY(greater_equal_##S, T, bool, x >= y) \
  BINARY(equal_##S, T, bool, x == y)         \
  BINARY(not_equal_##S, T, bool, x != y)

#define INTEGERS(S, T)                                    \
  COMPARISONS(S, T)                                       \
  BINARY(add_##S, T, T, x + y)                            \
  BINARY(subtract_##S, T, T, x - y)                       \
  BINARY(multiply_##S, T, T, x * y)                       \
  BINARY(minimum_##S, T, T, sgl::minimum(x, y))           \
  BINARY(maximum_##S, T, T, sgl::maximum(x, y))           \
  BINARY(floor_divide_##S, T, T, sgl::floor_divide(x, y)) \
  BINARY(modulo_##S, T, T, sgl::modulo(x, y))             \
  BINARY(bit_and_##S, T, T, x & y)                        \
  BINARY(bit_or_##S, T, T, x | y)                         \
  BINARY(bit_xor_##S, T, T, x ^ y)                        \
  BINARY(shift_left_##S, T, T, sgl::shift_left(x, y))     \
  BINARY(shift_right_##S, T, T, sgl::shift_right(x, y))   \
  BINARY(select_##S, T, T, sgl::select(x < y, y, x))      \
  UNARY(bit_not_##S, T, T, ~x)                            \
  UNARY(negate_##S, T, T, -x)                             \
  UNARY(abs_##S, T, T, sgl::abs(x))

COMPARISONS(f32, float)
INTEGERS(i32, int32_t)
INTEGERS(u32, uint32_t)
INTEGERS(i64, int64_t)
BINARY(logical_and_bool, sgl::boolean, bool, x && y)
BINARY(logical_or_bool, sgl::boolean, bool, x || y)
BINARY(equal_bool, sgl::boolean, bool, x == y)

// A uniform operand on either side, and index arithmetic.
#define INDEX(name, expression)                                                \
  extern "C" void name(bool packed, int64_t n, int64_t y, int64_t* out) {      \
    over(packed, n, [&](auto x) SGL_BODY { sgl::store(out, x, expression); }); \
  }
INDEX(index_divide, sgl::floor_divide(x - 40, y))
INDEX(index_modulo, sgl::modulo(x - 40, y))
INDEX(index_mixed, (y - x) * 3 + (2 + x) * y + sgl::select(x < y, x, y))
INDEX(index_to_f32, sgl::to_i64(sgl::to_f32(x + y)))
INDEX(index_to_i32, sgl::to_i64(sgl::to_i32(x + y)))
