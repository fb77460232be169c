"""The demo: arguments as examples ask for them, and a verdict that a wrong package cannot pass."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from benchmarks import demo
from benchmarks.agreement import compare, make_reference
from benchmarks.emulator_cases import MOST_ELEMENTS, is_possible
from benchmarks.frameworks import Numpy
from benchmarks.inputs import InputError, element_count, make_arguments
from codegen.artifacts import write_tree
from codegen.record import OpRecord, make_record
from kernel_ir.interpret import interpret
from kernel_ir.load import load_text
from kernel_ir.rounding import Array, decode, storage_dtype
from kernel_ir.typecheck.check import check_spec

ROOT = Path(__file__).resolve().parent.parent

# Each way to fill a tensor; what the body does with them does not matter.
FILLED = """
edition: 1
name: filled
summary: Arguments of every kind.
types: {T: [f32, bf16]}
arguments:
  x: {type: "T[rows, 2 * width]"}
  even: {type: "T[rows]", values: {uniform: [2, 3]}}
  slots: {type: "i32[rows]", values: {distinct: [0, pool]}}
  starts: {type: "i64[rows + 1]", values: {offsets: entries}}
  pages: {type: "i32[entries]", values: {uniform: [0, pool]}}
  pool: {type: size}
  factor: {type: f32}
  bias: {type: f32, default: 1.5}
results:
  out: {type: "T[rows, width]"}
  total: {type: "i64[rows]"}
body: |
  for r in range(rows):
      for c in range(width):
          out[r, c] = x[r, c] * factor + x[r, c + width] + even[r] + bias
      total[r] = slots[r] + starts[r] + sum(pages[e] for e in range(entries))
examples:
  - {rows: 6, width: 5, pool: 9, entries: 20, factor: 0.5}
"""

DOUBLE = """
edition: 1
name: doubled
summary: Twice each element.
types: {T: [f32, f16]}
arguments:
  x: {type: "T[*rows, width]"}
results:
  out: {type: "T[*rows, width]"}
body: |
  for r in range(rows):
      for c in range(width):
          out[r, c] = 2 * exp(x[r, c])
examples:
  - {rows: 3, width: 7}
  - {rows: 3000, width: 7000}
