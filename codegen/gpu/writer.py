"""Statements of a launch as text for a GPU. Targets differ in tables and in the kernel's frame.

A team's values are held by every lane alike; a store outside dealt loops is made by its first lane.
A dealt loop gives lane i the iterations i, i + lanes, ...; a chunked one, runs of `chunk` iterations,
whose loads and stores move together. A loop over a row in registers counts its rounds in `turn`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from codegen import lowered as low
from codegen.build_ir import ZERO, op
from codegen.expressions import Dialect, Spelling, print_expression
from codegen.gpu.chunks import Chunk, ChunkedLoop
from codegen.gpu.plan import LaunchPlan, extent_of
from codegen.gpu.rows import RowPlace, loops_of_row
from codegen.gpu.split import result_type
from codegen.gpu.widths import ANY_I32
from codegen.gpu.words import WORDS
from codegen.namer import Namer
from codegen.names import author_name
from codegen.writer import Writer, stride_name
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I32, I64, DType
from kernel_ir.traverse import map_children, substitute

SELECT_LEVEL = 20  # how tightly `a ? b : c` binds


@dataclass(frozen=True, slots=True)
class Spellings:
    """A GPU target's tables: compute types, storage types, ops, monoids, what points to device memory."""

    types: Mapping[str, str]
    storage: Mapping[str, str]
    ops: Mapping[str, Spelling]
    monoids: Mapping[str, str]
    device: str
    infinity: str
    nan: str
    reserved: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lanes:
    """The dealt loop being written. `moving` names the chunks of its accesses."""

    loop: ChunkedLoop | None
    moving: Mapping[Chunk, str]
    turns: bool


_WRAPPING = {name: f"wrapping_{name}" for name in ("add", "subtract", "multiply", "negate")}


