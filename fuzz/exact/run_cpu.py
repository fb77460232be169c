"""CPU kernels with `float` an element of the ring: the generated text and the runtime's headers as they ship,
but for what the headers in `cpu` and `ring.h` put in place of float functions."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

from fuzz.exact.headers import HERE, lay_over, with_ring_literals
from fuzz.run_cpu import RUNTIME, Source, compile_cpu


def build_exact_cpu(sources: Sequence[Source], folder: Path, name: str) -> ctypes.CDLL:
    """One library of many programs. Raises CompileError."""
    runtime = lay_over((RUNTIME,), HERE / "cpu", folder / "exact_cpu")
    text = "".join(with_ring_literals(source.text) for source in sources)
    return compile_cpu(f'#include "start.h"\n#include "runtime.h"\n{text}', folder / f"{name}_exact", runtime)
