"""Loading the MLX extension, cheap checks first.

Built for another MLX or another nanobind, it would fail with symbols that say nothing or refuse every array,
so both are compared before it is loaded.
"""

from __future__ import annotations

import importlib
import platform
import sys
from pathlib import Path
from types import ModuleType

from ._extension import BUILD, Problem, load_whole
from ._shaders import find_shaders


def load_metal(package: str, folder: Path) -> tuple[ModuleType | None, Exception | None]:
    """The extension `_metal` with its shaders registered, or the error that prevents it. Raises nothing."""
    try:
        check_platform()
        info = importlib.import_module(f"{package}._build_info")
        check_mlx(info.MLX_VERSION, info.NANOBIND_KEY)
        shaders = find_shaders(folder, info.MLX_VERSION, info.NANOBIND_VERSION)
        extension = load_whole(package, "_metal")
        if shaders is not None:
            extension.register_library(str(shaders))
        return extension, None
    except Exception as error:
        return None, error


def check_platform() -> None:
    """MLX runs on Apple silicon and on Linux."""
    if sys.platform == "darwin" and platform.machine() != "arm64":
        raise Problem("MLX needs Apple silicon and a Python built for it", "arch -arm64 python3")
    if sys.platform not in ("darwin", "linux"):
        raise Problem(f"MLX does not run on {sys.platform}", "import the cpu module instead")


def check_mlx(version: str, key: str) -> None:
    """The MLX that is installed is the one this package was built for."""
    install = f"pip install {_requirement(version)}"
    if not version:
        raise Problem("this package was built without MLX", f"{install} && {BUILD}")
    try:
        core = importlib.import_module("mlx.core")
    except ImportError as error:
        raise Problem(f"MLX cannot be imported ({error})", install) from error
    if core.__version__ != version:
        raise Problem(f"built for MLX {version}, but {core.__version__} is installed", install)
    file = getattr(core, "__file__", None)
    if key and file and key.encode() not in Path(file).read_bytes():
        raise Problem(f"MLX was built with another nanobind than {key}", f"{install} && {BUILD}")


def _requirement(version: str) -> str:
    name = "mlx" if sys.platform == "darwin" else "'mlx[cpu]"
    pinned = f"{name}=={version}" if version else name
    return pinned if sys.platform == "darwin" else f"{pinned}'"
