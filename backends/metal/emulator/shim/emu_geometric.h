// Metal's functions of whole vectors.
#pragma once

namespace metal {

template <class T> EMU_SHIM emu::Element<emu::OnlyVector<T>> dot(T x, T y) {
  emu::Element<T> sum = 0;
  for (int n = 0; n < emu::lanes<T>; ++n) sum += x[n] * y[n];
  return sum;
}
template <class T> EMU_SHIM emu::Element<emu::OnlyVector<T>> length_squared(T x) { return dot(x, x); }
template <class T> EMU_SHIM emu::Element<emu::OnlyVector<T>> length(T x) { return sqrt(dot(x, x)); }
template <class T> EMU_SHIM emu::Element<emu::OnlyVector<T>> distance(T x, T y) { return length(x - y); }
template <class T> EMU_SHIM emu::Element<emu::OnlyVector<T>> distance_squared(T x, T y) { return length_squared(x - y); }
template <class T> EMU_SHIM emu::OnlyVector<T> reflect(T x, T normal) { return x - normal * (dot(normal, x) * emu::Element<T>(2)); }
template <class T> EMU_SHIM emu::OnlyVector<T> faceforward(T normal, T x, T of) { return dot(of, x) < 0 ? normal : -normal; }
template <class T> EMU_SHIM metal::enable_if_t<emu::lanes<T> == 3, T> cross(T x, T y) {
  return x.yzx * y.zxy - x.zxy * y.yzx;
}
template <class T> EMU_SHIM emu::OnlyVector<T> normalize(T x) { return x * rsqrt(dot(x, x)); }

}  // namespace metal
