"""A copy of the tree with faults planted in it, and programs run there in a process of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from fuzz.finding import Finding
from fuzz.program import Program
from fuzz.stop import Stop

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("kernel_ir", "codegen", "backends", "fuzz")
SECONDS = 600.0  # for one batch
stop = Stop()

KINDS = {
    "barrier": "lanes do not wait for one another, or all do what one should",
    "identity": "a reduction, a choice or a row starts with the wrong value",
    "tail": "one element or block too many or too few",
    "operands": "operands, branches or names change places",
    "rounding": "a result is not rounded, or in another way",
    "stride": "the wrong place of memory, of a grid or of a team",
    "stale": "a value from before, or one that changes is taken for fixed",
    "narrow": "too few bits",
    "guard": "a condition is lost",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """`right` in `file` becomes `wrong`, in the one place where it stands.

    `kind`: one of `KINDS`. `shown_by`: the executor that is run to find it. `used`: a pattern that the texts
    of those programs have that the fault can concern, for a header that no text contains.
    """

    name: str
    kind: str
    file: str
    right: str
    wrong: str
    shown_by: str
    used: str = ""

    def plant(self, root: Path) -> None:
        """Raises LookupError where the text does not stand in one place."""
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.right) != 1:
            raise LookupError(f"{self.name}: {text.count(self.right)} places in {self.file}, not one")
        path.write_text(text.replace(self.right, self.wrong), encoding="utf-8")


@contextmanager
def planted(*faults: Fault) -> Iterator[Path]:
    """A copy of the tree with these faults; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fault-") as folder:
        root = Path(folder)
        for name in (*PACKAGES, "requirements"):
            shutil.copytree(ROOT / name, root / name)
        for fault in faults:
            fault.plant(root)
        yield root


def start(root: Path, module: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a module of the tree at `root`. Raises TimeoutExpired, and Stopped once `stop` is set."""
    environment = {
        **os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive", "PYTHONHASHSEED": "0",
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)  # which would lead to another tree
    return stop.run([sys.executable, "-m", module, *arguments], given, root, environment, SECONDS)


def run_in(root: Path, executor: str, programs: Sequence[Program]) -> Finding | None:
    """The first finding of an executor in these programs. A worker that dies or hangs is one."""
    at = programs[0].seed
    try:
        done = start(
            root, "fuzz.worker", executor, "-", given=json.dumps([asdict(item) for item in programs])
        )
    except subprocess.TimeoutExpired:
        return Finding(at, executor, "hang", f"no end after {SECONDS} seconds")
    for message in map(json.loads, done.stdout.splitlines()):
        at = message.get("at", at)
        if "finding" in message:
            return Finding.from_json(message["finding"])
    if done.returncode != 0:
        return Finding(at, executor, "crash", f"status {done.returncode}: {done.stderr[-500:].strip()}")
    return None
