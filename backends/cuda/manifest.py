"""The CUDA back end in one line each."""

from __future__ import annotations

from backends.cuda.emit import emit
from codegen.backend import Backend

BACKEND = Backend("cuda", "CUDA kernels for sm_80 and newer: warps and blocks, 16-byte access", emit)
