"""Loading extension modules: a failure is kept, and raised by the first call that needs the module."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

BUILD = "python build.py build"
_ELF_64 = b"\x7fELF\x02"
_SECTION_FIELDS = ((40, 48), (58, 60), (60, 62))  # where the table starts, bytes an entry, entries


class Problem(ImportError):
    """A reason for which an extension is not loaded, with the command that mends it."""

    def __init__(self, reason: str, command: str) -> None:
        super().__init__(f"{reason}; to mend it, run: {command}")


class Missing:
    """Stands where an extension would: every op in it raises why it is not there."""

    def __init__(self, module: str, error: Exception) -> None:
        self._module, self._error = module, error

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)
        raise explain(self._module, self._error) from self._error


def load(package: str, name: str) -> tuple[ModuleType | None, Exception | None]:
    """The extension `name` of `package`, or the error that kept it from loading. Raises nothing."""
    try:
        return load_whole(package, name), None
    except Exception as error:
        return None, error


def load_whole(package: str, name: str) -> ModuleType:
    """Import an extension whose file is all there: a cut one would kill the process when it is mapped."""
    spec = importlib.util.find_spec(f"{package}.{name}")
    if spec is not None and spec.origin and not _is_whole(Path(spec.origin)):
        raise Problem(f"{Path(spec.origin).name} is cut short", BUILD)
    return importlib.import_module(f"{package}.{name}")


def attach(native: object, functions: Mapping[str, Any], names: Iterable[str]) -> None:
    """Let calls of the functions go straight to their extension, where there is one and Python allows it.

    Their bodies then run only while something else evaluates frames, as torch does to trace a program.
    """
    if isinstance(native, ModuleType) and hasattr(native, "attach"):
        for name in names:
            native.attach(functions[name], getattr(native, name))


def require_only(op: str, name: str, given: object, only: object) -> None:
    """Refuse an argument that may have one value alone."""
    if given is not only:
        shown = repr(given) if given is None or isinstance(given, bool) else type(given).__name__
        raise ValueError(f"{op}: argument '{name}' is not supported: expected {only!r}, got {shown}")


def tracer() -> ModuleType | None:
    """The ops as operators of torch while it traces a program, which then records them; else None.

    Torch is asked only where something has imported it: nothing else here needs it.
    """
    if "torch" not in sys.modules:
        return None
    import torch

    if not torch.compiler.is_compiling():
        return None
    from . import torch_ops

    return torch_ops


def _is_whole(path: Path) -> bool:
    """Whether a 64-bit ELF file reaches to the end of its section table, which linkers write last."""
    with path.open("rb") as file:
        header = file.read(64)
    if header[:5] != _ELF_64:
        return True
    table, entry, count = (int.from_bytes(header[low:high], "little") for low, high in _SECTION_FIELDS)
    return table + entry * count <= path.stat().st_size


def explain(module: str, error: Exception) -> ImportError:
    """`error` as the ImportError of an op in `module`."""
    if isinstance(error, Problem):
        return ImportError(f"{module} cannot be used: {error}")
    reason = f"{type(error).__name__}: {error}"
    return ImportError(f"{module} cannot be used ({reason}); to mend it, run: {BUILD}")
