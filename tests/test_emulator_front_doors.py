"""The emulator's command and its fixture: what they print, and how they fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import needs_emulator  # noqa: F401
import numpy as np
import pytest

from backends.metal.emulator import Launch
from backends.metal.emulator.pytest_plugin import MetalEmulator, metal_emulator

__all__ = ["metal_emulator"]  # the fixture

ROOT = Path(__file__).resolve().parent.parent
SCALE = """#include <metal_stdlib>
kernel void scale(device const float* x [[buffer(0)]], device float* y [[buffer(1)]],
                  uint i [[thread_position_in_grid]]) {
  y[i] = 2 * x[i];
}
"""
X = np.arange(100, dtype=np.float32)


def launch(threads: int = 100) -> Launch:
    return Launch("scale", {0: X, 1: np.zeros_like(X)}, threads=threads, threadgroup=64, blank={1})


def test_fixture_gives_the_buffers(metal_emulator: MetalEmulator) -> None:
    np.testing.assert_array_equal(metal_emulator.run(SCALE, launch())[1], 2 * X)


def test_fixture_fails_the_test_with_the_finding(metal_emulator: MetalEmulator) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"out of bounds.*shader\.metal:4"):
        metal_emulator.run(SCALE, launch(threads=101))


def emulate(folder: Path, *arguments: str, shader: str = SCALE) -> subprocess.CompletedProcess[str]:
    (folder / "scale.metal").write_text(shader, encoding="ascii")
    command = [sys.executable, str(ROOT / "build.py"), "emulate", "scale.metal", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_command_refuses_a_shader_that_is_not_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "build.py"), "emulate", "elsewhere.metal"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "No such file or directory: 'elsewhere.metal'" in done.stderr


BUFFERS = ("--arg", "0=float:100:range", "--arg", "1=float:100:blank", "--threadgroup", "64")


def test_command_runs_a_shader_by_its_path(tmp_path: Path) -> None:
    done = emulate(tmp_path, "scale", *BUFFERS, "--threads", "100", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert "random (seed 7), sums in order: clean" in done.stdout
    assert "buffer 1: [ 0.  2.  4." in done.stdout


def test_command_counts_bytes(tmp_path: Path) -> None:
    done = emulate(tmp_path, "scale", *BUFFERS, "--threads", "100", "--stats")
    assert "device_bytes_read: 400\n" in done.stdout
    assert "buffer 0: 400 bytes read, 400 different (400 by threadgroup); 0 written" in done.stdout


def test_command_exits_1_with_the_line_of_a_finding(tmp_path: Path) -> None:
    done = emulate(tmp_path, "scale", *BUFFERS, "--grid", "2")
    assert done.returncode == 1
    assert "out of bounds" in done.stdout and "scale.metal:4" in done.stdout


REFUSED = {
    "no kernel is called 'scales'; the shader has scale": ("scales",),
    "kernel scale has no buffer 7": ("scale", "--arg", "7=int:1"),
    "doubles is no type; expected one of float": ("scale", "--arg", "0=doubles:1"),
    "expected N=...": ("scale", "--arg", "float:1"),
    "expected TYPE:COUNT[:FILL]": ("scale", "--arg", "0=float"),
    "'some': expected a number": ("scale", "--arg", "0=float:1:some"),
    "'yes': expected a number, true or false": ("scale", "--constant", "0=yes"),
    "expected a number of bytes": ("scale", "--memory", "0=-1"),
    "expected one to three numbers": ("scale", "--grid", "two"),
    "a threadgroup of (2048, 1, 1) threads": ("scale", "--threadgroup", "2048"),
    "No such file": ("scale", "--arg", "0=missing.npy"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_command_refuses_with_one_message(tmp_path: Path, message: str) -> None:
    done = emulate(tmp_path, *REFUSED[message])
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


def test_command_shows_the_line_of_a_shader_that_does_not_compile(tmp_path: Path) -> None:
    done = emulate(tmp_path, "scale", shader=SCALE.replace("2 * x", "2 * xx"))
    assert done.returncode == 2
    assert "scale.metal:4" in done.stderr and "xx" in done.stderr
