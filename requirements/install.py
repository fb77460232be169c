"""Make `.venv` hold what project.txt locks, or find that it does: `install.py [WITH_TORCH [WITH_EMULATOR]]`.

A stamp in the environment records the lock's hash and the Python that it was made with; where both still
hold, nothing is done. The C++ compiler is looked for first, so that its absence is said before anything is
installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from backends.cxx import find_compiler  # noqa: E402  the path must be set first
from backends.machine import this_machine  # noqa: E402
from backends.tools import ProbeCache  # noqa: E402
from codegen.failures import Failure  # noqa: E402
from codegen.settings import read_settings  # noqa: E402

LOCK = Path(__file__).with_name("project.txt")
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "locked.json"
TORCH = "torch==2.13.0"
EMULATOR = LOCK.with_name("emulator.txt")


def main(with_torch: str = "", with_emulator: str = "") -> int:
    """Bring the environment up to date; the exit status."""
    try:
        find_compiler(read_settings().compiler, ProbeCache(ROOT / "build" / "probes.json"), this_machine())
        _require_venv()
        _install(bool(with_torch), bool(with_emulator))
    except (Failure, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _require_venv() -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        packages = f"apt-get install python{version}-venv, or use another Python: make PYTHON=..."
        raise Failure(f"{sys.executable} has no {' and no '.join(missing)}; {packages}")


def _install(with_torch: bool, with_emulator: bool) -> None:
    wanted = {"lock": hashlib.sha256(LOCK.read_bytes()).hexdigest(), "python": _this_python()}
    stamp = _read_stamp()
    if {name: stamp.get(name) for name in wanted} != wanted:
        _start_anew()
        print(f"installing {LOCK.relative_to(ROOT)} into {ENVIRONMENT.name}", flush=True)
        _pip("--require-hashes", "-r", str(LOCK))
        stamp = wanted
        _write_stamp(stamp)
    if with_torch and stamp.get("torch") != TORCH:
        stamp = {**stamp, "torch": TORCH if _install_torch() else ""}
        _write_stamp(stamp)
    emulator = hashlib.sha256(EMULATOR.read_bytes()).hexdigest()
    if with_emulator and stamp.get("emulator") != emulator:
        print(f"installing {EMULATOR.relative_to(ROOT)}", flush=True)
        _pip("--require-hashes", "-r", str(EMULATOR))
        _write_stamp({**stamp, "emulator": emulator})


def _this_python() -> str:
    return f"{os.path.realpath(sys.executable)} {sys.version}"


def _read_stamp() -> dict[str, str]:
    """What the stamp says; empty where there is none, or no Python beside it."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and PYTHON.exists() else {}


def _write_stamp(stamp: dict[str, str]) -> None:
    staged = STAMP.with_suffix(".new")
    staged.write_text(json.dumps(stamp, indent=1, sort_keys=True) + "\n")
    os.replace(staged, STAMP)


def _start_anew() -> None:
    """An empty environment. One that this script did not make, which has no stamp, is left alone."""
    if ENVIRONMENT.exists():
        if not STAMP.exists() and any(ENVIRONMENT.iterdir()):
            raise Failure(f"{ENVIRONMENT} is not this project's; move it away")
        shutil.rmtree(ENVIRONMENT)
    ENVIRONMENT.mkdir()
    _write_stamp({})
    _run([sys.executable, "-m", "venv", str(ENVIRONMENT)], "cannot make a virtual environment")


def _pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check"]
    _run([*command, *arguments], "pip could not install the requirements; its message stands above")


def _install_torch() -> bool:
    """Torch is a convenience of the tests: where it cannot be had, they say so and go on."""
    print(f"installing {TORCH}", flush=True)
    try:
        _pip(TORCH)
    except Failure:
        print(f"going on without {TORCH}: the tests that compare with it are skipped")
        return False
    return True


def _run(command: list[str], complaint: str) -> None:
    if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise Failure(complaint)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
