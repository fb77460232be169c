"""Pipelines are kept by a key; two that differ in anything must not share one."""

from __future__ import annotations

import ctypes
import itertools
import re
import struct
import subprocess
from pathlib import Path

import every_spec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.metal.emit import launch_records
from codegen.pipeline import compile_spec

ROOT = Path(__file__).parent.parent

Constants = tuple[tuple[int, int], ...]  # number, bits


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    path = tmp_path_factory.mktemp("keys") / "keys.so"
    sources = [ROOT / "tests/cpp/pipeline_keys.cpp", ROOT / "backends/metal/host/pipeline_key.cpp"]
    flags = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", f"-I{ROOT / 'backends'}"]
    subprocess.run(["c++", *flags, *map(str, sources), "-o", str(path)], check=True)
    return ctypes.CDLL(str(path))


def key_of(library: ctypes.CDLL, kernel: str, constants: Constants) -> str:
    count = len(constants)
    positions = (ctypes.c_int * count)(*(position for position, _ in constants))
    bits = (ctypes.c_uint64 * count)(*(value for _, value in constants))
    text = ctypes.create_string_buffer(4096)
    library.key_of(kernel.encode(), positions, bits, count, text, len(text))
    return text.value.decode()


WORDS = st.from_regex(r"[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,5}){0,3}", fullmatch=True)
BITS = st.integers(0, 2**64 - 1) | st.integers(0, 300)
CONFIGURATIONS = st.tuples(WORDS, st.lists(st.tuples(st.integers(0, 40), BITS), max_size=4).map(tuple))


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_keys_are_equal_only_where_everything_is(
    library: ctypes.CDLL, first: tuple[str, Constants], second: tuple[str, Constants]
) -> None:
    is_same = key_of(library, *first) == key_of(library, *second)
    assert is_same == (first == second)


@given(WORDS, st.data())
def test_one_bit_makes_another_key(library: ctypes.CDLL, kernel: str, data: st.DataObject) -> None:
    constants = data.draw(st.lists(st.tuples(st.integers(0, 40), BITS), min_size=1, max_size=4))
    which, bit = data.draw(st.integers(0, len(constants) - 1)), data.draw(st.integers(0, 63))
    flipped = list(constants)
    flipped[which] = (constants[which][0], constants[which][1] ^ (1 << bit))
    assert key_of(library, kernel, tuple(constants)) != key_of(library, kernel, tuple(flipped))


def test_floats_that_compare_equal_or_not_at_all_have_keys_of_their_own(library: ctypes.CDLL) -> None:
    values = (0.0, -0.0, 1.0, float("inf"), float("nan"))
    bits = [struct.unpack("<I", struct.pack("<f", value))[0] for value in values] + [0x7FC00001, 0xFFC00000]
    keys = {key_of(library, "kernel_f32", ((0, value),)) for value in bits}
    assert len(keys) == len(bits) == 7


def test_the_last_constant_of_one_is_not_the_name_of_another(library: ctypes.CDLL) -> None:
    ends = key_of(library, "kernel", ((1, 2), (3, 4)))
    assert ends != key_of(library, key_of(library, "kernel", ((1, 2),)).replace("__", "_"), ((3, 4),))
    assert re.fullmatch(r"\w+", ends), "Metal names the specialised function so"


def test_no_kernel_has_the_separator_in_its_name() -> None:
    compiled = [compile_spec(every_spec.load(name)) for name in every_spec.NAMES]
    launches = [launch_records(item.program, item.record) for item in compiled]
    names = [kernel.name for kernel in itertools.chain(*(row.kernels for rows in launches for row in rows))]
    assert len(names) == len(set(names)) > 100
    assert not [name for name in names if "__" in name]
