"""Trust in the fuzzer: each planted fault must be found by the standard run.

`python -m fuzz.faults [NAME...]` plants each fault (or those named) in a copy of the tree, and runs programs
until one shows it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from fuzz.coverage import STANDARD_RUN
from fuzz.planted_faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("kernel_ir", "codegen", "backends", "fuzz")
PROGRAMS_A_STEP = 20


def find(fault: Fault, most: int = STANDARD_RUN) -> tuple[int, str]:
    """How many programs it took to find a planted fault, and what was found; (0, "") where none did."""
    with tempfile.TemporaryDirectory(prefix="fault-") as folder:
        root = Path(folder)
        for package in PACKAGES:
            shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
        fault.plant(root)
        for first in range(1, most, PROGRAMS_A_STEP):
            found = _run(root, fault.shown_by, range(first, first + PROGRAMS_A_STEP))
            if found:
                return first + PROGRAMS_A_STEP - 1, found
    return 0, ""


def _run(root: Path, target: str, seeds: Sequence[int]) -> str:
    command = [sys.executable, "-m", "fuzz.worker", target, *map(str, seeds)]
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    messages = (json.loads(line) for line in done.stdout.splitlines())
    found = next((item["finding"] for item in messages if "finding" in item), None)
    if found is not None:
        return f"{found['kind']} of {found['executor']} in program {found['seed']}"
    return f"the worker ended with status {done.returncode}" if done.returncode else ""


def main(names: Sequence[str]) -> int:
    """Plant and look for each fault; 1 where one is not found."""
    missed = list(_missed([item for item in FAULTS if not names or item.name in names]))
    print(f"{len(missed)} faults were not found" if missed else "every fault was found")
    return 1 if missed else 0


def _missed(faults: Sequence[Fault]) -> Iterator[Fault]:
    for fault in faults:
        programs, found = find(fault)
        print(f"{fault.name}: {f'{found}, within {programs} programs' if found else 'not found'}", flush=True)
        if not found:
            yield fault


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
