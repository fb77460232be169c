"""The GPU side of nodes for what no shipped op has: launches that share memory, and results to zero."""

from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

mx = pytest.importorskip("mlx.core", reason="MLX is not installed")

import every_spec  # noqa: E402  after the check that MLX is there
import fake_gpu  # noqa: E402
import needs_emulator  # noqa: E402, F401
from draw_arguments import draw_arguments  # noqa: E402
from fake_gpu import Gpu, GpuMlx  # noqa: E402
from test_metal_text import calls  # noqa: E402

from backends.metal.emit import launch_records  # noqa: E402
from backends.targets import BACKENDS  # noqa: E402
from backends.tools import write_if_changed  # noqa: E402
from benchmarks.agreement import compare, make_reference  # noqa: E402
from codegen.gpu.record import constant_positions  # noqa: E402
from codegen.host.targets import METAL  # noqa: E402
from codegen.pipeline import compile_spec, generate_tree  # noqa: E402

NAME = "mac_ops"
TREE = fake_gpu.FOLDER / NAME / "generated"
OPS = ("group_offsets", "swiglu_masked")


@functools.cache
def load() -> tuple[Gpu, Any]:
    """The fake GPU of a package of these ops, and the package's `metal`."""
    specs = TREE.parent / "specs"
    for name in OPS:
        write_if_changed(specs / f"{name}.yaml", every_spec.WORKED[name])
    for path, content in generate_tree(specs, BACKENDS).items():
        write_if_changed(TREE / path, content)
    sys.path.append(str(fake_gpu.built(TREE, NAME)))
    return fake_gpu.load_gpu(TREE, NAME), importlib.import_module(f"{NAME}.metal")


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gpu:
    ready, module = load()
    ready.native.register_library(str(fake_gpu.stage_sources(tmp_path, TREE)))
    ready.dispatches.clear()
    monkeypatch.setattr(module, "_native", ready.native)
    return ready


def run(gpu: Gpu, name: str, arguments: dict[str, Any], entry: Any) -> dict[str, Any]:
    """The outputs of a call as storage arrays."""
    record, mlx = compile_spec(every_spec.load(name)).record, GpuMlx(gpu)
    tensors = record.kernel.tensors()
    given = {
        key: mlx.wrap(value, entry.resolve(tensors[key].dtype)) if key in tensors else value
        for key, value in arguments.items()
    }
    made = getattr(load()[1], name)(**given)
    gpu.evaluate(made)
    values = made if isinstance(made, tuple) else (made,)
    names = METAL.returned(record, record.exports[0])
    return {
        key: mlx.unwrap(value, entry.resolve(tensors[key].dtype))
        for key, value in zip(names, values, strict=True)
    }


@pytest.mark.parametrize("name", OPS)
def test_results_agree_with_the_interpreter(gpu: Gpu, name: str) -> None:
    record = compile_spec(every_spec.load(name)).record
    for number, given in enumerate(calls(name)):
        entry = record.entries[number % len(record.entries)]
        types = {variable: dtype.name for variable, dtype in entry.dtypes}
        arguments = draw_arguments(every_spec.load(name), given, types, seed=number)
        agreement = compare(
            record, entry, run(gpu, name, arguments, entry), make_reference(record, entry, arguments)
        )
        assert agreement.is_allowed, f"{entry.suffix} {given}: {agreement}"


def test_launches_of_one_op_share_what_the_program_owns_and_no_constant(gpu: Gpu) -> None:
    compiled = compile_spec(every_spec.load("group_offsets"))
    first, second = launch_records(compiled.program, compiled.record)
    test_results_agree_with_the_interpreter(gpu, "group_offsets")
    one, two = gpu.dispatches[:2]
    assert [one.kernel.startswith(f"{first.name}_"), two.kernel.startswith(f"{second.name}_")] == [True, True]
    kept = [row.scratch[0].owner for row in (first, second)]
    assert kept == ["program", "program"]
    assert one.buffers[len(first.tensors)].address == two.buffers[len(second.tensors)].address
    assert not one.constants.keys() & two.constants.keys()
    assert one.constants.keys() == {position for position, _ in constant_positions(first)}


def test_results_with_unwritten_elements_are_zeroed_first(gpu: Gpu) -> None:
    test_results_agree_with_the_interpreter(gpu, "swiglu_masked")
    kernels = [item.kernel for item in gpu.dispatches]
    assert {name for name in kernels if name.startswith("sgl_zero_")} <= {"sgl_zero_2", "sgl_zero_4"}
    zeroed = [n for n, name in enumerate(kernels) if name.startswith("sgl_zero_")]
    assert zeroed and all(kernels[n + 1].startswith("swiglu_masked_") for n in zeroed)
