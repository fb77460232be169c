"""The programs that show the planted faults, kept so that a test runs just these.

`tests/planted_faults/found.json` holds a row for each fault that was found, and `unseen.json` one for each
that was not; beside them lie the programs, as specs with one line ahead of them that says what their calls
are drawn from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fuzz.coverage import STANDARD_RUN
from fuzz.plant import ROOT
from fuzz.program import Program, make_program

FOLDER = ROOT / "tests" / "planted_faults"


@dataclass(frozen=True, slots=True)
class Found:
    """How a fault was found: by the standard run's program `seed`, the `run`th that was run for it.

    `file`: what the program is kept as, whatever the generator makes of the seed later.
    """

    seed: int
    run: int
    executor: str
    kind: str
    file: str

    @property
    def target(self) -> str:
        """What the worker calls the executor; what fails before any runs may fail for the calls of some."""
        if self.executor == "check":
            return "passes,cpu"
        return "passes" if self.executor.startswith("pass ") else self.executor

    def program(self, folder: Path = FOLDER) -> Program:
        """The program as it was when it showed the fault."""
        header, _, text = (folder / self.file).read_text(encoding="ascii").partition("\n")
        given = json.loads(header.removeprefix("# "))
        paths, rounds = (tuple(map(tuple, given.get(key, ()))) for key in ("paths", "rounds"))
        return Program(self.seed, f"fuzz_{self.seed}", given["style"], text, paths, rounds)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A fault that none of the first `programs` programs showed; it concerned `run` of them."""

    programs: int
    run: int


def is_stale(found: Found, folder: Path = FOLDER) -> bool:
    """Whether the kept program is not what the standard run draws for its seed any more."""
    return found.seed > STANDARD_RUN or found.program(folder) != make_program(found.seed)


def keep(program: Program, folder: Path = FOLDER) -> str:
    """Write a program; the name of its file, which is another where the program is."""
    header: dict[str, Any] = {"style": program.style, "paths": program.paths}
    if program.rounds:
        header["rounds"] = program.rounds
    text = f"# {json.dumps(header)}\n{program.text}"
    name = f"{program.name}_{hashlib.sha256(text.encode()).hexdigest()[:6]}.yaml"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="ascii")
    return name


def load_found(folder: Path = FOLDER) -> dict[str, Found]:
    """How each fault was found, by its name."""
    return {name: Found(**row) for name, row in _rows(folder / "found.json").items()}


def load_unseen(folder: Path = FOLDER) -> dict[str, Unseen]:
    """How far each fault that was not found was looked for, by its name."""
    return {name: Unseen(**row) for name, row in _rows(folder / "unseen.json").items()}


def save(found: Mapping[str, Found], unseen: Mapping[str, Unseen], folder: Path = FOLDER) -> None:
    """Write both tables, and remove the programs that are not in them."""
    _write(folder / "found.json", {name: asdict(row) for name, row in found.items()})
    _write(folder / "unseen.json", {name: asdict(row) for name, row in unseen.items()})
    files = {row.file for row in found.values()}
    for path in folder.glob("*.yaml"):
        if path.name not in files:
            path.unlink()


def _rows(path: Path) -> dict[str, Any]:
    rows: dict[str, Any] = json.loads(path.read_text(encoding="ascii")) if path.exists() else {}
    return rows


def _write(path: Path, rows: Mapping[str, Any]) -> None:
    """One row a line, so that a reviewer sees which changed."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(rows.items()))
    path.write_text(f"{{\n{lines}\n}}\n", encoding="ascii")
