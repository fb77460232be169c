"""Linking the extension against the real libmlx, to see which symbols nobody has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from backends.metal.mac_host.compile import STUBS, ZIG
from backends.tools import try_command
from codegen.failures import Failure

_UNDEFINED = re.compile(r"^error: undefined symbol: (\S+)$", re.MULTILINE)
_ERROR = re.compile(r"^error: (?!undefined symbol: ).*$", re.MULTILINE)
# Python's own are there in whatever process loads the extension.
_PYTHON = re.compile(r"__?Py")
_GHOST = "__ZN3mlx4core5ghostEv"
_SECONDS = 1800  # the first link for macOS builds zig's C++ library: minutes on a slow machine


def missing_symbols(objects: Sequence[Path], ghost: Path, library: Path, output: Path) -> tuple[str, ...]:
    """The symbols that neither the objects nor `library` nor macOS has, Python's apart, in order.

    The ghost is linked as well, and must be reported. Raises Failure where it is not, or on any other error.
    """
    inputs = map(str, (*objects, ghost, library, STUBS / "libobjc.tbd"))
    outcome = try_command((*ZIG, "-shared", *inputs, "-o", str(output)), _SECONDS)
    if found := _ERROR.search(outcome.text):
        raise Failure(f"the extension does not link: {found[0]}")
    undefined = set(_UNDEFINED.findall(outcome.text))
    if _GHOST not in undefined:
        raise Failure(f"the link does not report a symbol that no MLX has; it said: {outcome.text[-2000:]}")
    return tuple(sorted(name for name in undefined - {_GHOST} if not _PYTHON.match(name)))