class GpuWriter(Writer):
    """Text of one launch."""

    index_type = "index_t"

    def __init__(self, kernel: ir.Kernel, plan: LaunchPlan, spellings: Spellings) -> None:
        self.types, self.ops = spellings.types, spellings.ops
        self.infinity, self.nan = spellings.infinity, spellings.nan
        super().__init__(kernel, spellings.reserved | WORDS)
        self.plan, self.spellings = plan, spellings
        self.dialect = Dialect(
            spellings.ops, self.leaf, spellings.infinity, spellings.nan, "int64_t", self.special
        )
        self.namer = Namer(spellings.reserved | WORDS)
        self.used: set[str] = set()
        self.lanes: Lanes | None = None
        self._declare_signature()

    def _declare_signature(self) -> None:
        record = self.plan.record
        for name in record.tensors:
            self.namer.declare(name)
        for name in record.tensors:
            for axis in range(len(self.tensors[name].shape) - 1):
                self.namer.fix(stride_name(name, axis), self.namer.invent(stride_name(name, axis)))
        for name in record.given:
            self.namer.fix(f"given {name}", self.namer.invent(f"has_{name}"))
        scalars = (item.name for item in self.kernel.arguments if isinstance(item, ir.ScalarType))
        for name in (*self.kernel.sizes, *scalars):
            self.namer.declare(name)
        for scratch in record.scratch:
            base = scratch.name.partition(".")[0]
            identifier = self.namer.invent(base if scratch.owner == "program" else f"{base}_memory")
            self.namer.fix(self.memory_of(scratch.name), identifier)

    @staticmethod
    def memory_of(row: str) -> str:
        """The name under which a row's device memory is declared."""
        return f"memory {row}"

    # -- the launch -----------------------------------------------------------------------------

    def launch(self) -> list[str]:
        """The kernel's statements after its frame: coordinates, then the body."""
        launch, tiled = self.plan.launch, self.plan.tiled
        for place in self.plan.rows.values():
            if place.owner == "program":
                self.namer.fix(place.row, self.namer[self.memory_of(place.row)])
        self._coordinates(launch, tiled is not None)
        for statement in launch.body if tiled is None else launch.body[:-1]:
            self.statement(statement)
        if tiled is not None:
            self._tile(tiled, bool(launch.grid))
        return self.lines

    def _coordinates(self, launch: low.Launch, is_tiled: bool) -> None:
        """The grid's variables out of the team's number, the last one fastest, tiles faster still."""
        rest = "index_t(team.item)"
        if is_tiled and launch.grid:
            self.line(f"const index_t tile = {rest} % index_t(launch.tiles);")
            rest = f"{rest} / index_t(launch.tiles)"
        parts: list[tuple[low.GridAxis, str]] = []
        for position, axis in reversed(tuple(enumerate(launch.grid))):
            count = self._operand(extent_of(axis.low, axis.high)) if position else ""
            parts.append((axis, f"{rest} % {count}" if position else rest))
            rest = f"{rest} / {count}"
        for axis, value in reversed(parts):
            start = "" if axis.low == ZERO else f"{self.expr(axis.low)} + "
            self.line(f"const index_t {self.namer.declare(axis.var)} = {start}{value};")

    def _tile(self, tiled: low.Loop, is_in_grid: bool) -> None:
        tile = "tile" if is_in_grid else "index_t(team.item)"
        start = "" if tiled.low == ZERO else f"{self.expr(tiled.low)} + "
        self.line(f"const index_t tile_begin = {start}{tile} * launch.tile;")
        end = f"sgl::minimum({self.expr(tiled.high)}, tile_begin + launch.tile)"
        self.line(f"const index_t tile_end = {end};")
        with self._dealt(tiled, "tile_begin", "tile_end"):
            for statement in tiled.body:
                self.statement(statement)

    def _operand(self, expr: ir.Expr) -> str:
        text = self.expr(expr)
        return text if text.replace("_", "").isalnum() else f"({text})"

    # -- dealt loops ----------------------------------------------------------------------------

    def lanes_loop(self, loop: low.Loop) -> None:
        with self._dealt(loop, self._bound(loop.low), self._bound(loop.high)):
            for statement in loop.body:
                self.statement(statement)

    def _bound(self, expr: ir.Expr) -> str:
        text = self.expr(expr)
        return text if text.replace("_", "").isalnum() else f"({text})"

    @contextmanager
    def _dealt(self, loop: low.Loop | low.Fold, first: str, end: str) -> Iterator[str]:
        """The iterations of a lane; yields the loop variable's identifier."""
        chunked = self.plan.chunked.get(loop.var)
        turns = loop.var in self.plan.turning
        start = "" if first == "0" else f"{first} + "
        outer, self.lanes = self.lanes, Lanes(chunked, {}, turns)
        self.namer.push()
        name = self.namer.declare(loop.var)
        base = name if chunked is None else self.namer.invent(f"{author_name(loop.var)}_base")
        run = " * chunk" if chunked is not None else ""
        if turns:
            self._open_turns(loop.var, base, start, end, run)
        else:
            step = f"{base} += team.lanes{run}"
            type_ = self._type_of_lane(loop.var)
            self.line(f"for ({type_} {base} = {start}team.lane{run}; {base} < {end}; {step}) {{")
            self.depth += 1
        if chunked is None:
            yield name
        else:
            yield from self._chunk(loop, chunked, name, base, end)
        self.depth -= 1
        self.line("}")
        self.namer.pop()
        self.lanes = outer

    def _open_turns(self, var: str, base: str, start: str, end: str, run: str) -> None:
        self.line("SGL_UNROLL")
        self.line("for (int turn = 0; turns == 0 || turn < turns; ++turn) {")
        self.depth += 1
        place = "index_t(turn) * team.lanes + team.lane"
        place = f"({place}){run}" if run else place
        self.line(f"const {self._type_of_lane(var)} {base} = {start}{place};")
        self.line(f"if ({base} >= {end}) break;")

    def _chunk(
        self, loop: low.Loop | low.Fold, chunked: ChunkedLoop, name: str, base: str, end: str
    ) -> Iterator[str]:
        """One chunk: what it loads, its iterations, what it stores."""
        moving: dict[Chunk, str] = {}
        for chunk in sorted(chunked.chunks, key=lambda item: item.is_store):
            moving[chunk] = self.namer.invent(f"{chunk.tensor}_chunk")
            self._load_chunk(chunk, moving[chunk], loop.var, base, end)
        self.lanes = Lanes(chunked, moving, loop.var in self.plan.turning)
        self.line("SGL_UNROLL")
        self.line("for (int step = 0; step < chunk; ++step) {")
        self.depth += 1
        self.line(f"const {self._type_of_lane(loop.var)} {name} = {base} + step;")
        self.line(f"if (!is_aligned && {name} >= {end}) break;")
        yield name
        self.depth -= 1
        self.line("}")
        for chunk, identifier in moving.items():
            if chunk.is_store:
                place = self._chunk_place(chunk, loop.var, base)
                self.line(f"sgl::store_chunk<is_aligned>({place}, {end} - {base}, {identifier});")

    def _load_chunk(self, chunk: Chunk, identifier: str, var: str, base: str, end: str) -> None:
        if chunk.is_store:
            self.line(f"sgl::Chunk<{self.storage_of(chunk.tensor)}, chunk> {identifier};")
            return
        place = f"{self._chunk_place(chunk, var, base)}, {end} - {base}"
        if chunk.condition is None:
            self.line(f"const auto {identifier} = sgl::load_chunk<chunk, is_aligned>({place});")
        else:
            test = self.expr(chunk.condition)
            self.line(f"const auto {identifier} = sgl::load_chunk_if<chunk, is_aligned>({test}, {place});")

    def _chunk_place(self, chunk: Chunk, var: str, base: str) -> str:
        """`tensor, offset` of a chunk's first element."""
        first = f"first of {var}"
        self.namer.fix(first, base)
        self.plan.widths.magnitudes[first] = self.plan.widths.magnitudes.get(var)
        index = tuple(substitute(part, {var: ir.Var(first, I64)}) for part in chunk.index)
        return self.place(chunk.tensor, index)

    # -- reductions -----------------------------------------------------------------------------

    def fold(self, fold: low.Fold) -> None:
        states = [self._declare_state(item) for item in fold.accumulators]
        if fold.kind == "lanes":
            with self._dealt(fold, self._bound(fold.low), self._bound(fold.high)) as index:
                self._fold_body(fold, states, index)
            for state in states:
                self.line(f"{state}.combine(team);")
        else:
            with self.scope(self.for_header(fold.var, fold.low, fold.high)) as index:
                self._fold_body(fold, states, index)
        for item, state in zip(fold.accumulators, states, strict=True):
            self._declare_results(item, state)

    def _fold_body(self, fold: low.Fold, states: list[str], index: str) -> None:
        for statement in fold.body:
            self.statement(statement)
        for item, state in zip(fold.accumulators, states, strict=True):
            added = f"{state}.add({index}, {self.expr(item.value)});"
            if item.where is None:
                self.line(added)
                continue
            self.line(f"if ({self.expr(item.where)}) {{")
            with self.indented():
                self.line(added)
            self.line("}")

    def _declare_state(self, item: low.Accumulator) -> str:
        name = self.namer.invent(f"{author_name(item.names[0])}_state")
        monoid = self.spellings.monoids[item.monoid]
        self.line(f"sgl::Accumulator<{monoid}<{self.types[item.type.name]}>> {name};")
        return name

    def _declare_results(self, item: low.Accumulator, state: str) -> None:
        members = ("result",) if len(item.names) == 1 else ("maximum", "total")
        for name, member in zip(item.names, members, strict=True):
            type_ = self._type_of_name(name, result_type(item))
            self.line(f"const {type_} {self.namer.declare(name)} = {state}.{member}();")

    # -- statements -----------------------------------------------------------------------------

    def let(self, statement: ir.Let) -> None:
        value = self.expr(statement.value)
        type_ = self._type_of_name(statement.name, statement.value.type)
        qualifier = "" if statement.is_mutable else "const "
        self.line(f"{qualifier}{type_} {self.namer.declare(statement.name)} = {value};")

    def _type_of_name(self, name: str, type: DType) -> str:
        is_narrow = type == I64 and self.plan.widths.magnitudes.get(name) is not None
        return self.index_type if is_narrow else self.types[type.name]

    def _type_of_lane(self, var: str) -> str:
        """The type of a dealt loop's variable, which steps past its end by as much as the team is wide."""
        is_bounded = self.plan.widths.magnitudes.get(var) not in (None, ANY_I32)
        return self.index_type if is_bounded else self.types["i64"]

    def for_header(self, var: str, first: ir.Expr, end: ir.Expr) -> tuple[str, str]:
        type_ = self._type_of_name(var, I64)
        begin, stop = self.expr(first), self.expr(end)
        return var, f"for ({type_} {{name}} = {begin}; {{name}} < {stop}; ++{{name}}) {{{{"

    def barrier(self) -> None:
        self.line("team.barrier();")

    def store(self, statement: ir.Store) -> None:
        chunk = self._chunk_of(statement.tensor, statement.index, True)
        value = self.expr(statement.value)
        if chunk is not None:
            self.line(f"{chunk}.set(step, {value});")
        else:
            place = self.place(statement.tensor, statement.index)
            self.line(f"{self._once()}sgl::store({place}, {value});")

    def _once(self) -> str:
        """What keeps all lanes but one from what the team does once."""
        return "if (team.is_first()) " if self.lanes is None else ""

    def allocate(self, statement: low.Allocate) -> None:
        place = self.plan.rows[statement.row]
        type_ = self.types[statement.type.name]
        if place.placement == "private":
            self.line(f"{type_} {self.namer.declare(place.row)}[{self.expr(place.extent)}];")
            return
        memory = self.namer[self.memory_of(place.row)]
        start = f"{memory} + {self._share(place)} * {self._operand(place.extent)}"
        name = self.namer.declare(place.row)
        if place.placement == "dealt":
            run = "chunk" if self._is_chunked_row(place.row) else "1"
            self.line(f"sgl::DealtRow<{type_}, {run}, turns> {name}({start});")
        else:
            self.line(f"{self.pointer(type_)} const {name} = {start};")

    def _share(self, place: RowPlace) -> str:
        """The number of a row's owner."""
        item = "index_t(team.item)"
        return item if place.owner == "team" else f"({item} * team.lanes + team.lane)"

    def _is_chunked_row(self, row: str) -> bool:
        return bool(loops_of_row(self.plan.launch, row) & self.plan.chunked.keys())

    def put(self, statement: low.Put) -> None:
        place, name = self.plan.rows[statement.row], self.namer[statement.row]
        index, value = self.expr(statement.index), self.expr(statement.value)
        match place.placement:
            case "dealt":
                self.line(f"{name}.set(turn, {self._step()}, {index}, {value});")
            case "private":
                self.line(f"{name}[{index}] = {value};")
            case _:
                self.line(f"{self._once()}{name}[{index}] = {value};")

    def row_element(self, at: ir.At) -> str:
        name, index = self.namer[at.row], self.expr(at.index)
        if self.plan.rows[at.row].placement == "dealt":
            return f"{name}.get(turn, {self._step()}, {index})"
        return f"{name}[{index}]"

    def _step(self) -> str:
        return "step" if self.lanes is not None and self.lanes.loop is not None else "0"

    # -- memory ---------------------------------------------------------------------------------

    def load(self, load: ir.Load) -> str:
        chunk = self._chunk_of(load.tensor, load.index, False)
        text = f"{chunk}.get(step)" if chunk else f"sgl::load({self.place(load.tensor, load.index)})"
        return f"int64_t({text})" if self.elements_vary(load.tensor) else text

    def guarded_load(self, condition: ir.Expr, load: ir.Load, otherwise: ir.Expr) -> str:
        return self._conditional(condition, load, otherwise)

    def place(self, tensor: str, index: tuple[ir.Expr, ...]) -> str:
        """`pointer, offset` of an element."""
        return f"{self._name(tensor)}, {self.offset(tensor, index)}"

    def _chunk_of(self, tensor: str, index: tuple[ir.Expr, ...], is_store: bool) -> str | None:
        if self.lanes is None or self.lanes.loop is None:
            return None
        chunk = self.lanes.loop.find(tensor, index, is_store)
        return None if chunk is None else self.lanes.moving.get(chunk)

    def storage_of(self, tensor: str) -> str:
        """A tensor's element type: a type variable or a storage type."""
        dtype = self.tensors[tensor].dtype
        return self.spellings.storage.get(dtype, dtype)

    def pointer(self, type_: str, is_const: bool = False) -> str:
        """A pointer into device memory."""
        return f"{self.spellings.device}{'const ' if is_const else ''}{type_}*"

    # -- expressions ----------------------------------------------------------------------------

    def expr(self, expr: ir.Expr) -> str:
        return print_expression(self.typed(expr), self.dialect)

    def typed(self, expr: ir.Expr, is_wide: bool = False) -> ir.Expr:
        """`expr` with integer widths and wrapping arithmetic spelled out; indices are left for later."""
        if not isinstance(expr, ir.Apply):
            return self._widened(expr, is_wide)
        wide_here = self.plan.widths.is_wide(expr)
        spelled = map_children(expr, lambda child: self.typed(child, wide_here and child.type == I64))
        assert isinstance(spelled, ir.Apply)
        if expr.op == "i64" and not wide_here:
            spelled = ir.Apply("index", spelled.args, I64)
        elif expr.op in _WRAPPING and (expr.type == I32 or wide_here):
            spelled = ir.Apply(_WRAPPING[expr.op], spelled.args, expr.type)
        return ir.Apply("i64", (spelled,), I64) if is_wide and not wide_here else spelled

    def _widened(self, expr: ir.Expr, is_wide: bool) -> ir.Expr:
        is_narrow = is_wide and not isinstance(expr, ir.Const) and not self.plan.widths.is_wide(expr)
        return ir.Apply("i64", (expr,), I64) if is_narrow else expr

    def special(self, expr: ir.Apply) -> tuple[str, int] | None:
        if expr.op == "select":
            return self._conditional(*expr.args), SELECT_LEVEL
        return super().special(expr)

    def _conditional(self, condition: ir.Expr, taken: ir.Expr, otherwise: ir.Expr) -> str:
        test, first, second = (print_expression(part, self.dialect) for part in (condition, taken, otherwise))
        if isinstance(condition, ir.Apply) and condition.op == "select":
            test = f"({test})"
        return f"{test} ? {first} : {second}"

    def leaf(self, expr: ir.Expr) -> str:
        match expr:
            case ir.Size(name) | ir.Param(name):
                return self._name(name)
            case ir.Given(name):
                return self._name(f"given {name}")
            case _:
                return super().leaf(expr)

    def _name(self, name: str) -> str:
        """The identifier of a name of the signature, which the frame then has to declare."""
        self.used.add(name)
        return self.namer[name]

    def offset(self, tensor: str, index: tuple[ir.Expr, ...]) -> str:
        flat: ir.Expr | None = None
        for axis, part in enumerate(index):
            is_last = axis == len(index) - 1
            step = self.typed(part)
            term = step if is_last else op("multiply", step, ir.Size(stride_name(tensor, axis), I64))
            flat = term if flat is None else op("add", flat, term)
        assert flat is not None
        return print_expression(flat, self.dialect)
