"""From spec files to the generated tree: the pass list, and the walk over specs and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codegen import lowered as low
from codegen.backend import Backend
from codegen.host import generate_host
from codegen.lowering.lower import lower
from codegen.names import Names
from codegen.passes.drop_unread import drop_unread
from codegen.passes.drop_unused import drop_unused
from codegen.passes.eager import make_eager
from codegen.passes.expand_powers import expand_powers
from codegen.passes.guard_accesses import guard_accesses
from codegen.passes.hoist import hoist
from codegen.passes.share import share
from codegen.passes.simplify import simplify
from codegen.print_program import print_program
from codegen.progress import Progress
from codegen.record import OpRecord, make_record
from codegen.verify_program import verify_program
from kernel_ir import nodes as ir
from kernel_ir.errors import Diagnostic, SpecError
from kernel_ir.load import LoadedSpec, load_bytes
from kernel_ir.printer import print_kernel
from kernel_ir.schema import schema_text
from kernel_ir.typecheck.check import check_spec
from kernel_ir.verify import verify_kernel


@dataclass(frozen=True, slots=True)
class Pass:
    """A step over the typed IR, and why it stands where it does."""

    run: Callable[[ir.Kernel], ir.Kernel]
    reason: str


@dataclass(frozen=True, slots=True)
class LoweredPass:
    """A step over launches, and why it stands where it does."""

    run: Callable[[low.Program, Names], low.Program]
    reason: str


PASSES: tuple[Pass, ...] = (
    Pass(drop_unread, "first, so that what nothing reads decides nothing"),
    Pass(expand_powers, "anywhere ahead of lowering, where a binding may still stand in an expression"),
    Pass(guard_accesses, "before others, since every later pass may then rely on loads being in range"),
    Pass(make_eager, "before lowering, which computes reductions ahead of the branch that uses them"),
)

LOWERED_PASSES: tuple[LoweredPass, ...] = (
    LoweredPass(simplify, "before moving anything, so that equal things look equal"),
    LoweredPass(hoist, "outer loops first, so that a value lands in front of every loop it does not need"),
    LoweredPass(simplify, "again, so that what hoisting has set side by side looks equal too"),
    LoweredPass(share, "after hoisting, which shares what it moves; this shares what stays"),
    LoweredPass(simplify, "once more, to remove the copies that the others leave"),
    LoweredPass(drop_unused, "after the last copies are gone, which may leave their sources unread"),
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A spec on its way through the compiler."""

    loaded: LoadedSpec
    kernel: ir.Kernel
    record: OpRecord
    program: low.Program


def compile_spec(loaded: LoadedSpec) -> Compiled:
    """Check and lower one spec. Raises SpecError, or TargetError where a construct cannot be lowered."""
    stages = list(compile_stages(loaded))
    kernel, program = stages[0].form, stages[-1].form
    assert isinstance(kernel, ir.Kernel) and isinstance(program, low.Program)
    return Compiled(loaded, kernel, make_record(loaded, kernel), program)


@dataclass(frozen=True, slots=True)
class Stage:
    """A kernel as it stands after one step of the compiler, and why the step stands where it does."""

    step: str
    reason: str
    form: ir.Kernel | low.Program


def compile_stages(loaded: LoadedSpec) -> Iterator[Stage]:
    """Every form a spec takes, each verified before the next step sees it, but where nothing changed."""
    kernel = check_spec(loaded)
    verify_kernel(kernel, "checking")
    yield Stage("check", "the body, typed and proven", kernel)
    for step in PASSES:
        before, kernel = kernel, step.run(kernel)
        if kernel != before:
            verify_kernel(kernel, step.run.__name__)
        yield Stage(step.run.__name__, step.reason, kernel)
    names = Names(kernel)
    program = lower(kernel, names)
    verify_program(program, "lowering")
    yield Stage("lower", "grids, lanes and folds", program)
    for late in LOWERED_PASSES:
        last, program = program, late.run(program, names)
        if program != last:
            verify_program(program, late.run.__name__)
        yield Stage(late.run.__name__, late.reason, program)


