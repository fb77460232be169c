"""`python -m backends.metal.mac_host`: a line for each version of MLX; the exit status says if all pass."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from backends.metal.mac_host.compile import ROOT, compile_all
from backends.metal.mac_host.link import missing_symbols
from backends.metal.mac_host.wheels import Libraries, Unreachable, fetch, locked_versions
from codegen.failures import Failure

FOLDER = ROOT / "build" / "mac_host"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m backends.metal.mac_host", description=__doc__)
    parser.add_argument("--mlx", action="append", choices=locked_versions(), help="this version only")
    versions = parser.parse_args(arguments).mlx or locked_versions()
    try:
        return _check(versions, FOLDER)
    except Unreachable as reason:
        print(f"skipped: MLX's wheels for macOS cannot be downloaded ({reason})")
        return 0
    except (Failure, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _check(versions: Sequence[str], folder: Path) -> int:
    libraries = {version: fetch(version, folder / version / "wheels") for version in versions}
    objects = compile_all(libraries, folder)
    passed = [_report(version, libraries[version], objects[version], folder) for version in versions]
    return 0 if all(passed) else 1


def _report(version: str, found: Libraries, objects: Sequence[Path], folder: Path) -> bool:
    """Link, and say what is missing."""
    library = found.mlx.folder / "lib" / "libmlx.dylib"
    missing = missing_symbols(objects[:-1], objects[-1], library, folder / version / "_metal.dylib")
    about = f"MLX {version} with nanobind {found.nanobind.version}: {len(objects) - 1} objects"
    if missing:
        print(f"{about}; nobody has {', '.join(missing)}", file=sys.stderr)
    else:
        print(f"{about} compile for macOS, and libmlx has every symbol that they need")
    return not missing


if __name__ == "__main__":
    sys.exit(main())
