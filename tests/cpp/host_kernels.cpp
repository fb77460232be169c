// Kernels for the ops of host_ops.py, written by hand: plain loops over the parameter structs.
#include <cmath>
#include <cstdint>
#include <cstring>

#include "host/pick_heads_params.h"
#include "host/scaled_add_params.h"
#include "host/sum_and_difference_params.h"

namespace {

struct bf16 {
  uint16_t bits;
  operator float() const {
    const uint32_t wide = static_cast<uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
  }
  bf16& operator=(float value) {
    uint32_t wide;
    std::memcpy(&wide, &value, sizeof wide);
    bits = static_cast<uint16_t>((wide + 0x7fff + (wide >> 16 & 1)) >> 16);
    return *this;
  }
};

#if defined(__AVX512F__)
constexpr float kIsaLevel = 2;
#elif defined(__AVX2__)
constexpr float kIsaLevel = 1;
#else
constexpr float kIsaLevel = 0;
#endif

template <class T>
bool is_aligned(const void* data) {
  return reinterpret_cast<std::uintptr_t>(data) % alignof(T) == 0;
}

// Tells on the host: NaN for unaligned inputs, and the ISA level where alpha is NaN.
template <class T>
float term(const scaled_add_params* p, float y) {
  if (!is_aligned<T>(p->x) || !is_aligned<T>(p->y)) return NAN;
  return std::isnan(p->alpha) ? kIsaLevel : p->alpha * y;
}

template <class T>
void scaled_add(const scaled_add_params* p) {
  for (int64_t r = 0; r < p->rows; r++) {
    const T* x = static_cast<const T*>(p->x) + r * p->x_stride_0;
    const T* y = static_cast<const T*>(p->y) + r * p->y_stride_0;
    T* out = static_cast<T*>(p->out) + r * p->out_stride_0;
    for (int64_t c = 0; c < p->width; c++)
      out[c] = static_cast<float>(x[c]) + term<T>(p, static_cast<float>(y[c]));
  }
}

template <class T>
void sum_and_difference(const sum_and_difference_params* p) {
  for (int64_t r = 0; r < p->rows; r++) {
    T* a = static_cast<T*>(p->a) + r * p->a_stride_0;
    T* b = static_cast<T*>(p->b) + r * p->b_stride_0;
    for (int64_t c = 0; c < p->width; c++) {
      const T total = a[c] + b[c], rest = a[c] - b[c];
      a[c] = total;
      b[c] = rest;
    }
  }
}

// Marks in range slots in column 0 only: column 1 shows that the host zeroes what it must.
template <class T, class I>
void pick_heads(const pick_heads_params* p) {
  for (int64_t t = 0; t < p->tokens; t++) {
    const int64_t slot = static_cast<const I*>(p->slots)[t];
    const bool is_inside = slot >= 0 && slot < p->pool && slot <= p->limit && !p->flag;
    if (is_inside) static_cast<int32_t*>(p->marks)[t * p->marks_stride_0] = 1;
    for (int64_t h = 0; h < p->heads; h++) {
      T* out = static_cast<T*>(p->out) + t * p->out_stride_0 + h * p->out_stride_1;
      const T* row = static_cast<const T*>(p->table) + slot * p->table_stride_0 + h * p->head_dim;
      for (int64_t d = 0; d < p->head_dim; d++) {
        const float bias = p->bias ? static_cast<const float*>(p->bias)[d] : 0;
        out[d] = is_inside ? static_cast<T>(row[d] + bias) : T(0);
      }
    }
  }
}

}  // namespace

#define SGL_PASTE(isa, name) sgl_cpu_##isa##_##name
#define SGL_NAME(isa, name) SGL_PASTE(isa, name)
#define SGL_KERNEL(op, suffix, ...) \
  extern "C" void SGL_NAME(SGL_ISA, op##_##suffix)(const op##_params* p) { op<__VA_ARGS__>(p); }

SGL_KERNEL(scaled_add, f32, float)
SGL_KERNEL(scaled_add, f16, _Float16)
SGL_KERNEL(scaled_add, bf16, bf16)
SGL_KERNEL(sum_and_difference, i32, int32_t)
SGL_KERNEL(sum_and_difference, i64, int64_t)
SGL_KERNEL(pick_heads, f32_i32, float, int32_t)
SGL_KERNEL(pick_heads, f32_i64, float, int64_t)
SGL_KERNEL(pick_heads, f8e4m3_i32, uint8_t, int32_t)
SGL_KERNEL(pick_heads, f8e4m3_i64, uint8_t, int64_t)
