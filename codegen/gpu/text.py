"""Names, memory and expressions of a launch as text for a GPU. Targets differ in tables.

A team's values are held by every lane alike; a store outside dealt loops is made by its first lane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codegen import lowered as low
from codegen.build_ir import ZERO, op, zero
from codegen.expressions import ATOM, Dialect, Spelling, print_expression, with_width
from codegen.gpu.chunks import Chunk, ChunkedLoop
from codegen.gpu.plan import LaunchPlan
from codegen.gpu.record import LaunchRecord
from codegen.gpu.rows import RowPlace, loops_of_row
from codegen.gpu.unclamped import Unclamped
from codegen.gpu.widths import ANY_I32
from codegen.gpu.words import WORDS
from codegen.namer import Namer
from codegen.writer import Writer
from kernel_ir import nodes as ir
from kernel_ir.dtypes import F32, I32, I64, U32, DType
from kernel_ir.names import stride_name
from kernel_ir.traverse import map_children

SELECT_LEVEL = 20  # how tightly `a ? b : c` binds
_AS_IT_IS = ir.Const | ir.Size | ir.Param | ir.Load  # what a kernel is given
_FEW = 4  # iterations that are written out


@dataclass(frozen=True, slots=True)
class Spellings:
    """A GPU target's tables: compute types, storage types, ops, monoids, what points to device memory.

    `fuses`: products that are summed up are not rounded first. `copies_ahead`: lanes can copy what the next
    round of a stream reads while they compute. `starts_early`: a kernel may start ahead of what it has to
    wait for, and then loads all at once what it has asked for. `at_least_zero`: a function of a signed
    integer that stands for its maximum with 0, if there is one. `comparisons`: functions that stand for
    comparisons of integers that may have been chosen, by op. `sorts_ranks`: words that are taken from a
    row one by one can be put in order first. `unrolled`: what stands before a loop of any length that should
    have several of its loads under way together.
    """

    types: Mapping[str, str]
    storage: Mapping[str, str]
    ops: Mapping[str, Spelling]
    monoids: Mapping[str, str]
    device: str
    infinity: str
    nan: str
    reserved: frozenset[str]
    fuses: bool = False
    copies_ahead: bool = False
    starts_early: bool = False
    at_least_zero: str = ""
    comparisons: Mapping[str, str] = field(default_factory=dict)
    sorts_ranks: bool = False
    unrolled: str = ""


@dataclass(frozen=True, slots=True)
class Lanes:
    """The dealt loop being written. `moving` names the chunks of its accesses."""

    loop: ChunkedLoop | None
    moving: Mapping[Chunk, str]


_WRAPPING = {name: f"wrapping_{name}" for name in ("add", "subtract", "multiply", "negate")}


def memory_of(row: str) -> str:
    """The name under which a row's device memory is declared."""
    return f"memory {row}"


def signature_names(kernel: ir.Kernel, launch: LaunchRecord, reserved: frozenset[str]) -> Namer:
    """What a launch's parameters are called, and the locals for their strides, sizes and scalars."""
    namer, tensors = Namer(reserved | WORDS), kernel.tensors()
    for name in launch.tensors:
        namer.declare(name)
    for name in launch.tensors:
        for axis in range(len(tensors[name].shape) - 1):
            namer.fix(stride_name(name, axis), namer.invent(stride_name(name, axis)))
    for name in launch.given:
        namer.fix(f"given {name}", namer.invent(f"has_{name}"))
    scalars = (item.name for item in kernel.arguments if isinstance(item, ir.ScalarType))
    for name in (*kernel.sizes, *scalars):
        namer.declare(name)
    for scratch in launch.scratch:
        base = scratch.name.partition(".")[0]
        identifier = namer.invent(base if scratch.owner == "program" else f"{base}_memory")
        namer.fix(memory_of(scratch.name), identifier)
    return namer


