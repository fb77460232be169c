"""CPU kernels: C++ in which a team is one core and its lanes are packs of 16.

A loop dealt over lanes becomes `sgl::for_lanes` with a body that runs once for whole packs and once
for the elements left over. Where lanes would not take the same loops together, it becomes
`sgl::for_each`, one element after another. The points of a grid go over threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backends.cpu.spelling import INDEXED, MONOIDS, OPS, RESERVED_HERE, STORAGE, TYPES
from codegen import lowered as low
from codegen.build_ir import ZERO, op
from codegen.expressions import ATOM
from codegen.namer import Namer
from codegen.names import author_name
from codegen.record import OpRecord
from codegen.render import render
from codegen.varying import fits_packs, is_varying, varying_names
from codegen.work import tiled_loop, work_estimate
from codegen.writer import MEMBERS, Writer
from kernel_ir import nodes as ir
from kernel_ir.dtypes import DType
from kernel_ir.errors import TargetError
from kernel_ir.names import RESERVED, stride_name

TEMPLATES = Path(__file__).parent / "templates"


def emit(program: low.Program, record: OpRecord) -> dict[str, str]:
    """The CPU source of a kernel: path under `generated/` -> text. Raises TargetError."""
    for name in record.schedule.get("cpu", {}):
        raise TargetError("cpu", f"schedule {name!r}", record.name, "a CPU kernel has nothing to override")
    writer = CpuWriter(program)
    for launch in program.launches:
        writer.launch(launch)
    fields = {
        "record": record,
        "types": [name for name, _ in program.kernel.types],
        "declarations": _declarations(program.kernel, writer.lines, writer.namer),
        "body": writer.lines,
        "entries": [
            (entry.suffix, ", ".join(STORAGE[dtype.name] for _, dtype in entry.dtypes))
            for entry in record.entries
        ],
    }
    return {f"cpu/{record.name}.cpp": render(TEMPLATES, "kernel.cpp.j2", fields)}


def _declarations(kernel: ir.Kernel, body: list[str], namer: Namer) -> list[str]:
    """Locals for the parameters that the body uses: typed pointers, strides, sizes, scalars."""
    used = set(re.findall(r"\w+", "\n".join(body)))
    members = ((namer[name], type_, value) for name, type_, value in _members(kernel))
    return [f"{type_} {name} = {value};" for name, type_, value in members if name in used]


def _members(kernel: ir.Kernel) -> Iterator[tuple[str, str, str]]:
    """Of every member of the parameters: its name, its type here, and how it is read."""
    variables = {name for name, _ in kernel.types}
    for tensor in kernel.tensors().values():
        type_ = tensor.dtype if tensor.dtype in variables else STORAGE[tensor.dtype]
        const = "const " if tensor.role == "input" else ""
        yield tensor.name, f"{const}{type_}* const", f"static_cast<{const}{type_}*>(params.{tensor.name})"
        for axis in range(len(tensor.shape) - 1):
            name = stride_name(tensor.name, axis)
            yield name, "const int64_t", f"params.{name}"
    for name in kernel.sizes:
        yield name, "const int64_t", f"params.{name}"
    for item in kernel.arguments:
        if isinstance(item, ir.ScalarType):
            test = " != 0" if item.dtype.name == "bool" else ""
            yield item.name, f"const {TYPES[item.dtype.name]}", f"params.{item.name}{test}"


@dataclass(frozen=True, slots=True)
class Pack:
    """A dealt loop being written: its variable, what varies between lanes, the mask lanes run under."""

    var: str
    varying: frozenset[str]
    mask: str = ""


class CpuWriter(Writer):
    """Statements as C++ over the CPU runtime headers."""

    types = TYPES
    ops = OPS
    infinity = "__builtin_inff()"
    nan = '__builtin_nanf("")'

    def __init__(self, program: low.Program) -> None:
        body = tuple(statement for launch in program.launches for statement in launch.body)
        super().__init__(program.kernel, RESERVED | RESERVED_HERE, low.names_read(body))
        self.pack: Pack | None = None
        self.coordinates: list[str] = []  # the grid variables of the launch being written

    # -- launches -------------------------------------------------------------------------------

    def launch(self, launch: low.Launch) -> None:
        """One launch: its grid over threads, or its body here where there is no grid."""
        self.line("")
        tiled = tiled_loop(launch)
        if not launch.grid and tiled is None:
            for statement in launch.body:
                self.statement(statement)
            return
        counts = [_extent(self, axis.low, axis.high) for axis in launch.grid]
        if tiled is not None:
            counts.append(f"sgl::tile_count({self.expr(tiled.low)}, {self.expr(tiled.high)})")
        items, work = " * ".join(counts), self.expr(work_estimate(launch))
        single = (
            launch.grid[0].var if len(counts) == 1 and launch.grid and _starts_at_zero(launch.grid[0]) else ""
        )
        self.namer.push()
        name = self.namer.declare(single) if single else "tile" if not launch.grid else "item"
        start = len(self.lines)
        self.line(f"sgl::parallel_for({items}, {work}, [=](int64_t {name}) {{")
        self.depth += 1
        if not single:
            self._coordinates(launch, counts, tiled is not None)
        self._launch_body(launch, tiled)
        self.depth -= 1
        self.namer.pop()
        self._mark_unused(start, [name, *(self.coordinates if not single else ())])
        self.line("});")

    def _mark_unused(self, start: int, names: list[str]) -> None:
        """Mark the variables of a loop that its text from line `start` on never reads again."""
        text = "\n".join(self.lines[start:])
        for name in names:
            if len(re.findall(rf"\b{name}\b", text)) == 1:
                declaration = re.compile(rf"((?:const )?(?:int64_t|auto) {name}\b)")
                for position in range(start, len(self.lines)):
                    self.lines[position] = declaration.sub(r"[[maybe_unused]] \1", self.lines[position])

    def _launch_body(self, launch: low.Launch, tiled: low.Loop | None) -> None:
        if tiled is None:
            for statement in launch.body:
                self.statement(statement)
            return
        for statement in launch.body[:-1]:
            self.statement(statement)
        first, end = self.expr(tiled.low), self.expr(tiled.high)
        self.dealt(tiled, f"sgl::tile_low({first}, tile)", f"sgl::tile_high({first}, {end}, tile)")

    def _coordinates(self, launch: low.Launch, counts: list[str], is_tiled: bool) -> None:
        """The grid's variables out of the flat item number, the last axis fastest."""
        self.coordinates = []
        names = [*(axis.var for axis in launch.grid), *(["tile"] if is_tiled else [])]
        if names == ["tile"]:
            return
        if is_tiled:
            self.line(f"const int64_t tiles = {counts[-1]};")
            counts = [*counts[:-1], "tiles"]
        rest = "item"
        parts = []
        for position in range(len(names) - 1, -1, -1):
            value = rest if position == 0 else f"{_operand(rest)} % {_operand(counts[position])}"
            rest = f"{_operand(rest)} / {_operand(counts[position])}"
            parts.append((position, value))
        for position, value in reversed(parts):
            if position == len(launch.grid):
                self.line(f"const int64_t tile = {value};")
                continue
            axis = launch.grid[position]
            start = "" if _starts_at_zero(axis) else f"{self.expr(axis.low)} + "
            identifier = self.namer.declare(axis.var)
            self.coordinates.append(identifier)
            self.line(f"const int64_t {identifier} = {start}{value};")

    # -- lanes ----------------------------------------------------------------------------------

    def lanes_loop(self, loop: low.Loop) -> None:
        self.dealt(loop, self.expr(loop.low), self.expr(loop.high))

    def dealt(self, loop: low.Loop, first: str, end: str) -> None:
        """A loop over lanes between two bounds given as text."""
        with self._lanes(loop.var, first, end, loop.body):
            for statement in loop.body:
                self.statement(statement)

    @contextmanager
    def _lanes(self, var: str, first: str, end: str, body: tuple[low.Stmt, ...]) -> Iterator[str]:
        """The body of a dealt loop: for packs where it fits them, else for one element at a time."""
        names = varying_names(body, var)
        is_packed = fits_packs(body, names)
        function, type_ = ("for_lanes", "auto") if is_packed else ("for_each", "int64_t")
        header = f"sgl::{function}({first}, {end}, [&]({type_} {{name}}) SGL_BODY {{{{"
        outer, self.pack = self.pack, Pack(var, names) if is_packed else None
        start = len(self.lines)
        with self.scope((var, header), "});") as identifier:
            yield identifier
        self._mark_unused(start, [identifier])
        self.pack = outer

    def fold(self, fold: low.Fold) -> None:
        is_dealt = fold.kind == "lanes"
        states = [self._declare_state(item, is_dealt) for item in fold.accumulators]
        first, end = self.expr(fold.low), self.expr(fold.high)
        if is_dealt:
            fields = tuple(ir.Let(f"value of {item.names[0]}", item.value) for item in fold.accumulators)
            with self._lanes(fold.var, first, end, (*fold.body, *fields)) as index:
                self._fold_body(fold, states, index, needs_index=True)
        else:
            with self.scope(self.for_header(fold.var, fold.low, fold.high)) as index:
                self._fold_body(fold, states, index, needs_index=False)
        for item, state in zip(fold.accumulators, states, strict=True):
            self._declare_results(item, state)

    def _fold_body(self, fold: low.Fold, states: list[str], index: str, *, needs_index: bool) -> None:
        for statement in fold.body:
            self.statement(statement)
        for item, state in zip(fold.accumulators, states, strict=True):
            place = [index] if needs_index or item.monoid in INDEXED else []
            if item.where is None:
                self.line(f"{state}.add({', '.join([*place, self.expr(item.value)])});")
            else:
                self.line(
                    f"{state}.add_if({', '.join([self.expr(item.where), *place, self.expr(item.value)])});"
                )

    def _declare_state(self, item: low.Accumulator, is_dealt: bool) -> str:
        name = self.namer.invent(f"{author_name(item.names[0])}_state")
        type_ = self.type_name(item.type)
        if is_dealt:
            self.line(f"sgl::Accumulator<{MONOIDS[item.monoid]}, {type_}> {name};")
        else:
            varies = self.pack is not None and item.names[0] in self.pack.varying
            lanes = (
                f"sgl::Like<decltype({self.namer[self.pack.var]}), {type_}>"
                if varies and self.pack
                else type_
            )
            self.line(f"sgl::Serial<{MONOIDS[item.monoid]}, {lanes}> {name};")
        return name

    def _declare_results(self, item: low.Accumulator, state: str) -> None:
        if item.monoid not in MEMBERS:
            self.line(f"const auto {self.namer.declare(item.names[0])} = {state}.result();")
            return
        both = self.namer.invent(f"{author_name(item.names[0])}_found")
        self.line(f"const auto {both} = {state}.result();")
        for name, field, _ in self.results(item):
            self.line(f"const auto {self.namer.declare(name)} = {both}.{field};")

    # -- statements -----------------------------------------------------------------------------

    def let(self, statement: ir.Let) -> None:
        if self.pack is None:
            super().let(statement)
            return
        value = self.expr(statement.value)
        name = self.namer.declare(statement.name)
        if not statement.is_mutable:
            self.line(f"const auto {name} = {value};")
        elif statement.name in self.pack.varying:
            lanes = (
                f"sgl::Like<decltype({self.namer[self.pack.var]}), {self.type_name(statement.value.type)}>"
            )
            self.line(f"{lanes} {name} = {value};")
        else:
            self.line(f"{self.type_name(statement.value.type)} {name} = {value};")

    def statement(self, statement: low.Stmt) -> None:
        match statement:
            case ir.Update(name, value) if self.pack is not None and self.pack.mask:
                identifier = self.namer[name]
                self.line(f"{identifier} = sgl::select({self.pack.mask}, {self.expr(value)}, {identifier});")
            case _:
                super().statement(statement)

    def guard(self, statement: low.If) -> None:
        if self.pack is None or not (self.pack.mask or is_varying(statement.condition, self.pack.varying)):
            super().guard(statement)
            return
        outer = self.pack
        mask = self.namer.invent("mask")
        self.line(f"const auto {mask} = {self._under(self.expr(statement.condition))};")
        self._masked(outer, mask, statement.then)
        if statement.orelse:
            other = self.namer.invent("mask_else")
            self.line(f"const auto {other} = {self._under(f'!{mask}')};")
            self._masked(outer, other, statement.orelse)
        self.pack = outer

    def _masked(self, outer: Pack, mask: str, body: tuple[low.Stmt, ...]) -> None:
        self.pack = Pack(outer.var, outer.varying, mask)
        self.line("{")
        self.block(body)
        self.line("}")
        self.pack = outer

    def _under(self, condition: str) -> str:
        return f"{self.pack.mask} && ({condition})" if self.pack is not None and self.pack.mask else condition

    # -- memory ---------------------------------------------------------------------------------

    def load(self, load: ir.Load) -> str:
        place = f"{self.namer[load.tensor]}, {self.offset(load.tensor, load.index)}"
        if self.pack is not None and self.pack.mask:
            return self._widened(load, f"sgl::load_if({self.pack.mask}, {place}, {self._zero(load.type)})")
        return self._widened(load, f"sgl::load({place})")

    def guarded_load(self, condition: ir.Expr, load: ir.Load, otherwise: ir.Expr) -> str:
        test = self._under(self.expr(condition))
        place = f"{self.namer[load.tensor]}, {self.offset(load.tensor, load.index)}"
        return self._widened(load, f"sgl::load_if({test}, {place}, {self.expr(otherwise)})")

    def _widened(self, load: ir.Load, text: str) -> str:
        return f"sgl::to_i64({text})" if self.elements_vary(load.tensor) else text

    def store(self, statement: ir.Store) -> None:
        place = f"{self.namer[statement.tensor]}, {self.offset(statement.tensor, statement.index)}"
        self._write(place, self.expr(statement.value))

    def put(self, statement: low.Put) -> None:
        self._write(f"{self.namer[statement.row]}, {self.expr(statement.index)}", self.expr(statement.value))

    def _write(self, place: str, value: str) -> None:
        if self.pack is not None and self.pack.mask:
            self.line(f"sgl::store_if({self.pack.mask}, {place}, {value});")
        else:
            self.line(f"sgl::store({place}, {value});")

    def row_element(self, at: ir.At) -> str:
        place = f"{self.namer[at.row]}, {self.expr(at.index)}"
        if self.pack is not None and self.pack.mask:
            return f"sgl::load_if({self.pack.mask}, {place}, {self._zero(at.type)})"
        return f"sgl::load({place})"

    def guarded_element(self, condition: ir.Expr, at: ir.At, otherwise: ir.Expr) -> tuple[str, int] | None:
        test = self._under(self.expr(condition))
        place = f"{self.namer[at.row]}, {self.expr(at.index)}"
        return f"sgl::load_if({test}, {place}, {self.expr(otherwise)})", ATOM

    def _zero(self, type: DType) -> str:
        return "false" if type.name == "bool" else f"{self.type_name(type)}(0)"

    def allocate(self, statement: low.Allocate) -> None:
        type_ = "sgl::boolean" if statement.type.name == "bool" else self.type_name(statement.type)
        name = self.namer.declare(statement.row)
        memory = self.namer.invent(f"{name}_memory")
        self.line(f"const auto {memory} = sgl::scratch<{type_}>({self.expr(statement.extent)});")
        self.line(f"{type_}* const {name} = {memory}.data();")

    def type_name(self, type: DType) -> str:
        return TYPES[type.name]


def _starts_at_zero(axis: low.GridAxis) -> bool:
    return isinstance(axis.low, ir.Const) and axis.low.value == 0


def _extent(writer: CpuWriter, first: ir.Expr, end: ir.Expr) -> str:
    if first == ZERO:
        text = writer.expr(end)
        return text if isinstance(end, ir.Size) else f"({text})"
    return writer.expr(op("maximum", op("subtract", end, first), ZERO))


def _operand(text: str) -> str:
    return text if text.replace("_", "").isalnum() or text.startswith("(") else f"({text})"
