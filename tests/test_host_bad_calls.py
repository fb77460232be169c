"""Calls that must be refused: with which error, in which words, and never with a crash."""

from __future__ import annotations

import itertools
from types import ModuleType

import host_package
import numpy as np
import pytest


@pytest.fixture(scope="module")
def cpu() -> ModuleType:
    return host_package.load("cpu")


X = np.zeros((2, 3, 8), np.float32)
TABLE = np.zeros((5, 8), np.float32)
SLOTS = np.zeros(3, np.int32)
ANY = "must be an array (torch, numpy, or any object with __dlpack__), got"


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


# What is called, with which arguments, and the error with its whole text.
REFUSED = [
    (
        "add_scaled",
        (X, X),
        {"mask": 1},
        ValueError,
        "argument 'mask' is not supported: expected None, got int",
    ),
    (
        "add_scaled",
        (X, X),
        {"is_fused": True},
        ValueError,
        "argument 'is_fused' is not supported: expected False, got True",
    ),
    (
        "add_scaled",
        (X, X),
        {"is_fused": None},
        ValueError,
        "argument 'is_fused' is not supported: expected False, got None",
    ),
    (
        "scaled_add",
        (X, X[:1]),
        {},
        ValueError,
        "argument 'y' has shape (1, 3, 8), expected (*rows, width) = (2, 3, 8) because 'x' has "
        "shape (2, 3, 8)",
    ),
    (
        "scaled_add",
        (X, X.reshape(6, 8)),
        {},
        ValueError,
        "argument 'y' has shape (6, 8), expected (*rows, width) = (2, 3, 8) because 'x' has shape (2, 3, 8)",
    ),
    (
        "scaled_add",
        (X, X[..., :5]),
        {},
        ValueError,
        "argument 'y' has shape (2, 3, 5), expected (*rows, width) = (2, 3, 8) because 'x' has "
        "shape (2, 3, 8)",
    ),
    (
        "scaled_add",
        (X, np.zeros((), np.float32)),
        {},
        ValueError,
        "argument 'y' has 0 dimensions, shape (), expected at least 1: (*rows, width)",
    ),
    (
        "scaled_add",
        (np.zeros((1,) * 17, np.float32),) * 2,
        {},
        ValueError,
        "argument 'x' has 17 dimensions, at most 16 are supported",
    ),
    (
        "scaled_add",
        (X.astype(np.float64), X),
        {},
        ValueError,
        "argument 'x' has dtype float64, expected float32, float16 or bfloat16",
    ),
    (
        "scaled_add",
        (X, X.astype(np.float16)),
        {},
        ValueError,
        "argument 'y' has dtype float16, expected float32, the dtype of 'x'",
    ),
    (
        "scaled_add",
        (X, X.astype(np.complex64)),
        {},
        ValueError,
        "argument 'y' has dtype complex64, expected float32, the dtype of 'x'",
    ),
    (
        "scaled_add",
        (X, X.astype(">f4")),
        {},
        ValueError,
        "argument 'y' has an unknown dtype, expected float32, the dtype of 'x'",
    ),
    (
        "scaled_add",
        (X, np.array(["a"])),
        {},
        ValueError,
        "argument 'y' has an unknown dtype, expected float32, the dtype of 'x'",
    ),
    ("scaled_add", (X, None), {}, TypeError, f"argument 'y' {ANY} NoneType"),
    ("scaled_add", (X, [1.0]), {}, TypeError, f"argument 'y' {ANY} list"),
    ("scaled_add", (X, np.float32(1)), {}, TypeError, f"argument 'y' {ANY} numpy.float32"),
    ("scaled_add", (X, np.ndarray), {}, TypeError, f"argument 'y' {ANY} type"),
    ("scaled_add", (X, X, True), {}, TypeError, "argument 'alpha' must be a float, got bool"),
    ("scaled_add", (X, X, "1"), {}, TypeError, "argument 'alpha' must be a float, got str"),
    ("scaled_add", (X, X, 1j), {}, TypeError, "argument 'alpha' must be a float, got complex"),
    ("scaled_add", (X, X, None), {}, TypeError, "argument 'alpha' must be a float, got NoneType"),
    ("scaled_add", (X, X, 10**400), {}, ValueError, "argument 'alpha' does not fit a float32"),
    (
        "scaled_add",
        (X, X, 1.0),
        {"out": X},
        ValueError,
        "argument 'out' is written to, but shares memory with 'x'",
    ),
    (
        "scaled_add",
        (X, X),
        {"out": read_only(X)},
        ValueError,
        "argument 'out' is written to, but is read-only",
    ),
    (
        "scaled_add",
        (X, X),
        {"out": np.zeros((2, 3, 16), np.float32)[..., ::2]},
        ValueError,
        "argument 'out' is written to, but its last dimension is not contiguous, or its leading "
        "dimensions are not one stride apart",
    ),
    (
        "scaled_add",
        (X, X),
        {"out": np.zeros((3, 2, 8), np.float32).transpose(1, 0, 2)},
        ValueError,
        "argument 'out' is written to, but its last dimension is not contiguous, or its leading "
        "dimensions are not one stride apart",
    ),
    (
        "scaled_add",
        (X, X),
        {"out": np.zeros((2, 3, 9), np.float32)},
        ValueError,
        "argument 'out' has shape (2, 3, 9), expected (*rows, width) = (2, 3, 8) because 'x' has "
        "shape (2, 3, 8)",
    ),
    (
        "scaled_add",
        (X, X),
        {"out": np.zeros((2, 3, 8), np.float16)},
        ValueError,
        "argument 'out' has dtype float16, expected float32, the dtype of 'x'",
    ),
    (
        "add_scaled",
        (X, X[:1]),
        {},
        ValueError,
        "argument 'other' has shape (1, 3, 8), expected (*rows, width) = (2, 3, 8) because 'input' has shape "
        "(2, 3, 8)",
    ),
    ("add_scaled", (X, X), {"factor": "1"}, TypeError, "argument 'factor' must be a float, got str"),
    (
        "pick_heads",
        (TABLE, SLOTS),
        {"head_dim": 3},
        ValueError,
        "argument 'table' has shape (5, 8), expected (pool, heads * head_dim): no heads makes "
        "heads * head_dim fit",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS),
        {"head_dim": 1},
        ValueError,
        "expected head_dim % 2 == 0, given head_dim = 1",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS, np.zeros(2, np.float32)),
        {"head_dim": 4},
        ValueError,
        "argument 'head_dim' is 4, expected 2 because 'bias' has shape (2,)",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS),
        {"head_dim": -4},
        ValueError,
        "argument 'head_dim' is -4, expected 0 to 2147483647",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS),
        {"head_dim": 4.0},
        TypeError,
        "argument 'head_dim' must be an int, got float",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS),
        {"head_dim": True},
        TypeError,
        "argument 'head_dim' must be an int, got bool",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS),
        {"head_dim": 4, "limit": 2**31},
        ValueError,
        "argument 'limit' is 2147483648, expected -2147483648 to 2147483647",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS),
        {"head_dim": 4, "limit": 10**50},
        ValueError,
        "argument 'limit' is 1000000000000000000000000000000000000000..., expected -2147483648 to 2147483647",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS),
        {"head_dim": 4, "limit": np.float32(1)},
        TypeError,
        "argument 'limit' must be an int, got numpy.float32",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS),
        {"head_dim": 4, "flag": 1},
        TypeError,
        "argument 'flag' must be a bool, got int",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS.astype(np.int16)),
        {"head_dim": 4},
        ValueError,
        "argument 'slots' has dtype int16, expected int32 or int64",
    ),
    (
        "pick_heads",
        (TABLE, SLOTS.reshape(3, 1)),
        {"head_dim": 4},
        ValueError,
        "argument 'slots' has 2 dimensions, shape (3, 1), expected 1: (tokens,)",
    ),
    (
        "sum_and_difference",
        (SLOTS, SLOTS),
        {},
        ValueError,
        "argument 'a' is written to, but shares memory with 'b'",
    ),
    (
        "sum_and_difference",
        (SLOTS, read_only(SLOTS)),
        {},
        ValueError,
        "argument 'b' is written to, but is read-only",
    ),
]