class GpuText(Writer):
    """What the statements of one launch are written with."""

    index_type = "index_t"
    who = "team"  # whose lanes share the statement being written

    def __init__(self, kernel: ir.Kernel, plan: LaunchPlan, spellings: Spellings) -> None:
        self.types, self.ops = spellings.types, spellings.ops
        self.infinity, self.nan = spellings.infinity, spellings.nan
        super().__init__(kernel, spellings.reserved | WORDS, low.names_read(plan.launch.body))
        self.plan, self.spellings = plan, spellings
        self.dialect = Dialect(
            spellings.ops, self.leaf, spellings.infinity, spellings.nan, "int64_t", self.special
        )
        self.namer = signature_names(kernel, plan.record, spellings.reserved)
        self.is_unclamped = Unclamped.of_launch(plan.launch)
        self.used: set[str] = set()
        self.lanes: Lanes | None = None

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

    def serial_loop(self, loop: low.Loop) -> None:
        self.unroll(loop)
        super().serial_loop(loop)

    def unroll(self, loop: low.Loop) -> None:
        """Mark an inner loop of few iterations, so that the loads of all are under way together."""
        inside = low.walk(loop.body)
        is_inner = not any(isinstance(item, low.Loop) and item.kind == "serial" for item in inside)
        if is_inner and loop.low == ZERO and isinstance(loop.high, ir.Const) and loop.high.value <= _FEW:
            self.line("SGL_UNROLL")

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
        return f"if ({self.who}.is_first()) " if self.lanes is None else ""

    def allocate(self, statement: low.Allocate) -> None:
        place = self.plan.rows[statement.row]
        type_ = self.types[statement.type.name]
        if place.placement == "private":
            self.line(f"{type_} {self.namer.declare(place.row)}[{self.expr(place.extent)}];")
            return
        memory = self.namer[memory_of(self.plan.originals.get(place.row, place.row))]
        start = f"{memory} + {self._share(place)} * {self.operand(place.extent)}"
        name = self.namer.declare(place.row)
        if place.placement == "dealt":
            is_chunked = self._is_chunked_row(place.row)
            run, turns = "chunk" if is_chunked else "1", self.turns(is_chunked)
            self.line(f"sgl::DealtRow<{type_}, {run}, {turns}> {name}({start});")
        else:
            self.line(f"{self.pointer(type_)} const {name} = {start};")

    def operand(self, expr: ir.Expr) -> str:
        """An expression as an operand that binds tighter than any operator."""
        text = self.expr(expr)
        return text if text.replace("_", "").isalnum() else f"({text})"

    def _share(self, place: RowPlace) -> str:
        """The number of a row's owner."""
        item = "index_t(team.item)"
        return item if place.owner == "team" else f"({item} * team.lanes + team.lane)"

    def _is_chunked_row(self, row: str) -> bool:
        return bool(loops_of_row(self.plan.launch, row) & self.plan.chunked.keys())

    def turns(self, is_chunked: bool) -> str:
        """How many rounds of chunks, or of single elements, a lane keeps."""
        return "turns" if is_chunked or not self.plan.chunked else "sgl::single_turns(turns, chunk)"

    def put(self, statement: low.Put) -> None:
        place, name = self.plan.rows[statement.row], self.namer[statement.row]
        index, value = self.expr(statement.index), self.expr(statement.value)
        match place.placement:
            case "dealt" if self.lanes is None:
                self.line(f"{name}.put(team, {index}, {value});")
            case "dealt":
                value = self._grown(statement) or value
                self.line(f"{name}.set(turn, {self._step()}, {index}, {value});")
            case "private":
                self.line(f"{name}[{index}] = {value};")
            case _:
                self.line(f"{self._once()}{name}[{index}] = {value};")

    def _grown(self, statement: low.Put) -> str | None:
        """The value of an element that grows by a product, if the target fuses the two."""
        match statement.value:
            case ir.Apply("add", (ir.At(row) as sum_, ir.Apply("multiply") as product)) if (
                self.spellings.fuses and row == statement.row and product.type == F32
            ):
                parts = (*product.args, sum_)
                return f"sgl::multiply_add({', '.join(map(self.expr, parts))})"
            case _:
                return None

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
        is_read_back = self.tensors[tensor].role == "result" and not is_store
        loop, moving = self.lanes.loop, self.lanes.moving
        found = (
            loop.find(tensor, index, kind) for kind in ((is_store, True) if is_read_back else (is_store,))
        )
        return next((moving[chunk] for chunk in found if chunk is not None and chunk in moving), None)

    def storage_of(self, tensor: str) -> str:
        """A tensor's element type: a type variable or a storage type."""
        dtype = self.tensors[tensor].dtype
        return self.spellings.storage.get(dtype, dtype)

    def pointer(self, type_: str, is_const: bool = False) -> str:
        """A pointer into device memory."""
        return f"{self.spellings.device}{'const ' if is_const else ''}{type_}*"

    # -- expressions ----------------------------------------------------------------------------

    def typed(self, expr: ir.Expr, is_wide: bool = False) -> ir.Expr:
        """`expr` with integer widths and wrapping arithmetic spelled out; indices are left for later."""
        if not isinstance(expr, ir.Apply):
            return self._widened(expr, is_wide)
        wide_here = self.plan.widths.is_wide(expr)
        spelled = map_children(expr, lambda child: self.typed(child, wide_here and child.type == I64))
        spelled = with_width(spelled) if wide_here else spelled
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
        match expr:
            case ir.Apply("select", (_, ir.Load() as load, other)) if (
                other == zero(load.type) and self._is_zero_elsewhere(expr)
            ):
                return self.load(load), ATOM
            case ir.Apply("select", (condition, ir.Load() as load, ir.Const() as other)) if self._is_alone(
                load
            ):
                test, place = self.expr(condition), self.place(load.tensor, load.index)
                type_ = self.types[load.type.name]
                return f"sgl::load_if({test}, {place}, {type_}({self.expr(other)}))", ATOM
            case ir.Apply("maximum", (operand, ir.Const(0)) | (ir.Const(0), operand)) if (
                self.spellings.at_least_zero and expr.type in (I32, I64)
            ):
                return f"{self.spellings.at_least_zero}({self.expr(operand)})", ATOM
            case ir.Apply(name) if name in self.spellings.comparisons and self._may_be_of_a_choice(expr):
                operands = (print_expression(arg, self.dialect) for arg in expr.args)
                return f"{self.spellings.comparisons[name]}({', '.join(operands)})", ATOM
            case _:
                pass
        if expr.op == "select":
            return self._conditional(*expr.args), SELECT_LEVEL
        return super().special(expr)

    def _may_be_of_a_choice(self, comparison: ir.Apply) -> bool:
        """Whether integers are compared of which one may be a minimum or maximum."""
        if any(arg.type not in (I32, U32, I64) for arg in comparison.args):
            return False
        if comparison.op in ("equal", "not_equal"):
            return not all(isinstance(arg, _AS_IT_IS) for arg in comparison.args)
        return not all(map(self.is_unclamped, comparison.args))

    def _is_zero_elsewhere(self, expr: ir.Apply) -> bool:
        """Whether a load belongs to a chunk that is zeros where the load's own condition does not hold."""
        condition, load, _ = expr.args
        if self.lanes is None or self.lanes.loop is None or not isinstance(load, ir.Load):
            return False
        chunk = self.lanes.loop.find(load.tensor, load.index, False)
        return chunk is not None and chunk in self.lanes.moving and chunk.condition == condition

    def _is_alone(self, load: ir.Load) -> bool:
        """Whether a load is of one element, and best made without a branch: parts keep several under way."""
        is_moved = self._chunk_of(load.tensor, load.index, False) is not None
        return self.plan.has_parts and not is_moved and not self.elements_vary(load.tensor)

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
