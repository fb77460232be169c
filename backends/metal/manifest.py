"""The Metal back end in one line each."""

from __future__ import annotations

from backends.metal.emit import emit
from codegen.backend import Backend

BACKEND = Backend("metal", "Metal shaders: simdgroups and threadgroups, sizes as function constants", emit)
