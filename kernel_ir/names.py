"""What may be a name: one rule for kernels, arguments, results, sizes and exports.

Names reach Python, C++, MSL and CUDA sources as they are, so each is checked against the reserved
words, predefined macros and built-in type names of all four. Only names that the patterns admit
need a row: lower case for everything but type variables.
"""

from __future__ import annotations

import re

from kernel_ir.dtypes import DTYPES
from kernel_ir.ops import CALLABLE
from kernel_ir.wording import show

MAX_NAME = 48
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,47}$"
TYPE_VARIABLE_PATTERN = r"^[A-Z][A-Za-z0-9]{0,15}$"

_NAME = re.compile(NAME_PATTERN[:-1] + r"\Z")
_TYPE_VARIABLE = re.compile(TYPE_VARIABLE_PATTERN[:-1] + r"\Z")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _vectors(scalars: str) -> frozenset[str]:
    return frozenset(f"{scalar}{lanes}" for scalar in scalars.split() for lanes in (1, 2, 3, 4))


PYTHON = _words("""
    and as assert async await break class continue def del elif else except finally for from global
    if import in is lambda nonlocal not or pass raise return try while with yield None True False
""")

CPP = _words("""
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t
    char32_t class compl concept const consteval constexpr constinit const_cast continue co_await
    co_return co_yield decltype default delete do double dynamic_cast else enum explicit export
    extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq
    nullptr operator or or_eq private protected public register reinterpret_cast requires return
    short signed sizeof static static_assert static_cast struct switch template this thread_local
    throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while
    xor xor_eq

    assert errno linux main offsetof setjmp std stderr stdin stdout typeof unix
    int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t uintptr_t
    ptrdiff_t size_t ssize_t va_arg va_copy va_end va_list va_start
    EOF FALSE FILE INFINITY NAN NULL TRUE BUFSIZ CHAR INT
    CUDARTAPI MAXFLOAT NFDBITS NZERO SNAN SNANF SNANF32 SNANF32X SNANF64 SNANF64X SNANF128 SNANL
    WCONTINUED WEXITED WNOHANG WNOWAIT WSTOPPED WUNTRACED math_errhandling
""")

MSL = (
    _words("""
    atomic_bool atomic_float atomic_int atomic_uint bfloat constant depth2d depthcube device
    discard_fragment fragment half imageblock intersector kernel matrix mesh metal object ray_data
    sampler simd simdgroup texture texture1d texture2d texture3d texturecube thread threadgroup
    threadgroup_imageblock uchar uint ulong ushort vec vertex
    """)
    | _vectors("bool char uchar short ushort int uint long ulong half bfloat float packed_float packed_half")
    | frozenset(f"{scalar}{r}x{c}" for scalar in ("half", "float") for r in (2, 3, 4) for c in (2, 3, 4))
)

CUDA = _words("dim3 cudaError_t half half2 nv_bfloat16 nv_bfloat162 surface texture warpSize") | _vectors(
    "char uchar short ushort int uint long ulong longlong ulonglong float double"
)

_LANGUAGES = {"Python": PYTHON, "C++": CPP, "Metal": MSL, "CUDA": CUDA}

# Words that no emitted identifier may be, on any target.
RESERVED = PYTHON | CPP | MSL | CUDA

# The names that a body already gives a meaning to; an argument must not hide them.
BODY_NAMES = (
    _words("""
    range sequential given sum max min any all count argmax argmin softmax cumsum topk inf nan pi
    """)
    | frozenset(CALLABLE)
    | frozenset(DTYPES)
)

# What the package, its extensions and every wrapper say themselves, or take from Python.
PACKAGE_NAMES = _words("""
    attach cpu cuda is_available isa_level isa_levels metal mx register_library set_isa_level target
    dict getattr globals isinstance len list name str tuple zip
""")
WRAPPER_NAMES = _words("stream")


def reserved_by(name: str) -> str:
    """The language that reserves a name, or ""."""
    return next((language for language, words in _LANGUAGES.items() if name in words), "")


def name_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with a name, as (message, hint); None if it may be used."""
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters, this one has {len(name)}", "choose a shorter name"
    if not _NAME.match(name):
        hint = "names are lower case letters, digits and single underscores, and start with a letter"
        return f"{show(name)} is not a legal name", hint
    if "__" in name or name.endswith("_"):
        return f"{show(name)} is not a legal name", "use single underscores between words"
    if language := reserved_by(name):
        return f"{show(name)} is reserved in {language}", "choose another name"
    return None


def kernel_name_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of a kernel or an export, as (message, hint); None if it may be used."""
    return name_problem(name) or taken(name, PACKAGE_NAMES, "the package")


def stride_name(tensor: str, axis: int) -> str:
    """What a tensor's stride along an axis, in elements, is called in what every target is passed."""
    return f"{tensor}_stride_{axis}"


def params_name(kernel: str) -> str:
    """The C++ name of the struct that a kernel's arguments are passed in."""
    return f"{kernel}_params"


def taken(name: str, names: frozenset[str], owner: str) -> tuple[str, str] | None:
    """The problem of a name that `owner` uses itself, as (message, hint); None if it is not among `names`."""
    if name not in names:
        return None
    return f"{show(name)} already has a meaning in {owner}", "choose another name"


def type_variable_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with a type variable's name, as (message, hint); None if it may be used."""
    if not _TYPE_VARIABLE.match(name):
        hint = "a type variable is a capital letter and up to 15 letters or digits, such as T"
        return f"{show(name)} is not a legal type variable", hint
    if language := reserved_by(name):
        return f"{show(name)} is reserved in {language}", "choose another name, such as T"
    return None
