// Metal's questions about types.
#pragma once

namespace metal {

template <class A, class B> struct is_same { static constexpr bool value = false; };
template <class A> struct is_same<A, A> { static constexpr bool value = true; };
template <class A, class B> constexpr bool is_same_v = is_same<A, B>::value;
template <bool, class T = void> struct enable_if {};
template <class T> struct enable_if<true, T> { typedef T type; };
template <bool condition, class T = void> using enable_if_t = typename enable_if<condition, T>::type;
template <bool, class A, class B> struct conditional { typedef A type; };
template <class A, class B> struct conditional<false, A, B> { typedef B type; };
template <bool choice, class A, class B> using conditional_t = typename conditional<choice, A, B>::type;
template <class T> struct remove_cv { typedef __remove_cv(T) type; };
template <class T> using remove_cv_t = __remove_cv(T);
template <class T> struct remove_reference { typedef __remove_reference_t(T) type; };
template <class T> using remove_reference_t = __remove_reference_t(T);
template <class T> constexpr bool is_floating_point_v =
    is_same_v<T, float> || is_same_v<T, half> || is_same_v<T, bfloat>;
template <class T> struct is_floating_point { static constexpr bool value = is_floating_point_v<T>; };
template <class T> constexpr bool is_integral_v = __is_integral(T);
template <class T> struct is_integral { static constexpr bool value = is_integral_v<T>; };
template <class T> constexpr bool is_signed_v = T(-1) < T(0);
template <class T> constexpr bool is_unsigned_v = is_integral_v<T> && !is_signed_v<T>;
template <class T, T held> struct integral_constant { static constexpr T value = held; };
template <bool held> using bool_constant = integral_constant<bool, held>;
typedef integral_constant<bool, true> true_type;
typedef integral_constant<bool, false> false_type;

template <class A, class B> constexpr bool is_convertible_v = __is_convertible(A, B);
template <class A, class B> struct is_convertible : bool_constant<is_convertible_v<A, B>> {};
template <class T> constexpr bool is_arithmetic_v = is_integral_v<T> || is_floating_point_v<T>;
template <class T> struct is_arithmetic : bool_constant<is_arithmetic_v<T>> {};
template <class T> struct is_signed : bool_constant<is_signed_v<T>> {};
template <class T> struct is_unsigned : bool_constant<is_unsigned_v<T>> {};
template <class T> constexpr bool is_void_v = __is_void(T);
template <class T> constexpr bool is_pointer_v = __is_pointer(T);
template <class T> struct is_pointer : bool_constant<is_pointer_v<T>> {};
template <class T> constexpr bool is_reference_v = __is_reference(T);
template <class T> constexpr bool is_array_v = __is_array(T);
template <class T> constexpr bool is_class_v = __is_class(T);
template <class T> constexpr bool is_union_v = __is_union(T);
template <class T> constexpr bool is_enum_v = __is_enum(T);
template <class T> constexpr bool is_const_v = __is_const(T);
template <class T> constexpr bool is_volatile_v = __is_volatile(T);
template <class T> constexpr bool is_trivially_copyable_v = __is_trivially_copyable(T);
template <class B, class D> constexpr bool is_base_of_v = __is_base_of(B, D);
template <class T> using remove_const_t = __remove_const(T);
template <class T> using remove_volatile_t = __remove_volatile(T);
template <class T> using remove_pointer_t = __remove_pointer(T);
template <class T> using remove_extent_t = __remove_extent(T);
template <class T> using decay_t = __decay(T);
template <class T> using make_unsigned_t = __make_unsigned(T);
template <class T> using make_signed_t = __make_signed(T);
template <class T> struct make_unsigned { typedef make_unsigned_t<T> type; };
template <class T> struct make_signed { typedef make_signed_t<T> type; };
template <class... T> constexpr bool conjunction_v = (T::value && ...);
template <class... T> constexpr bool disjunction_v = (T::value || ...);
template <class... T> struct conjunction : bool_constant<conjunction_v<T...>> {};
template <class... T> struct disjunction : bool_constant<disjunction_v<T...>> {};
template <class... T> using _conjunction = conjunction<T...>;  // as Metal's own headers call them
template <class... T> using _disjunction = disjunction<T...>;
template <class T> struct negation : bool_constant<!T::value> {};
template <class T> remove_reference_t<T>&& declval();
template <class T> using underlying_type_t = __underlying_type(T);

}  // namespace metal
