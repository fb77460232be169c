"""The headers of this Python, as a compiler for another system can read them."""

from __future__ import annotations

from pathlib import Path


def python_headers(include: Path, multiarch: str, folder: Path) -> Path:
    """The folder that holds Python.h, for a compiler whose target is not this system.

    Where a Linux distribution splits pyconfig.h by architecture (`multiarch`, as sysconfig has it), the one
    in `include` knows Linux alone. The headers are then linked to from `folder`, beside this architecture's
    configuration: types have the same sizes on a Mac.
    """
    config = include.parent / multiarch / include.name / "pyconfig.h"
    if not multiarch or not config.is_file():
        return include
    folder.mkdir(parents=True, exist_ok=True)
    for header in include.iterdir():
        _link(folder / header.name, config if header.name == config.name else header)
    return folder


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)
