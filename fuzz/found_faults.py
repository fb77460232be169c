"""The programs that show the planted faults, kept so that a test runs just these.

`tests/planted_faults/found.json` holds a row for each fault; beside it lie the programs, as specs with one
line ahead of them that says what their calls are drawn from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fuzz.batch import calls_of_passes, calls_of_targets
from fuzz.coverage import STANDARD_RUN
from fuzz.plant import ROOT
from fuzz.program import Program, make_program
from kernel_ir.load import load_text
from kernel_ir.typecheck.check import check_spec

FOLDER = ROOT / "tests" / "planted_faults"


@dataclass(frozen=True, slots=True)
class Found:
    """How a fault was found: by the standard run's program `seed`, the `run`th that was run for it.

    `file`: what the program is kept as, whatever the generator makes of the seed later. `calls`: the
    `digest_of_calls` of the calls that showed it; a row without one is stale.
    """

    seed: int
    run: int
    executor: str
    kind: str
    file: str
    calls: str = ""

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


def is_stale(found: Found, folder: Path = FOLDER) -> bool:
    """Whether the kept program is not what the standard run draws for its seed any more, or not so called."""
    program = found.program(folder)
    is_drawn = found.seed <= STANDARD_RUN and program == make_program(found.seed)
    return not (is_drawn and found.calls) or found.calls != digest_of_calls(program)


def digest_of_calls(program: Program) -> str:
    """What changes with the calls that are drawn for a program: sizes, values, places in memory."""
    loaded = load_text(program.text, f"{program.name}.yaml")
    kernel = check_spec(loaded)
    digest = hashlib.sha256()
    for call in (*calls_of_passes(program, loaded, kernel), *calls_of_targets(program, loaded, kernel)):
        digest.update(repr((call.sizes, call.numbers, call.types, call.mode, call.results)).encode())
        for name, item in call.tensors.items():
            where = None if item is None else (item.offset, item.strides, item.shape)
            digest.update(f"{name} {where}".encode() + (b"" if item is None else item.memory.tobytes()))
    return digest.hexdigest()[:12]


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


def save(found: Mapping[str, Found], folder: Path = FOLDER) -> None:
    """Write the table, and remove the programs that are not in it."""
    rows = {name: asdict(row) for name, row in found.items()}
    _write(folder / "found.json", {name: _without_blanks(row) for name, row in rows.items()})
    files = {row.file for row in found.values()}
    for path in folder.glob("*.yaml"):
        if path.name not in files:
            path.unlink()


def _without_blanks(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value != ""}


def _rows(path: Path) -> dict[str, Any]:
    rows: dict[str, Any] = json.loads(path.read_text(encoding="ascii")) if path.exists() else {}
    return rows


def _write(path: Path, rows: Mapping[str, Any]) -> None:
    """One row a line, so that a reviewer sees which changed."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(rows.items()))
    made = path.with_suffix(".new")
    made.write_text(f"{{\n{lines}\n}}\n", encoding="ascii")
    made.replace(path)  # so that a search that is interrupted leaves a whole table