@pytest.mark.parametrize(
    ("name", "args", "keywords", "kind", "text"), REFUSED, ids=[row[4][:60] for row in REFUSED]
)
def test_refused(cpu: ModuleType, name: str, args: tuple, keywords: dict, kind: type, text: str) -> None:
    with pytest.raises(kind) as caught:
        getattr(cpu, name)(*args, **keywords)
    assert str(caught.value) == f"{name}: {text}"


def test_arrays_whose_elements_coincide_are_not_written(cpu: ModuleType) -> None:
    windows = np.lib.stride_tricks.as_strided(np.zeros(6, np.int32), (3, 4), (4, 4), writeable=True)
    with pytest.raises(ValueError, match="some of its elements share memory"):
        cpu.sum_and_difference(np.zeros((3, 4), np.int32), windows)


@pytest.mark.parametrize("shift", [1, 7, -3])
def test_arrays_that_overlap_in_part_are_refused(cpu: ModuleType, shift: int) -> None:
    buffer = np.zeros(64, np.int32)
    with pytest.raises(ValueError, match="shares memory with"):
        cpu.sum_and_difference(buffer[10:18], buffer[10 + shift : 18 + shift])


def test_missing_unknown_and_repeated_arguments(cpu: ModuleType) -> None:
    native = cpu._cpu
    for args, keywords, text in [
        ((X,), {}, "missing argument 'y'"),
        ((X, X), {"foo": 1}, "unexpected keyword argument 'foo'"),
        ((X, X), {"x": X}, "argument 'x' is given twice"),
        ((X,) * 5, {}, "at most 4 arguments may be given by position, got 5"),
    ]:
        with pytest.raises(TypeError) as caught:
            native.scaled_add(*args, **keywords)
        assert str(caught.value) == f"scaled_add: {text}"


