"""Every back end, in the order in which they are written. A new one is a folder and a line here."""

from __future__ import annotations

from backends.cpu import manifest as cpu
from backends.cuda import manifest as cuda
from backends.metal import manifest as metal
from codegen.backend import Backend

BACKENDS: tuple[Backend, ...] = (cpu.BACKEND, metal.BACKEND, cuda.BACKEND)