def explain(loaded: LoadedSpec, backends: Sequence[Backend] = ()) -> str:
    """Every stage of a spec as text, and the sources that the given back ends write for it."""
    stages = list(compile_stages(loaded))
    parts = [f"== {stage.step}: {stage.reason}\n{_print_form(stage.form)}" for stage in stages]
    kernel, program = stages[0].form, stages[-1].form
    assert isinstance(kernel, ir.Kernel) and isinstance(program, low.Program)
    for backend in backends:
        for path, text in backend.emit(program, make_record(loaded, kernel)).items():
            parts.append(f"== {path}: {backend.summary}\n{text}")
    return "\n".join(parts)


def _print_form(form: ir.Kernel | low.Program) -> str:
    return print_kernel(form) if isinstance(form, ir.Kernel) else print_program(form)


def generate_tree(specs: Path, backends: Sequence[Backend]) -> dict[str, bytes]:
    """Every generated file by its path under `generated/`, for all specs under a folder.

    Raises SpecError with the problems of every wrong spec, TargetError where a target refuses.
    """
    compiled = compile_folder(specs)
    files: dict[str, bytes] = {}
    with Progress("writing") as report:
        for position, item in enumerate(compiled, 1):
            report(position, len(compiled), item.kernel.name)
            for backend in backends:
                sources = backend.emit(item.program, item.record)
                files |= {path: text.encode() for path, text in sources.items()}
    files |= generate_host([item.record for item in compiled])
    return files | {"spec.schema.json": schema_text().encode()}


def compile_folder(specs: Path) -> list[Compiled]:
    """Every spec under a folder, checked and lowered, sorted by path."""
    paths = sorted(path for path in specs.rglob("*.yaml") if path.is_file())
    compiled: list[Compiled] = []
    wrong: list[SpecError] = []
    with Progress("checking") as report:
        for position, path in enumerate(paths, 1):
            shown = f"specs/{path.relative_to(specs).as_posix()}"
            report(position, len(paths), shown)
            try:
                compiled.append(compile_spec(load_bytes(path.read_bytes(), shown)))
            except SpecError as error:
                wrong.append(error)
    wrong += _misnamed(compiled)
    wrong += _clashes(compiled)
    wrong += _clashing_entries(compiled)
    if wrong:
        raise SpecError.merge(wrong)
    return compiled


def _misnamed(compiled: Sequence[Compiled]) -> Iterator[SpecError]:
    """Kernels that have another name than their file, by which commands and the manifest look them up."""
    for item in compiled:
        source, name = item.loaded.source, item.kernel.name
        folder, _, file = source.path.rpartition("/")
        if file != f"{name}.yaml":
            message = f"the kernel `{name}` stands in a file called {file}"
            hint = f"call the file {folder}/{name}.yaml, or the kernel `{file.removesuffix('.yaml')}`"
            diagnostic = Diagnostic("file-name", message, source.span("name"), hint)
            yield SpecError(source.path, source.text, (diagnostic,))


def _clashes(compiled: Sequence[Compiled]) -> Iterator[SpecError]:
    """Public names that two specs both claim; they differ in more than case, since files are named so."""
    owners: dict[str, Compiled] = {}
    for item in compiled:
        source = item.loaded.source
        for position, export in enumerate(item.record.exports):
            owner = owners.setdefault(export.name.lower(), item)
            if owner is item:
                continue
            keys = ("name",) if position == 0 else ("exports", position - 1, "name")
            message = f"the public name `{export.name}` is taken by {owner.loaded.source.path}"
            diagnostic = Diagnostic("name-clash", message, source.span(*keys), "choose another name")
            yield SpecError(source.path, source.text, (diagnostic,))


def _clashing_entries(compiled: Sequence[Compiled]) -> Iterator[SpecError]:
    """Kernels that are compiled under one name: that of one, with dtypes, is the other's with fewer."""
    owners: dict[str, Compiled] = {}
    for item in compiled:
        names = [f"{item.kernel.name}_{entry.suffix}" for entry in item.record.entries]
        taken = next((name for name in names if name in owners), "")
        if taken:
            source = item.loaded.source
            message = f"`{taken}`, as it is compiled, is also compiled for {owners[taken].loaded.source.path}"
            diagnostic = Diagnostic("name-clash", message, source.span("name"), "choose another name")
            yield SpecError(source.path, source.text, (diagnostic,))
        owners |= dict.fromkeys(names, item)
