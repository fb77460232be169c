"""Two things the standard library lacks: an atomic exchange of two folders, and a lock with a time limit."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from codegen.failures import Failure

_AT_FDCWD = {"linux": -100, "darwin": -2}
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2 and RENAME_SWAP of renameatx_np are the same number
_FUNCTIONS = {"linux": "renameat2", "darwin": "renameatx_np"}
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM})


class LockTimeout(Failure):
    """Another run held the lock for the whole time limit."""


def exchange(left: Path, right: Path) -> bool:
    """Swap two existing paths in one step. False where the system cannot; OSError where it fails to."""
    function = _exchange_function()
    if function is None:
        return False
    here = _AT_FDCWD[sys.platform]
    if function(here, os.fsencode(left), here, os.fsencode(right), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(left), None, str(right))


def _exchange_function() -> Callable[..., int] | None:
    """The C library's function for it, or None where the library has none."""
    name = _FUNCTIONS.get(sys.platform)
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None) if name else None
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
        function.restype = ctypes.c_int
    return function


@contextlib.contextmanager
def locked(folder: Path, seconds: float = 60.0) -> Iterator[None]:
    """Hold `folder` against every other `locked`. The kernel drops the lock when a process dies.

    Raises LockTimeout after `seconds`.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _acquire(descriptor, folder, time.monotonic() + seconds)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, folder: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                message = f"another run is at work in {folder}; wait for it to end, then try again"
                raise LockTimeout(message) from None
            time.sleep(0.02)
