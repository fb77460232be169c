"""Programs that once went wrong: each runs on the CPU and as a shader beside the interpreter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cpu_harness import assert_agrees, compile_cpu
from inputs import small_calls
from metal_harness import Choice, compile_metal

from kernel_ir.load import load_file

SPECS = sorted((Path(__file__).parent / "regressions").glob("*.yaml"))
CALLS = 12
CHOICES = (Choice(), Choice(is_wide=True, has_turns=True, is_descending=True))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_cpu_agrees(path: Path) -> None:
    kernel = compile_cpu(str(path))
    for call in small_calls(kernel.compiled.loaded, kernel.kernel, CALLS):
        assert_agrees(kernel, call.arguments, call.types)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_shader_agrees(path: Path) -> None:
    for choice in CHOICES:
        kernel = replace(compile_metal(load_file(path)), choice=choice)
        for call in small_calls(kernel.compiled.loaded, kernel.kernel, CALLS):
            assert_agrees(kernel, call.arguments, call.types)
