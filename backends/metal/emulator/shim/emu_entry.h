// How a shader's kernels and constants are found and called.
#pragma once

namespace emu {

inline Kernel* first_kernel = nullptr;

template <class A> EMU_INNER A position_as(const u32 (&at)[3]) {
  typedef metal::remove_cv_t<A> V;
  if constexpr (lanes<V> == 1) {
    return V(at[0]);
  } else {
    V made;
    for (int n = 0; n < lanes<V>; ++n) made[n] = at[n];
    return made;
  }
}

template <class A> struct Argument {
  EMU_INNER static A from(const Thread& thread, const Slot& slot) { return position_as<A>(thread.positions[slot.index]); }
};
template <> struct Argument<void*> {
  EMU_INNER static void* from(const Thread& thread, const Slot& slot) {
    return (slot.kind == kBuffer ? thread.buffers : thread.threadgroup)[slot.index];
  }
};

// How a parameter is passed. One address is passed as any other, so that kernels share their callers.
template <class A> struct Passed { typedef A type; };
template <class T> struct Passed<T*> { typedef void* type; };
template <class T> struct Passed<T&> { typedef void* type; };

template <int... I> struct Indices {};
template <int N, int... I> struct MakeIndices : MakeIndices<N - 1, N - 1, I...> {};
template <int... I> struct MakeIndices<0, I...> { typedef Indices<I...> type; };

template <class... A> struct Caller {
  template <int... I>
  EMU_INNER static void with(void* function, const Thread& thread, const Slot* slots, Indices<I...>) {
    reinterpret_cast<void (*)(A...)>(function)(Argument<A>::from(thread, slots[I])...);
  }
  EMU_SHIM static void call(void* function, const Thread& thread, const Slot* slots) {
    with(function, thread, slots, typename MakeIndices<sizeof...(A)>::type{});
  }
};

struct Registered {
  Kernel kernel;
  template <class... A>
  EMU_INNER Registered(const char* name, void (*function)(A...), const Slot* slots, const Needs& needs)
      : Registered({name, &Caller<typename Passed<A>::type...>::call, reinterpret_cast<void*>(function), slots,
                    int(sizeof...(A)), needs, first_kernel}) {}
  EMU_SHIM Registered(const Kernel& made) : kernel(made) { first_kernel = &kernel; }
};

// A constant that depends on function constants: worked out before each launch, in order.
struct Initialiser {
  void (*run)();
  Initialiser* next;
  Initialiser(void (*given)());
};

inline Initialiser* first_initialiser = nullptr;
inline Initialiser** last_initialiser = &first_initialiser;

inline Initialiser::Initialiser(void (*given)()) : run(given), next(nullptr) {
  *last_initialiser = this;
  last_initialiser = &next;
}

inline ConstantDeclared* first_constant = nullptr;

template <class T> constexpr int constant_kind() {
  if constexpr (lanes<T> != 1) return kVector;
  else if constexpr (metal::is_same_v<T, bool>) return kBoolean;
  else if constexpr (metal::is_floating_point_v<T>) return kReal;
  else return T(-1) < T(0) ? kSigned : kUnsigned;
}

struct Declared {
  ConstantDeclared row;
  template <class T> Declared(int index, const char* name, T*) {
    row = {index, constant_kind<metal::remove_cv_t<T>>(), int(sizeof(T)), name, first_constant};
    first_constant = &row;
  }
};

// One that is not set has a value that nobody divides by zero with; reading it is refused.
template <class T> EMU_SHIM T function_constant(int index, const T& at, const char* name) {
  const Constant* given = emu_constant(index);
  if (given == nullptr) {
    emu_unset(&at, sizeof at, name);
    return T(1);
  }
  if constexpr (metal::is_floating_point_v<T>) return T(given->real);
  else return T(given->whole);
}

// What runs before anything else does: the linker puts the addresses of such functions between these two, to be
// called from the last to the first.
typedef void (*Constructor)();
__attribute__((used, no_sanitize("address"), section(".ctors"))) static Constructor before_constructors[1] = {nullptr};
__attribute__((used, no_sanitize("address"), section(".ctors.65535"))) static Constructor behind_constructors[1] = {nullptr};

}  // namespace emu

// The linker's names for where this shader's code and tables begin and end.
extern "C" __attribute__((visibility("hidden"))) char __ehdr_start[], _end[];
extern "C" __attribute__((used)) inline char* emu_image_begin() { return __ehdr_start; }
extern "C" __attribute__((used)) inline char* emu_image_end() { return _end; }
extern "C" __attribute__((used)) inline emu::Kernel* emu_first_kernel() { return emu::first_kernel; }
extern "C" __attribute__((used)) inline emu::ConstantDeclared* emu_first_constant() { return emu::first_constant; }
extern "C" __attribute__((used)) EMU_SHIM inline void emu_construct() {
  static bool is_done = false;
  if (is_done) return;
  emu::Constructor* const first = emu::before_constructors + 1;
  for (emu::Constructor* each = emu::behind_constructors; each-- != first;) (*each)();
  is_done = true;
}
extern "C" __attribute__((used)) inline void emu_initialise() {
  for (emu::Initialiser* each = emu::first_initialiser; each != nullptr; each = each->next) each->run();
}
