// Loops, memory and reductions of the CPU runtime behind C functions, for test_cpu_runtime.py.
#include "runtime.h"

#define REDUCE(name, Monoid, T, Out)                                                                      \
  extern "C" void name(int64_t low, int64_t high, const T* x, Out* out) {                                 \
    sgl::Accumulator<sgl::Monoid, sgl::Compute<T>> lanes, singles;                                        \
    sgl::Serial<sgl::Monoid, sgl::Compute<T>> serial;                                                     \
    sgl::for_lanes(low, high, [&](auto i) SGL_BODY { lanes.add(i, sgl::load(x, i)); });                   \
    sgl::for_each(low, high, [&](auto i) SGL_BODY {                                                       \
      singles.add(i, sgl::load(x, i));                                                                    \
      serial.add(i, sgl::load(x, i));                                                                     \
    });                                                                                                   \
    out[0] = lanes.result();                                                                              \
    out[1] = singles.result();                                                                            \
    out[2] = serial.result();                                                                             \
  }                                                                                                       \
  extern "C" void name##_if(int64_t low, int64_t high, const T* x, const sgl::boolean* where, Out* out) { \
    sgl::Accumulator<sgl::Monoid, sgl::Compute<T>> lanes, singles;                                        \
    sgl::Serial<sgl::Monoid, sgl::Compute<T>> serial;                                                     \
    sgl::for_lanes(low, high, [&](auto i) SGL_BODY {                                                      \
      lanes.add_if(sgl::load(where, i), i, sgl::load(x, i));                                              \
    });                                                                                                   \
    sgl::for_each(low, high, [&](auto i) SGL_BODY {                                                       \
      singles.add_if(sgl::load(where, i), i, sgl::load(x, i));                                            \
      serial.add_if(sgl::load(where, i), i, sgl::load(x, i));                                             \
    });                                                                                                   \
    out[0] = lanes.result();                                                                              \
    out[1] = singles.result();                                                                            \
    out[2] = serial.result();                                                                             \
  }

namespace sgl {
struct TopPlace : Top {
  template <class State>
  static SGL_INLINE auto finish(const State& s) {
    return Top::finish(s).index;
  }
};
}  // namespace sgl

REDUCE(sum_f32, Sum, float, float)
REDUCE(max_f32, Max, float, float)
REDUCE(min_f32, Min, float, float)
REDUCE(argmax_f32, ArgMax, float, int64_t)
REDUCE(argmin_f32, ArgMin, float, int64_t)
REDUCE(max_i32, Max, int32_t, int32_t)
REDUCE(sum_i64, Sum, int64_t, int64_t)
REDUCE(max_u32, Max, uint32_t, uint32_t)
REDUCE(top_u32, TopPlace, uint32_t, int64_t)
REDUCE(min_i64, Min, int64_t, int64_t)
REDUCE(any_bool, Any, sgl::boolean, bool)
REDUCE(all_bool, All, sgl::boolean, bool)
REDUCE(count_bool, Count, sgl::boolean, int64_t)

// Shares of a softmax, by packs and (in the second half of `out`) by single elements.
extern "C" void softmax(int64_t n, const float* x, float* out) {
  sgl::Accumulator<sgl::OnlineSoftmax, float> lanes, singles;
  sgl::for_lanes(0, n, [&](auto i) SGL_BODY { lanes.add(i, sgl::load(x, i)); });
  sgl::for_each(0, n, [&](auto i) SGL_BODY { singles.add(i, sgl::load(x, i)); });
  const auto a = lanes.result(), b = singles.result();
  sgl::for_lanes(0, n, [&](auto i) SGL_BODY {
    sgl::store(out, i, sgl::exp(sgl::load(x, i) - a.maximum) / a.total);
    sgl::store(out, n + i, sgl::exp(sgl::load(x, i) - b.maximum) / b.total);
  });
}

// Column sums and arg max: a serial loop inside the lanes. x is [rows, width].
extern "C" void columns(int64_t rows, int64_t width, const sgl::bf16* x, float* sums, int64_t* best) {
  sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
    using V = decltype(sgl::load(x, c));
    sgl::Serial<sgl::Sum, V> sum;
    sgl::Serial<sgl::ArgMax, V> arg;
    for (int64_t r = 0; r < rows; ++r) {
      sum.add(sgl::load(x, r * width + c));
      arg.add(r, sgl::load(x, r * width + c));
    }
    sgl::store(sums, c, sum.result());
    sgl::store(best, c, arg.result());
  });
}

// out[i] = x[table[i]] where 0 <= table[i] < limit, else -1. The lanes left out must not be read.
extern "C" void gather(int64_t n, int64_t limit, const sgl::f16* x, const int64_t* table, float* out) {
  sgl::for_lanes(0, n, [&](auto i) SGL_BODY {
    const auto slot = sgl::load(table, i);
    sgl::store(out, i, sgl::load_if(slot >= 0 && slot < limit, x, slot, -1.0f));
  });
}

// out[table[i]] = x[i] where 0 <= table[i] < limit.
extern "C" void scatter(int64_t n, int64_t limit, const float* x, const int64_t* table, sgl::bf16* out) {
  sgl::for_lanes(0, n, [&](auto i) SGL_BODY {
    const auto slot = sgl::load(table, i);
    sgl::store_if(slot >= 0 && slot < limit, out, slot, sgl::load(x, i));
  });
}

// out[i] = x[i] where i < limit: a contiguous access that may not run past the limit.
extern "C" void copy_below(int64_t n, int64_t limit, const float* x, float* out) {
  sgl::for_lanes(0, n, [&](auto i) SGL_BODY {
    sgl::store_if(i < limit, out, i, sgl::load_if(i < limit, x, i, 0.0f));
  });
}

// Interleaved access through computed indices: out[i] = x[2 i + 1], and a uniform load and store.
extern "C" void strided(int64_t n, const int32_t* x, int32_t* out) {
  sgl::for_lanes(0, n, [&](auto i) SGL_BODY {
    sgl::store(out, i, sgl::load(x, 2 * i + 1) + sgl::load(x, 0));
  });
}

// Row sums through two scratch rows that are alive at once, over threads, with an inner parallel_for.
extern "C" void row_sums(int64_t rows, int64_t width, const float* x, float* out) {
  sgl::parallel_for(rows, rows * width, [&](int64_t r) {
    auto copy = sgl::scratch<float>(width);
    sgl::parallel_for(width, [&](int64_t c) { sgl::store(copy.data(), c, sgl::load(x, r * width + c)); });
    auto doubled = sgl::scratch<float>(width);
    sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
      sgl::store(doubled.data(), c, sgl::load(copy.data(), c) * 2.0f);
    });
    sgl::Accumulator<sgl::Sum, float> sum;
    sgl::for_lanes(0, width, [&](auto c) SGL_BODY {
      sum.add(c, sgl::load(doubled.data(), c) - sgl::load(copy.data(), c));
    });
    sgl::store(out, r, sum.result());
  });
}
