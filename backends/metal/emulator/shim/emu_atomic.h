// Atomics. Threads are switched only at collectives, so plain code is atomic; the hooks are told of each.
#pragma once

namespace metal {

// What an atomic takes; a fence takes the stronger orders as well.
enum memory_order { memory_order_relaxed };
enum fence_order { memory_order_acquire, memory_order_release, memory_order_acq_rel, memory_order_seq_cst };
enum thread_scope { thread_scope_thread, thread_scope_simdgroup, thread_scope_threadgroup, thread_scope_device };

// Where threads wait for each other at collectives only, a fence orders nothing that a barrier does not.
EMU_SHIM inline void atomic_thread_fence(mem_flags, memory_order, thread_scope = thread_scope_device) {}
EMU_SHIM inline void atomic_thread_fence(mem_flags, fence_order, thread_scope = thread_scope_device) {}

template <class T> struct atomic {
  T held;
};

}  // namespace metal

typedef metal::atomic<int> atomic_int;
typedef metal::atomic<uint> atomic_uint;
typedef metal::atomic<float> atomic_float;
typedef metal::atomic<bool> atomic_bool;
typedef metal::atomic<ulong> atomic_ulong;

namespace metal {

using ::atomic_int;
using ::atomic_uint;
using ::atomic_float;
using ::atomic_bool;
using ::atomic_ulong;

#ifdef EMU_CHECK

#define EMU_IN(space)                                                                                             \
  template <class T> T atomic_load_explicit(const volatile space atomic<T>* at, memory_order);                    \
  template <class T> void atomic_store_explicit(volatile space atomic<T>* at, remove_cv_t<T> value, memory_order); \
  EMU_UPDATE(space, exchange) EMU_UPDATE(space, fetch_add) EMU_UPDATE(space, fetch_sub)                           \
  EMU_UPDATE(space, fetch_min) EMU_UPDATE(space, fetch_max) EMU_UPDATE(space, fetch_and)                          \
  EMU_UPDATE(space, fetch_or) EMU_UPDATE(space, fetch_xor)                                                        \
  template <class T> bool atomic_compare_exchange_weak_explicit(                                                  \
      volatile space atomic<T>* at, T* expected, remove_cv_t<T> desired, memory_order, memory_order);
#define EMU_UPDATE(space, name) \
  template <class T> T atomic_##name##_explicit(volatile space atomic<T>* at, remove_cv_t<T> value, memory_order);
EMU_IN(__attribute__((address_space(1))))
EMU_IN(__attribute__((address_space(2))))
#undef EMU_UPDATE
#undef EMU_IN

#else

template <class T> EMU_SHIM T atomic_load_explicit(const volatile atomic<T>* at, memory_order) {
  emu_atomic(const_cast<const atomic<T>*>(at), sizeof(T), 1, 0, EMU_SITE);
  return at->held;
}
template <class T> EMU_SHIM void atomic_store_explicit(volatile atomic<T>* at, remove_cv_t<T> value, memory_order) {
  emu_atomic(const_cast<const atomic<T>*>(at), sizeof(T), 0, 1, EMU_SITE);
  at->held = value;
}

#define EMU_UPDATE(name, updated)                                                                            \
  template <class T> EMU_SHIM T atomic_##name##_explicit(volatile atomic<T>* at, remove_cv_t<T> value, memory_order) { \
    emu_atomic(const_cast<const atomic<T>*>(at), sizeof(T), 1, 1, EMU_SITE);                                 \
    const T before = at->held;                                                                               \
    at->held = updated;                                                                                      \
    return before;                                                                                           \
  }
EMU_UPDATE(exchange, value)
EMU_UPDATE(fetch_add, T(before + value))
EMU_UPDATE(fetch_sub, T(before - value))
EMU_UPDATE(fetch_min, value < before ? value : before)
EMU_UPDATE(fetch_max, before < value ? value : before)
EMU_UPDATE(fetch_and, before & value)
EMU_UPDATE(fetch_or, before | value)
EMU_UPDATE(fetch_xor, before ^ value)
#undef EMU_UPDATE

template <class T>
EMU_SHIM bool atomic_compare_exchange_weak_explicit(
    volatile atomic<T>* at, T* expected, remove_cv_t<T> desired, memory_order, memory_order) {
  emu_atomic(const_cast<const atomic<T>*>(at), sizeof(T), 1, 1, EMU_SITE);
  const T before = at->held;
  const bool is_equal = __builtin_memcmp(&before, expected, sizeof(T)) == 0;
  if (is_equal) at->held = desired;
  *expected = before;
  return is_equal;
}

#endif

}  // namespace metal
