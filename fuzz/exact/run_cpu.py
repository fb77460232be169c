"""CPU kernels with `float` an element of the ring: the generated text and the runtime's headers as they ship,
but for what the headers in `cpu` and `ring.h` put in place of float functions."""

from __future__ import annotations

import ctypes
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from fuzz.run_cpu import RUNTIME, Source, compile_cpu

HERE = Path(__file__).parent
_LITERAL = re.compile(r"(?<![\w.])\d+(?:\.\d*)?(?:e[+-]?\d+)?f\b")


def build_exact_cpu(sources: Sequence[Source], folder: Path, name: str) -> ctypes.CDLL:
    """One library of many programs. Raises CompileError."""
    runtime = lay_over(RUNTIME, HERE / "cpu", folder / "exact_cpu")
    text = "".join(with_ring_literals(source.text) for source in sources)
    return compile_cpu(f'#include "start.h"\n#include "runtime.h"\n{text}', folder / f"{name}_exact", runtime)


def lay_over(shipped: Path, replaced: Path, folder: Path) -> Path:
    """A folder of the shipped headers in which some are replaced; those are there too, `as_shipped_`."""
    if folder.exists():
        return folder
    shutil.copytree(shipped, folder)
    for path in replaced.iterdir():
        if (folder / path.name).exists():
            (folder / path.name).rename(folder / f"as_shipped_{path.name}")
        shutil.copy(path, folder)
    shutil.copy(HERE / "ring.h", folder)
    return folder


def with_ring_literals(text: str) -> str:
    """The text with each float literal an element: what is computed of literals alone is too."""
    return _LITERAL.sub(lambda found: f"float({found[0]})", text)
