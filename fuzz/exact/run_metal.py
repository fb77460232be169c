"""Metal kernels with `float` an element of the ring, on the emulator with every check on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backends.metal.emit import RUNTIME
from backends.metal.emulator import Shader, load
from fuzz.exact.headers import HERE, lay_over, with_ring_literals
from fuzz.run_metal import MetalSource


def build_exact_metal(sources: Sequence[MetalSource], folder: Path, name: str) -> Shader:
    """One shader of many programs. Raises ShaderError."""
    runtime = lay_over(RUNTIME, HERE / "metal", folder / "exact_metal")
    text = "".join(with_ring_literals(source.text) for source in sources)
    start = '#include "start.h"\n#include "sgl_metal.h"\n'
    return load(start + text, f"{name}_exact.metal", (runtime,), is_quick=True)
