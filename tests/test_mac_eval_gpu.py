"""The GPU side of MLX's nodes: what it encodes, run on the emulator and compared with the interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

mx = pytest.importorskip("mlx.core", reason="MLX is not installed")

from backends.metal.emulator import EmulatorUnavailable  # noqa: E402  after the check that MLX is there
from backends.metal.emulator.compile import require  # noqa: E402

try:
    require()
except EmulatorUnavailable as missing:
    pytest.skip(f"the emulator cannot run: {missing}", allow_module_level=True)

import fake_gpu  # noqa: E402
from built_ops import Op, assert_agrees, call, every_op, odd_sizes, package  # noqa: E402
from fake_gpu import Gpu, GpuMlx  # noqa: E402

EACH = pytest.mark.parametrize("op", every_op(), ids=str)


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
    for number, sizes in enumerate(list(odd_sizes(op))[number_of(op) % 5 :: 5]):
        arguments = op.draw(sizes, number)
        assert_agrees(op, arguments, call(op, GpuMlx(gpu), arguments), f"with {sizes}")
    assert gpu.dispatches


def number_of(op: Op) -> int:
    return every_op().index(op)
