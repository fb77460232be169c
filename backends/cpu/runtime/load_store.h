// Loads and stores: load(pointer, index), load_if, store, store_if.
//
// An index is a scalar (one element), Lanes (16 consecutive elements) or a Pack of integers (a gather
// or a scatter). Loads widen to the compute type; stores convert and round to the stored type. Lanes
// whose condition is false are never touched.
#pragma once

#include "exact.h"

namespace sgl {
inline namespace SGL_ISA_NAMESPACE {

template <class T>
SGL_INLINE Compute<T> load_one(const T* pointer) {
  typename Codec<T>::Bits bits;
  memcpy(&bits, pointer, sizeof bits);
  return Codec<T>::widen(bits);
}

template <class T>
SGL_INLINE void store_one(T* pointer, Compute<T> value) {
  const typename Codec<T>::Bits bits = Codec<T>::narrow(value);
  memcpy(pointer, &bits, sizeof bits);
}

template <class T>
SGL_INLINE Pack<Compute<T>> load_run(const T* pointer) {
  using P = Pack<Compute<T>>;
  P out;
  unroll<P::kParts>([&](auto i) {
    Vector<typename Codec<T>::Bits, P::kWidth> bits;
    memcpy(&bits, pointer + i * P::kWidth, sizeof bits);
    out.part[i] = Codec<T>::widen(bits);
  });
  return out;
}

template <class T>
SGL_INLINE void store_run(T* pointer, const Pack<Compute<T>>& value) {
  using P = Pack<Compute<T>>;
  unroll<P::kParts>([&](auto i) {
    const Vector<typename Codec<T>::Bits, P::kWidth> bits = Codec<T>::narrow(value.part[i]);
    memcpy(pointer + i * P::kWidth, &bits, sizeof bits);
  });
}

// The value as T's compute type. Floats round to nearest even on their way to integers.
template <class T, class X>
SGL_INLINE auto stored_value(X value) {
  if constexpr (std::is_floating_point_v<Element<X>> && std::is_integral_v<Compute<T>>) {
    return cast<Compute<T>>(round(value));
  } else {
    return cast<Compute<T>>(value);
  }
}

// Calls f(lane) for the lanes in which `mask` holds.
template <class F>
SGL_INLINE void for_each_set(const Mask& mask, F f) {
  int32_t set[kLanes];
  memcpy(set, &mask, sizeof set);
  for (int i = 0; i < kLanes; ++i) {
    if (set[i]) f(i);
  }
}

// The address of each lane's element, as an offset.
template <class I>
SGL_INLINE void offsets_of(I index, int64_t (&offsets)[kLanes]) {
  const Pack<int64_t> all = as_pack<int64_t>(index);
  memcpy(offsets, &all, sizeof offsets);
}

template <class T, Operand I>
SGL_INLINE auto load(const T* pointer, I index) {
  if constexpr (std::is_same_v<I, Lanes>) {
    return load_run(pointer + index.first);
  } else if constexpr (is_pack<I>) {
    int64_t offsets[kLanes];
    offsets_of(index, offsets);
    T gathered[kLanes];
    for (int i = 0; i < kLanes; ++i) gathered[i] = pointer[offsets[i]];
    return load_run(gathered);
  } else {
    return load_one(pointer + index);
  }
}

template <class T, Operand I, Operand X>
SGL_INLINE void store(T* pointer, I index, X value) {
  if constexpr (std::is_same_v<I, Lanes>) {
    store_run(pointer + index.first, as_pack<Compute<T>>(stored_value<T>(value)));
  } else if constexpr (is_pack<I>) {
    int64_t offsets[kLanes];
    offsets_of(index, offsets);
    T scattered[kLanes];
    store_run(scattered, as_pack<Compute<T>>(stored_value<T>(value)));
    for (int i = 0; i < kLanes; ++i) pointer[offsets[i]] = scattered[i];
  } else {
    static_assert(!is_pack<X>, "16 values stored to one element");
    store_one(pointer + index, stored_value<T>(value));
  }
}

template <class T, class I>
SGL_INLINE Pack<Compute<T>> load_masked(const Mask& mask, const T* pointer, I index,
                                        const Pack<Compute<T>>& otherwise) {
  int64_t offsets[kLanes];
  offsets_of(index, offsets);
  T gathered[kLanes] = {};
  for_each_set(mask, [&](int i) { gathered[i] = pointer[offsets[i]]; });
  return select_pack(mask, load_run(gathered), otherwise);
}

// load(pointer, index) where the condition holds, `otherwise` elsewhere.
template <Operand C, class T, Operand I, Operand X>
SGL_INLINE auto load_if(C condition, const T* pointer, I index, X otherwise) {
  using S = Compute<T>;
  if constexpr (!is_pack<C> && !is_pack<I>) {
    using R = decltype(cast<S>(otherwise));
    return condition ? R(load_one(pointer + index)) : cast<S>(otherwise);
  } else if constexpr (!is_pack<C>) {
    return condition ? load(pointer, index) : as_pack<S>(cast<S>(otherwise));
  } else {
    const Pack<S> rest = as_pack<S>(cast<S>(otherwise));
    if (all(condition)) return as_pack<S>(load(pointer, index));
    if (!any(condition)) return rest;
    return load_masked(condition, pointer, index, rest);
  }
}

// store(pointer, index, value) where the condition holds.
template <Operand C, class T, Operand I, Operand X>
SGL_INLINE void store_if(C condition, T* pointer, I index, X value) {
  if constexpr (!is_pack<C>) {
    if (condition) store(pointer, index, value);
  } else {
    static_assert(is_pack<I>, "16 lanes stored to one element");
    if (all(condition)) return store(pointer, index, value);
    int64_t offsets[kLanes];
    offsets_of(index, offsets);
    T scattered[kLanes];
    store_run(scattered, as_pack<Compute<T>>(stored_value<T>(value)));
    for_each_set(condition, [&](int i) { pointer[offsets[i]] = scattered[i]; });
  }
}

}  // namespace SGL_ISA_NAMESPACE
}  // namespace sgl