class Spoofed:
    """Claims to be an array."""

    @property
    def __class__(self) -> type:
        return np.ndarray


class Raising:
    """Has a `__dlpack__` that fails, with any of the arguments it may be called with."""

    def __dlpack__(self, **_: object) -> object:
        raise RuntimeError("no export today")


class Lying:
    """Has a `__dlpack__` that gives something else."""

    def __dlpack__(self, **_: object) -> object:
        return 17


class Elsewhere:
    """Raises from `__getattr__` too."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


OBJECTS = [
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    float("nan"),
    1j,
    "x",
    b"x",
    bytearray(8),
    memoryview(b"abcd"),
    [],
    [1.0],
    (),
    {},
    set(),
    object(),
    object,
    type,
    int,
    np.ndarray,
    np.float32,
    np.float32(1),
    np.int64(3),
    np.bool_(True),
    np.dtype("f4"),
    np.zeros(()),
    np.zeros(3, object),
    np.zeros(3, "S4"),
    np.zeros(3, [("a", "f4")]),
    np.zeros(3, "M8[s]"),
    np.zeros(3, np.complex128),
    np.zeros(3, ">f4"),
    np.zeros((2, 2), np.longdouble),
    np.ma.masked_array([1.0]),
    Spoofed(),
    Raising(),
    Lying(),
    Elsewhere(),
    iter([]),
    len,
    lambda: None,
    NotImplemented,
    Ellipsis,
    ModuleType("m"),
]


def test_no_object_crashes_any_argument(cpu: ModuleType) -> None:
    good = {
        "scaled_add": [X, X, 1.0, None],
        "sum_and_difference": [np.zeros((2, 3), np.int32), np.zeros((2, 3), np.int32)],
        "pick_heads": [TABLE, SLOTS, None, 7, False, 4],
    }
    refused = 0
    for name, args in good.items():
        function = getattr(cpu._cpu, name)
        for position, item in itertools.product(range(len(args)), OBJECTS):
            changed = [*args[:position], item, *args[position + 1 :]]
            try:
                function(*changed)
            except (TypeError, ValueError) as error:
                assert str(error).startswith(f"{name}: "), (name, position, item)
                refused += 1
    assert refused > 400


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (Spoofed(), f"argument 'y' {ANY} Spoofed"),
        (Raising(), "argument 'y' cannot be read: no export today"),
        (Lying(), "argument 'y' must be an array, but its __dlpack__ gave int"),
    ],
)
def test_objects_that_claim_to_be_arrays(cpu: ModuleType, item: object, text: str) -> None:
    with pytest.raises(TypeError) as caught:
        cpu.scaled_add(X, item)
    assert str(caught.value) == f"scaled_add: {text}"