"""


def record_of(text: str) -> OpRecord:
    loaded = load_text(text, "specs/test/op.yaml")
    return make_record(loaded, check_spec(loaded))


# Arguments


def draw(seed: int = 0, dtype: int = 0) -> dict[str, Any]:
    record = record_of(FILLED)
    return make_arguments(record, record.examples[0], record.entries[dtype], seed)


def test_shapes_and_numbers_follow_the_example() -> None:
    drawn = draw()
    assert {name: value.shape for name, value in drawn.items() if isinstance(value, np.ndarray)} == {
        "x": (6, 10), "even": (6,), "slots": (6,), "starts": (7,), "pages": (20,),
    }  # fmt: skip
    assert (drawn["pool"], drawn["factor"]) == (9, 0.5)
    assert "bias" not in drawn  # it has a default


def test_values_say_how_a_tensor_is_filled() -> None:
    drawn = draw()
    assert np.all((drawn["even"] >= 2) & (drawn["even"] < 3))
    assert len(set(drawn["slots"].tolist())) == 6
    assert np.all((drawn["slots"] >= 0) & (drawn["slots"] < 9))
    assert drawn["starts"][0] == 0
    assert drawn["starts"][-1] == 20
    assert np.all(np.diff(drawn["starts"]) >= 0)
    assert np.all((drawn["pages"] >= 0) & (drawn["pages"] < 9))


def test_arrays_are_storage_arrays_of_the_entry() -> None:
    record = record_of(FILLED)
    for position, entry in enumerate(record.entries):
        assert draw(dtype=position)["x"].dtype == storage_dtype(entry.resolve("T"))


def test_a_seed_draws_the_same_again() -> None:
    np.testing.assert_array_equal(draw(3)["x"], draw(3)["x"])
    assert not np.array_equal(draw(3)["x"], draw(4)["x"])


def test_a_missing_size_is_an_error() -> None:
    record = record_of(FILLED)
    with pytest.raises(KeyError, match="every size"):
        make_arguments(record, {"rows": 1}, record.entries[0])


def test_more_distinct_values_than_there_are_is_an_error() -> None:
    record = record_of(FILLED)
    crowded = {**record.examples[0], "pool": 5}
    with pytest.raises(InputError, match=r"op\.yaml: the example \{rows: 6, .*'slots' 6 elements.* 5 values"):
        make_arguments(record, crowded, record.entries[0])


def test_sizes_are_possible_only_if_values_fill_them_however_large() -> None:
    record = record_of(FILLED)
    great = {**record.examples[0], "rows": 4000, "width": 100, "pool": 4000}
    assert element_count(record, great) > MOST_ELEMENTS, "too many to draw them all"
    assert is_possible(record, great)
    assert not is_possible(record, {**great, "pool": 2000})


def test_the_largest_example_within_reach_is_shown() -> None:
    record = record_of(DOUBLE)
    assert demo.choose_example(record) == record.examples[0]
    assert element_count(record, record.examples[1]) == 2 * 3000 * 7000


# Agreement


def agreement_of(change: Callable[[Array], Array], dtype: str) -> tuple[float, bool]:
    """The verdict on interpreted results after a change."""
    record = record_of(DOUBLE)
    entry = next(item for item in record.entries if item.suffix == dtype)
    arguments = make_arguments(record, record.examples[0], entry)
    reference = make_reference(record, entry, arguments)
    got = {name: change(array) for name, array in reference.outputs.items()}
    found = compare(record, entry, got, reference)
    return found.worst_ulp, found.is_allowed


def set_first(array: Array, value: float) -> Array:
    changed = array.copy()
    changed.flat[0] = value
    return changed


def step(array: Array) -> Array:
    return np.nextafter(array, array.dtype.type(np.inf))


def test_equal_results_agree() -> None:
    assert agreement_of(lambda array: array, "f16") == (0.0, True)


def test_one_ulp_of_a_16_bit_result_agrees_and_two_do_not() -> None:
    assert agreement_of(step, "f16")[1]
    assert not agreement_of(lambda array: step(step(array)), "f16")[1]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_nan_or_infinity_where_a_number_belongs_does_not_agree(value: float) -> None:
    assert agreement_of(lambda array: set_first(array, value), "f32") == (np.inf, False)


def test_another_shape_does_not_agree() -> None:
    assert not agreement_of(lambda array: array[:-1], "f32")[1]


# The whole


@pytest.fixture
def one_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpRecord:
    """A project of one spec, and numpy alone."""
    (tmp_path / "test").mkdir()
    (tmp_path / "test/doubled.yaml").write_text(DOUBLE)
    monkeypatch.setattr(demo, "SPECS", tmp_path)
    monkeypatch.setattr(demo, "GENERATED", tmp_path / "generated")
    monkeypatch.setattr(demo, "available", lambda: [Numpy()])
    return record_of(DOUBLE)


def install_package(monkeypatch: pytest.MonkeyPatch, **ops: object) -> None:
    """A package `stand_in` whose module `cpu` has these ops."""
    module = ModuleType("stand_in.cpu")
    vars(module).update(ops)
    monkeypatch.setenv("SGL_PACKAGE_NAME", "stand_in")
    monkeypatch.setitem(sys.modules, "stand_in", ModuleType("stand_in"))
    monkeypatch.setitem(sys.modules, "stand_in.cpu", module)


def exact(record: OpRecord, change: Callable[[Array], Array]) -> Callable[..., Array]:
    def op(x: Array) -> Array:
        name = {2: "f16", 4: "f32"}[x.itemsize]
        return change(interpret(record.kernel, {"x": x}, {"T": name})["out"])

    return op


def test_a_right_package_passes(
    one_spec: OpRecord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_package(monkeypatch, doubled=exact(one_spec, lambda array: array))
    assert demo.main([]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("doubled")]
    assert [(row[1], row[2], row[-1]) for row in rows] == [("f32", "3x7", "ok"), ("f16", "3x7", "ok")]


def test_a_wrong_package_fails(
    one_spec: OpRecord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_package(monkeypatch, doubled=exact(one_spec, lambda array: array * array.dtype.type(1.01)))
    assert demo.main([]) == 1
    assert capsys.readouterr().out.count("WRONG") == 2


def test_what_is_not_built_is_one_message(
    one_spec: OpRecord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_package(monkeypatch)
    assert demo.main([]) == 1
    assert capsys.readouterr().err.startswith("error: stand_in.cpu has no doubled; run")
    monkeypatch.setenv("SGL_PACKAGE_NAME", "no_such_package")
    assert demo.main([]) == 1
    assert capsys.readouterr().err.startswith("error: no_such_package.cpu is not there; run")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("twice", "try 'doubled'"),
        ("test/doubled", "try 'doubled'"),
        ("doublet", 'did you mean "doubled"?'),
        ("other", "specs/*/*.yaml are the kernels"),
    ],
)
def test_a_name_without_a_spec_leads_to_the_kernel(
    one_spec: OpRecord, name: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    export = "exports:\n  - {name: twice, arguments: {input: x}}\n"
    (demo.SPECS / "test/doubled.yaml").write_text(DOUBLE + export)
    assert demo.main([name]) == 1
    assert capsys.readouterr().err == f"error: no spec is called {name!r}; {hint}\n"


def test_a_spec_that_changed_since_generate_is_refused(
    one_spec: OpRecord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_package(monkeypatch, doubled=exact(one_spec, lambda array: array))
    write_tree(demo.GENERATED, {"cpu/doubled.cpp": b""}, {"test/doubled.yaml": DOUBLE.encode()})
    assert demo.main(["doubled"]) == 0
    (demo.SPECS / "test/doubled.yaml").write_text(DOUBLE.replace("Twice", "Double"))
    assert demo.main(["doubled"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: specs/test/doubled.yaml is not what generated/ was made from; run")


def test_mlx_and_numpy_arrays_hold_the_same_values() -> None:
    pytest.importorskip("mlx.core", reason="MLX is not installed")
    from benchmarks.frameworks import Mlx

    record = record_of(FILLED)
    for entry in record.entries:
        dtype = entry.resolve("T")
        storage = make_arguments(record, record.examples[0], entry)["x"]
        array = Mlx().wrap(storage, dtype)
        np.testing.assert_array_equal(Mlx().unwrap(array, dtype), storage)
        np.testing.assert_array_equal(np.array(array.astype(Mlx().module.float32)), decode(storage, dtype))


def test_the_built_package_agrees_with_the_interpreter() -> None:
    if not (ROOT / "build/python/sgl_kernel").is_dir():
        pytest.skip("nothing is built: run `python build.py build`")
    done = subprocess.run(
        [sys.executable, "build.py", "demo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
