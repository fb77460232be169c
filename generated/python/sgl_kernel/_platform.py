"""Which target this machine has.

The question never imports torch and never starts CUDA: a process that has asked may still fork.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import sys

_DRIVERS = ("libcuda.so.1", "nvcuda.dll")


def choose_target(package: str) -> str:
    """`metal` on Apple silicon, `cuda` where CUDA is present, else `cpu`."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "metal"
    return "cuda" if has_cuda(package) else "cpu"


def has_cuda(package: str) -> bool:
    """Torch's answer where it is imported; else whether both our CUDA extension and a driver are there."""
    torch = sys.modules.get("torch")
    try:
        if torch is not None:
            return bool(torch.cuda.is_available())
        return importlib.util.find_spec(f"{package}._cuda") is not None and _has_driver()
    except Exception:
        return False


def _has_driver() -> bool:
    for name in _DRIVERS:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False
