"""What the compiler makes of random programs: which of them does a fault of it concern?

Where a fault leaves what an executor is given as it was, the executor cannot show it. To ask that of
thousands of programs, `fuzz.texts make FIRST END FILE` keeps them as checked and as lowered, with what comes
of them, and `fuzz.texts differ EXECUTOR FILE...` prints the seeds of those of which another compiler makes
something else. For `reading` it starts from the spec, for `passes` from the checked kernel, for targets from
the lowered one.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from backends.cpu import emit as cpu
from backends.metal import emit as metal
from codegen import lowered as low
from codegen.lowering.lower import lower
from codegen.names import Names
from codegen.pipeline import LOWERED_PASSES, PASSES, compile_spec
from codegen.record import OpRecord, make_record
from fuzz.finding import SMALL_TEAMS
from fuzz.program import make_program
from fuzz.small_teams import TARGET as WITH_SMALL_TEAMS
from kernel_ir import nodes as ir
from kernel_ir.errors import SpecError
from kernel_ir.load import load_text
from kernel_ir.typecheck.check import check_spec


@dataclass(frozen=True, slots=True)
class Form:
    """A program as written, as checked and as lowered; `texts` by executor."""

    source: str
    kernel: ir.Kernel
    lowered: low.Program
    record: OpRecord
    texts: dict[str, str] = field(default_factory=dict)


def _passes(form: Form) -> str:
    """A hash of what the steps of the compiler make of a kernel, one after the other."""
    forms: list[ir.Kernel | low.Program] = []
    kernel = form.kernel
    for step in PASSES:
        kernel = step.run(kernel)
        forms.append(kernel)
    names = Names(kernel)
    program = lower(kernel, names)
    forms.append(program)
    for late in LOWERED_PASSES:
        program = late.run(program, names)
        forms.append(program)
    return hashlib.sha256(repr(forms).encode()).hexdigest()


TEXTS: dict[str, Callable[[Form], str]] = {
    "reading": lambda form: repr(check_spec(load_text(form.source, "program.yaml"))),
    "passes": _passes,
    "cpu": lambda form: "\n".join(cpu.emit(form.lowered, form.record).values()),
    "metal": lambda form: "\n".join(metal.write(form.lowered, form.record).values()),
    SMALL_TEAMS: lambda form: "\n".join(metal.write(form.lowered, form.record, WITH_SMALL_TEAMS).values()),
}


def text_of(executor: str, form: Form) -> str:
    """What an executor is given of a program; the error where the compiler fails."""
    try:
        return TEXTS[executor](form)
    except Exception as error:
        return f"failed: {error!r}"


def make(seeds: Sequence[int], path: Path) -> None:
    """Keep the programs of these seeds, as far as they are accepted."""
    forms: dict[int, bytes] = {}
    for seed in seeds:
        program = make_program(seed)
        try:
            compiled = compile_spec(load_text(program.text, f"{program.name}.yaml"))
        except SpecError:
            continue
        record = make_record(compiled.loaded, compiled.kernel)
        form = Form(program.text, compiled.kernel, compiled.program, record)
        forms[seed] = pickle.dumps(form)
    texts = {seed: _texts(kept) for seed, kept in forms.items()}
    path.write_bytes(pickle.dumps((forms, texts)))


def _texts(kept: bytes) -> dict[str, str]:
    """What executors are given of a program, read as `load` reads it: its sets then have the same order."""
    form: Form = pickle.loads(kept)
    return {executor: text_of(executor, form) for executor in TEXTS}


def load(path: Path) -> dict[int, Form]:
    """Programs by their seeds, as `make` kept them."""
    forms, texts = pickle.loads(path.read_bytes())
    return {seed: replace(pickle.loads(kept), texts=texts[seed]) for seed, kept in forms.items()}


def main(arguments: Sequence[str]) -> int:
    """One of the two commands; each is run in a process of its own."""
    match arguments:
        case ("make", first, end, path):
            make(range(int(first), int(end)), Path(path))
        case ("differ", executor, *paths):
            forms = {seed: form for path in paths for seed, form in load(Path(path)).items()}
            texts = {seed: text_of(executor, form) for seed, form in forms.items()}
            print(json.dumps([seed for seed, form in forms.items() if form.texts[executor] != texts[seed]]))
    return 0


if __name__ == "__main__":
    from fuzz import texts  # what is kept belongs to the module, by whatever name it is run

    sys.exit(texts.main(sys.argv[1:]))
