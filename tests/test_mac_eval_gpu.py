"""The GPU side of MLX's nodes: what it encodes, run on the emulator and compared with the interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

mx = pytest.importorskip("mlx.core", reason="MLX is not installed")

import every_spec  # noqa: E402  after the check that MLX is there
import fake_gpu  # noqa: E402
import needs_emulator  # noqa: E402, F401
from built_ops import (  # noqa: E402
    Op,
    assert_agrees,
    call,
    call_views,
    every_op,
    moderate,
    odd_sizes,
    package,
    spread_out,
)
from fake_gpu import Dispatch, Gpu, GpuMlx  # noqa: E402

from backends.metal.emit import launch_records  # noqa: E402
from backends.metal.emulator.dispatch import Choice, plan  # noqa: E402
from benchmarks.calls import prepare  # noqa: E402
from codegen.gpu.record import EXCHANGE_WORDS, LaunchRecord, constant_positions  # noqa: E402
from codegen.pipeline import compile_spec  # noqa: E402
from kernel_ir.bind_arguments import bind_arguments  # noqa: E402

EACH = pytest.mark.parametrize("op", every_op(), ids=str)


def one_entry() -> dict[str, Op]:
    """Each op with its last choice of dtypes."""
    return {op.record.name: op for op in every_op()}


ONE = pytest.mark.parametrize("op", one_entry().values(), ids=str)


@pytest.fixture(scope="module")
def shaders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_gpu.stage_sources(tmp_path_factory.mktemp("shaders"))


@pytest.fixture
def gpu(shaders: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gpu]:
    """The fake GPU behind `sgl_kernel.metal`, with shaders as sources."""
    ready = fake_gpu.load_gpu()
    ready.native.register_library(str(shaders))
    ready.dispatches.clear()
    monkeypatch.setattr(package("metal"), "_native", ready.native)
    yield ready
    ready.findings.clear()
    ready.problems.clear()


@EACH
def test_results_agree_with_the_interpreter(gpu: Gpu, op: Op) -> None:
    """Each op at two of its odd sizes, which differ from op to op."""
    every = list(odd_sizes(op))
    for number in (number_of(op) % len(every), -1 - number_of(op) % len(every)):
        sizes = every[number]
        arguments = op.draw(sizes, number % 7)
        assert_agrees(op, arguments, call(op, GpuMlx(gpu), arguments), f"with {sizes}")
    assert gpu.dispatches


def number_of(op: Op) -> int:
    return every_op().index(op)


@ONE
def test_launches_are_those_of_the_record(quiet: Gpu, op: Op) -> None:
    """Kernel, grid, threads, constants and what the shader is told; buffers by their number and order."""
    launches = records(op)
    for number, sizes in enumerate(odd_sizes(op)):
        arguments = op.draw(sizes, number)
        quiet.dispatches.clear()
        call(op, GpuMlx(quiet), arguments)
        types = {name: dtype.name for name, dtype in op.entry.dtypes}
        frame = bind_arguments(op.kernel, arguments, types)
        values = {**frame.sizes, **{name: value.item() for name, value in frame.scalars.items()}}
        made = [item for item in quiet.dispatches if not item.kernel.startswith("sgl_")]
        expected = [item for item in launches if plan(item, op.entry.suffix, values, Choice()).teams]
        assert len(made) == len(expected)
        for record, dispatch in zip(expected, made, strict=True):
            assert_is_launch(dispatch, record, op, values, arguments)


def assert_is_launch(
    dispatch: Dispatch, record: LaunchRecord, op: Op, values: dict[str, Any], arguments: dict[str, Any]
) -> None:
    kernel = next(item for item in record.kernels if item.name == dispatch.kernel)
    assert kernel.entry == op.entry.suffix and not kernel.variant.is_wide
    chosen = Choice(is_aligned=kernel.variant.is_aligned, has_turns=True)
    planned = plan(record, op.entry.suffix, values, chosen)
    assert planned.kernel == kernel
    assert (dispatch.groups, dispatch.threads) == ((planned.groups, 1, 1), (planned.threads, 1, 1))
    assert dispatch.constants == {n: values[name] for n, name in constant_positions(record)}
    assert dispatch.threadgroup_bytes == 4 * EXCHANGE_WORDS
    tensors = op.kernel.tensors()
    kinds = [fake_gpu.INPUT if tensors[name].role == "input" else fake_gpu.OUTPUT for name in record.tensors]
    is_bound = [
        tensors[name].role == "result" or (arguments.get(name) is not None and arguments[name].size)
        for name in record.tensors
    ]
    buffers = dispatch.buffers
    assert sorted(buffers) == list(range(len(record.tensors) + len(record.scratch) + 2))
    for n, (kind, is_there) in enumerate(zip(kinds, is_bound, strict=True)):
        assert buffers[n].kind == (kind if is_there else fake_gpu.BYTES), record.tensors[n]
    given = sum((arguments.get(name) is not None) << bit for bit, name in enumerate(record.given))
    told = buffers[len(buffers) - 1]
    assert told.kind == fake_gpu.BYTES and told.content.tobytes() == bytes(planned.struct(given))


def records(op: Op) -> tuple[LaunchRecord, ...]:
    compiled = compile_spec(every_spec.load(op.record.name))
    return launch_records(compiled.program, compiled.record)


@ONE
def test_strided_inputs(gpu: Gpu, op: Op) -> None:
    """What kernels cannot follow is copied by a shader first."""
    sizes = op.sizes(**{op.kernel.sizes[-1]: 32}) or op.sizes()
    assert sizes is not None
    arguments, mlx = op.draw(sizes), GpuMlx(gpu)
    for item in op.inputs():
        given = arguments.get(item.name)
        if item.role != "input" or given is None or given.ndim < 2:
            continue
        for spread in ("rows", "elements", "front"):
            gpu.dispatches.clear()
            views = {item.name: spread_out(op, mlx, item.name, given, spread)}
            got = call_views(op, mlx, arguments, views)
            assert_agrees(op, arguments, got, f"{item.name} with space between {spread}")
            copies = {each.kernel for each in gpu.dispatches if each.kernel.startswith("sgl_copy_")}
            if spread == "elements" and given.shape[-1] > 1:
                assert copies == {f"sgl_copy_{op.entry.resolve(item.dtype).bytes}"}, item.name
            else:
                assert not copies or spread == "rows", item.name


def test_a_copied_input_gets_the_kernel_of_a_contiguous_one(quiet: Gpu) -> None:
    norm, weight = package("metal").rms_norm, mx.zeros((64,))
    unaligned = mx.zeros((4, 129))[:, 1::2]
    for x in (mx.zeros((4, 64)), unaligned):
        quiet.evaluate(norm(x, weight))
    plain, copy, copied = (item.kernel for item in quiet.dispatches)
    assert (copied, copy) == (plain, "sgl_copy_4")
    assert quiet.dispatches[2].buffers[0].address == quiet.dispatches[1].buffers[1].address


def updating_ops() -> list[Op]:
    return [op for op in every_op() if op.updates_arguments()]


@pytest.mark.parametrize("op", updating_ops()[::3], ids=str)
def test_updated_arguments_keep_their_buffer_and_come_after_a_barrier(gpu: Gpu, op: Op) -> None:
    sizes = op.sizes()
    assert sizes is not None
    prepared = prepare(op.record, op.entry, GpuMlx(gpu), op.draw(sizes))
    updated = [item.name for item in op.inputs() if item.role == "mutated"]
    gpu.dispatches.clear()
    prepared.run()
    assert gpu.dispatches[0].has_barrier
    for name in updated:
        place = np.array(prepared.arguments[name].view(mx.uint8), copy=False).ctypes.data
        bound = {bound.address for item in gpu.dispatches for bound in item.buffers.values()}
        assert place in bound, name


def test_arguments_that_are_only_read_need_no_barrier(gpu: Gpu) -> None:
    op = next(item for item in every_op() if not item.updates_arguments())
    call(op, GpuMlx(gpu), op.draw(moderate(op)))
    assert not any(item.has_barrier for item in gpu.dispatches)


@ONE
def test_without_elements_nothing_is_launched(gpu: Gpu, op: Op) -> None:
    sizes = op.sizes(**{op.kernel.sizes[0]: 0})
    if sizes is None:
        pytest.skip("the first dimension cannot be empty")
    gpu.dispatches.clear()
    arguments = op.draw(sizes)
    got = call(op, GpuMlx(gpu), arguments)
    assert_agrees(op, arguments, got)
    if not any(array.size for array in got.values()):
        assert not gpu.dispatches


def test_each_width_has_a_pipeline_of_its_own_and_wide_kernels_share_one(quiet: Gpu) -> None:
    norm, weight = package("metal").rms_norm, mx.zeros((64,))
    for rows, width in ((1, 64), (3, 64), (3, 32)):
        quiet.evaluate(norm(mx.zeros((rows, width)), weight[:width]))
    evaluate_wide(quiet, weight)
    keys = [item.key.partition("__")[2] for item in quiet.dispatches]
    assert keys == [f"0_{value:016x}" for value in (64, 64, 32, 0)]
    assert [item.constants for item in quiet.dispatches] == [{0: value} for value in (64, 64, 32, 0)]
    assert [item.kernel.endswith("_wide") for item in quiet.dispatches] == [False, False, False, True]


def evaluate_wide(quiet: Gpu, weight: Any) -> None:
    """Rows 2^31 elements apart: nothing reads there, but the result must not lie between them."""
    for step in (1 << 31, -(1 << 31)):
        rows = mx.as_strided(weight, (2, 64), (step, 1))
        try:
            return quiet.evaluate(package("metal").rms_norm(rows, weight))
        except ValueError as error:
            assert "shares memory" in str(error)
    raise AssertionError("the result lies on both sides of its argument")


@pytest.fixture
def quiet(gpu: Gpu) -> Iterator[Gpu]:
    """The fake GPU, which only writes down what it should run."""
    gpu.is_running = False
    yield gpu
    gpu.is_running = True


# ---- what can be wrong -------------------------------------------------------------------------


def test_without_a_library_the_first_evaluation_says_so(gpu: Gpu, tmp_path: Path) -> None:
    op = every_op()[0]
    for path, text in (("", "no Metal library is registered"), (str(tmp_path), "cannot be read")):
        gpu.native.register_library(path)
        with pytest.raises(RuntimeError, match=text):
            call(op, GpuMlx(gpu), op.draw(moderate(op)))


def test_a_gpu_with_too_few_threads_is_an_error(gpu: Gpu) -> None:
    gpu.driver.set_most_threads(16)
    try:
        with pytest.raises(RuntimeError, match="runs with at most 16 threads on this GPU, not with"):
            call(every_op()[0], GpuMlx(gpu), every_op()[0].draw(moderate(every_op()[0])))
    finally:
        gpu.driver.set_most_threads(1024)


@pytest.fixture
def forgetful(quiet: Gpu) -> Iterator[Gpu]:
    """A fake GPU whose encoder drops what it is given to keep."""
    quiet.driver.set_keeps_temporaries(False)
    yield quiet
    quiet.driver.set_keeps_temporaries(True)


FREED = "the memory of buffer {} of {}.* is freed before the GPU is through with it"


def test_copies_of_inputs_are_kept_until_the_gpu_is_through(forgetful: Gpu) -> None:
    x = mx.zeros((4, 129))[:, 1::2]
    with pytest.raises(RuntimeError, match=FREED.format(1, "sgl_copy_4")):
        forgetful.evaluate(package("metal").rms_norm(x, mx.zeros((64,))))


def test_scratch_is_kept_until_the_gpu_is_through(forgetful: Gpu) -> None:
    """The largest sizes of an op whose rows do not fit in registers."""
    op = next(op for op in every_op() if any(launch.scratch for launch in records(op)))
    position = len(records(op)[0].tensors)
    with pytest.raises(RuntimeError, match=FREED.format(position, op.record.name)):
        for number, sizes in enumerate(odd_sizes(op)):
            call(op, GpuMlx(forgetful), op.draw(sizes, number))


def test_a_compiled_library_is_asked_for_by_its_path(gpu: Gpu) -> None:
    op = every_op()[0]
    gpu.native.register_library("/somewhere/sgl_metal_kernels.metallib")
    arguments = op.draw(moderate(op))
    assert_agrees(op, arguments, call(op, GpuMlx(gpu), arguments))
    assert {item.path for item in gpu.dispatches} == {"/somewhere/sgl_metal_kernels.metallib"}


def test_scalars_reach_the_kernel_bit_for_bit(quiet: Gpu) -> None:
    """They are no part of a pipeline, so one serves all of them."""
    norm, x, weight = package("metal").rms_norm, mx.zeros((2, 64)), mx.zeros((64,))
    for eps in (0.0, -0.0, 1e-45, float("nan"), -float("nan")):
        quiet.evaluate(norm(x, weight, eps))
    params = [item.buffers[len(item.buffers) - 2].content.tobytes() for item in quiet.dispatches]
    assert len(set(params)) == len(params) == 5
    assert len({item.key for item in quiet.dispatches}) == 1


@EACH
def test_a_key_stands_for_one_kernel_with_one_choice_of_constants(quiet: Gpu, op: Op) -> None:
    for sizes in odd_sizes(op):
        call(op, GpuMlx(quiet), op.draw(sizes))
    known: dict[str, tuple[str, dict[int, int]]] = {}
    for item in quiet.dispatches:
        assert known.setdefault(item.key, (item.kernel, item.constants)) == (item.kernel, item.constants)
    assert len({str(value) for value in known.values()}) == len(known)
