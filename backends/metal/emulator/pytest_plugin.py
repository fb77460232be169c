"""A pytest fixture that runs Metal shaders: `pytest_plugins = ["backends.metal.emulator.pytest_plugin"]`.

def test_scale(metal_emulator):
    launch = Launch("scale", {0: x, 1: y}, threads=100, threadgroup=64, blank={1})
    assert (metal_emulator.run(text, launch)[1] == 2 * x).all()
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from backends.metal.emulator.compile import EmulatorUnavailable, require
from backends.metal.emulator.shader import Launch, Shader, load


class MetalEmulator:
    """Runs launches in every order; the test fails where anything is found."""

    def load(self, source: str, name: str = "shader.metal", includes: tuple[Path, ...] = ()) -> Shader:
        """The shader of a text. Raises ShaderError."""
        return load(source, name, includes)

    def run(self, shader: Shader | str, launch: Launch, seeds: Sequence[int] = (1,)) -> dict[int, np.ndarray]:
        """The buffers afterwards, by index. Fails the test where a check of the emulator does."""
        __tracebackhide__ = True
        ready = self.load(shader) if isinstance(shader, str) else shader
        outcomes = ready.check(launch, seeds)
        for outcome in outcomes:
            if outcome.findings:
                seed = f" (seed {outcome.seed})" if outcome.order == "random" else ""
                found = "\n".join(map(str, outcome.findings))
                pytest.fail(f"{outcome.order}{seed}, sums {outcome.reduction}:\n{found}", pytrace=False)
        return outcomes[0].buffers


@pytest.fixture(scope="session")
def metal_emulator() -> MetalEmulator:
    """The emulator; the test is skipped on a machine that cannot run it."""
    try:
        require()
    except EmulatorUnavailable as missing:
        pytest.skip(f"the emulator cannot run: {missing}")
    return MetalEmulator()
