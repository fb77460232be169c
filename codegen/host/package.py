"""The Python package of the ops."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.record import OpRecord


def package_files(records: Sequence[OpRecord]) -> dict[str, bytes]:
    """The package's files, by path under `generated/`."""
    return {"python/sgl_kernel/py.typed": b""} if records else {}
