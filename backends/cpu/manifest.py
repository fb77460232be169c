"""The CPU back end in one line each."""

from __future__ import annotations

from backends.cpu.emit import emit
from codegen.backend import Backend

BACKEND = Backend("cpu", "C++20 for any processor: packs of 16 lanes, threads over the grid", emit)
