"""MLX's wheels for macOS and the nanobind that goes with each, as locked, in this user's cache."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from backends.libraries import Mlx, Nanobind, nanobind_in, read_key, require_same_abi
from backends.tools import try_command, write_if_changed
from codegen.failures import Failure

LOCKS = Path(__file__).resolve().parents[3] / "requirements" / "mac"
_PLATFORM = ("--platform", "macosx_14_0_arm64", "--python-version", "3.12", "--only-binary=:all:")
_ROW = re.compile(r"^([\w-]+)==(\S+) \\\n +--hash=sha256:([0-9a-f]{64})$", re.MULTILINE)
# Of 200 MB in a wheel, the headers and the library are needed; the headers of MLX's own shaders are not.
_NEEDED = re.compile(
    r"mlx/include/(?!mlx/backend/metal/kernels/)|mlx/lib/libmlx\.dylib$|mlx/core\.|nanobind/"
)
_LONGEST_DOWNLOAD = 900.0


class Unreachable(Exception):
    """The registry cannot be reached; the message holds what pip said."""


@dataclass(frozen=True, slots=True)
class Libraries:
    """MLX and nanobind as unpacked from their wheels."""

    mlx: Mlx
    nanobind: Nanobind


def locked_versions() -> tuple[str, ...]:
    """The versions of MLX that there are locks of."""
    return tuple(sorted(path.stem.removeprefix("mlx-") for path in LOCKS.glob("mlx-*.txt")))


def fetch(version: str, folder: Path) -> Libraries:
    """What the lock of `version` names, unpacked into `folder`.

    Raises Unreachable, Failure where a wheel is not what is locked, ToolError where the two do not match.
    """
    lock = LOCKS / f"mlx-{version}.txt"
    stamp, wanted = folder / "unpacked.txt", lock.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        for wheel in _wheels(lock, cache_folder()):
            _unpack(wheel, folder)
        write_if_changed(stamp, wanted)
    module = next((folder / "mlx").glob("core*.so"))
    key = read_key(module)
    mlx = Mlx(folder / "mlx", version, key["key"], key["internals"])
    nanobind = nanobind_in(folder / "nanobind")
    require_same_abi(nanobind, mlx)
    return Libraries(mlx, nanobind)


def cache_folder() -> Path:
    """Where wheels are kept, for every checkout of this user."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "sgl-kernel-ir" / "mac-wheels"


def _wheels(lock: Path, cache: Path) -> list[Path]:
    """The locked wheels, from the cache where they are there and whole."""
    rows = _ROW.findall(lock.read_text())
    found = [_cached(cache, *row) for row in rows]
    if None in found:
        _download(lock, cache)
        found = [_cached(cache, *row) for row in rows]
    if None in found:
        raise Failure(f"pip says that it downloaded what {lock.name} locks, but {cache} does not hold it")
    return [path for path in found if path is not None]


def _cached(cache: Path, name: str, version: str, sha256: str) -> Path | None:
    paths = cache.glob(f"{name.replace('-', '_')}-{version}-*.whl")
    return next((path for path in paths if hashlib.sha256(path.read_bytes()).hexdigest() == sha256), None)


def _download(lock: Path, cache: Path) -> None:
    words = ("download", "--quiet", "--no-deps", *_PLATFORM, "--require-hashes", "-r", str(lock))
    command = (sys.executable, "-m", "pip", "--disable-pip-version-check", *words, "-d", str(cache))
    outcome = try_command(command, _LONGEST_DOWNLOAD)
    if outcome.status == 0:
        return
    if "DO NOT MATCH THE HASHES" in outcome.text:
        raise Failure(f"a wheel is not the one that {lock.name} locks:\n{outcome.text.strip()}")
    said = [line.strip() for line in outcome.text.split("\n") if line.strip()]
    raise Unreachable(said[-1] if said else f"pip failed with status {outcome.status} and said nothing")


def _unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if _NEEDED.match(name)])
