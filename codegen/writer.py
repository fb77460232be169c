"""Writes lowered statements as C-like text. A target subclasses `Writer` and says what differs.

Everything that C, MSL and CUDA share stands here: blocks, bindings, updates, guards, loops in order
and the flat offset of an element. What lanes are, how they reduce and how memory is reached is
each target's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from codegen import lowered as low
from codegen.build_ir import op
from codegen.expressions import ATOM, Dialect, Infix, Spelling, print_expression, print_infix, with_width
from codegen.namer import Namer
from codegen.record import make_fields
from kernel_ir import nodes as ir
from kernel_ir.dtypes import DTYPES, I64, DType
from kernel_ir.errors import NOWHERE, CompilerBug
from kernel_ir.names import stride_name
from kernel_ir.traverse import map_children

INDENT = "    "

# What the runtimes call the results of a reduction that has several.
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "online_softmax": ("maximum", "total"),
    "best": ("index", "value"),
    "top": ("index", "value"),
}


class Writer(ABC):
    """Text of one kernel's launches for one target."""

    index_type = "int64_t"
    types: Mapping[str, str]  # compute type -> the target's name for it
    ops: Mapping[str, Spelling]
    infinity = "INFINITY"
    nan = "NAN"

    def __init__(
        self, kernel: ir.Kernel, reserved: frozenset[str], read: frozenset[str], depth: int = 1
    ) -> None:
        """`read`: the variables that something reads, which alone of a reduction's results have a name."""
        self.kernel, self.read = kernel, read
        self.tensors = kernel.tensors()
        self.namer = Namer(reserved)
        self.depth = depth
        self.lines: list[str] = []
        self.origins: dict[int, int] = {}  # by a line's position: the line of the spec that it comes from
        self.dialect = Dialect(self.ops, self.leaf, self.infinity, self.nan, self.index_type, self.special)
        # What keeps its name has it before another is found for what does not.
        names = dict.fromkeys(field.name for field in make_fields(kernel))
        for name in sorted(names, key=reserved.__contains__):
            self.namer.fix(name, self.namer.invent(name) if name in reserved else name)

    def results(self, item: low.Accumulator) -> Iterator[tuple[str, str, DType]]:
        """Those of an accumulator's results that something reads: name, the runtime's word for it, type."""
        members = MEMBERS.get(item.monoid, ("result",))[: len(item.names)]
        for name, member, type_ in zip(item.names, members, item.result_types, strict=True):
            if name in self.read:
                yield name, member, type_

    # -- what a target says ---------------------------------------------------------------------

    @abstractmethod
    def load(self, load: ir.Load) -> str:
        """An element, widened to its compute type."""

    @abstractmethod
    def guarded_load(self, condition: ir.Expr, load: ir.Load, otherwise: ir.Expr) -> str:
        """An element where a condition holds; memory is not touched elsewhere."""

    @abstractmethod
    def row_element(self, at: ir.At) -> str:
        """An element of a row of scratch."""

    def guarded_element(self, condition: ir.Expr, at: ir.At, otherwise: ir.Expr) -> tuple[str, int] | None:
        """A row element where a condition holds; None where the target's `select` evaluates one side only."""
        return None

    @abstractmethod
    def store(self, statement: ir.Store) -> None:
        """Write an element, rounded to the tensor's dtype."""

    @abstractmethod
    def put(self, statement: low.Put) -> None:
        """Write an element of a row of scratch."""

    @abstractmethod
    def allocate(self, statement: low.Allocate) -> None:
        """Declare a row of scratch."""

    @abstractmethod
    def lanes_loop(self, loop: low.Loop) -> None:
        """A loop dealt over lanes."""

    @abstractmethod
    def fold(self, fold: low.Fold) -> None:
        """A reduction, dealt over lanes or in order."""

    def barrier(self) -> None:  # noqa: B027 (a team of one thread has nothing to do)
        """Make the team's writes visible to all its lanes."""

    # -- statements -----------------------------------------------------------------------------

    def block(self, body: tuple[low.Stmt, ...]) -> None:
        """The statements of a block, with names of their own."""
        with self.indented():
            self.statements(body)

    def statements(self, body: tuple[low.Stmt, ...]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, statement: low.Stmt) -> None:
        first = len(self.lines)
        self.write_statement(statement)
        self._note_origin(statement, first)

    def _note_origin(self, statement: low.Stmt, first: int) -> None:
        """What a statement wrote comes from its line, or from that of the first statement inside."""
        positions = range(first, len(self.lines))
        spans = (getattr(item, "span", NOWHERE) for item in (statement, getattr(statement, "value", None)))
        own = next((span.line for span in spans if span != NOWHERE), 0)
        line = own or next((self.origins[n] for n in positions if n in self.origins), 0)
        if line:
            self.origins.update({n: line for n in positions if n not in self.origins})

    def write_statement(self, statement: low.Stmt) -> None:
        match statement:
            case ir.Let():
                self.let(statement)
            case ir.Update(name, value):
                self.line(f"{self.namer[name]} = {self.expr(value)};")
            case low.If():
                self.guard(statement)
            case ir.Store():
                self.store(statement)
            case low.Loop(kind="lanes"):
                self.lanes_loop(statement)
            case low.Loop():
                self.serial_loop(statement)
            case low.Fold():
                self.fold(statement)
            case low.Allocate():
                self.allocate(statement)
            case low.Put():
                self.put(statement)
            case low.Barrier():
                self.barrier()

    def let(self, statement: ir.Let) -> None:
        value = self.expr(statement.value)
        type_ = self.type_name(statement.value.type)
        qualifier = "" if statement.is_mutable else "const "
        self.line(f"{qualifier}{type_} {self.namer.declare(statement.name)} = {value};")

    def guard(self, statement: low.If) -> None:
        """A branch that all lanes of the pack or team take together, or one lane takes alone."""
        self.line(f"if ({self.expr(statement.condition)}) {{")
        self.block(statement.then)
        if statement.orelse:
            self.line("} else {")
            self.block(statement.orelse)
        self.line("}")

    def serial_loop(self, loop: low.Loop) -> None:
        with self.scope(self.for_header(loop.var, loop.low, loop.high)):
            self.statements(loop.body)

    def for_header(self, var: str, first: ir.Expr, end: ir.Expr) -> tuple[str, str]:
        """`for (...)` over a range; the name is declared when the scope is entered."""
        begin, stop = self.expr(first), self.expr(end)
        return var, f"for ({self.index_type} {{name}} = {begin}; {{name}} < {stop}; ++{{name}}) {{{{"

    # -- text -----------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self.lines.append(f"{INDENT * self.depth}{text}" if text else "")

    @contextmanager
    def indented(self) -> Iterator[None]:
        self.namer.push()
        self.depth += 1
        yield
        self.depth -= 1
        self.namer.pop()

    @contextmanager
    def scope(self, header: tuple[str, str], close: str = "}") -> Iterator[str]:
        """A block whose header declares one name; the header's `{name}` is its identifier."""
        name, text = header
        self.namer.push()
        identifier = self.namer.declare(name)
        self.line(text.format(name=identifier))
        self.depth += 1
        yield identifier
        self.depth -= 1
        self.namer.pop()
        self.line(close)

    # -- expressions ----------------------------------------------------------------------------

    def expr(self, expr: ir.Expr) -> str:
        return print_expression(self.typed(expr), self.dialect)

    def typed(self, expr: ir.Expr) -> ir.Expr:
        """`expr` with the widths of integers spelled out; indices are left for later."""
        return with_width(map_children(expr, self.typed)) if isinstance(expr, ir.Apply) else expr

    def special(self, expr: ir.Apply) -> tuple[str, int] | None:
        """Ops with a spelling of their own: guarded loads, and divisions that are plain in C."""
        match expr:
            case ir.Apply("select", (condition, ir.Load() as load, otherwise)):
                return self.guarded_load(condition, load, otherwise), ATOM
            case ir.Apply("select", (condition, ir.At() as at, otherwise)):
                return self.guarded_element(condition, at, otherwise)
            case ir.Apply("floor_divide" | "modulo" as name, (left, right)) if self.divides_plainly(
                left, right
            ):
                return print_infix(expr, PLAIN_DIVISIONS[name], self.dialect)
            case _:
                return None

    def divides_plainly(self, left: ir.Expr, right: ir.Expr) -> bool:
        """Whether C's division means the same: no negative operand, and a divisor that is not 0."""
        return is_nonnegative(left) and isinstance(right, ir.Const) and right.value > 0

    def leaf(self, expr: ir.Expr) -> str:
        match expr:
            case ir.Var(name) | ir.Size(name) | ir.Param(name):
                return self.namer[name]
            case ir.Given(name):
                return f"({self.namer[name]} != nullptr)"
            case ir.Load():
                return self.load(expr)
            case ir.At():
                return self.row_element(expr)
            case _:
                raise CompilerBug(f"{type(expr).__name__} is left after lowering")

    def offset(self, tensor: str, index: tuple[ir.Expr, ...]) -> str:
        """The flat offset of an element, in elements: every index times its stride, the last one plain."""
        flat: ir.Expr | None = None
        for axis, part in enumerate(index):
            is_last = axis == len(index) - 1
            term = part if is_last else op("multiply", part, ir.Size(stride_name(tensor, axis), I64))
            flat = term if flat is None else op("add", flat, term)
        assert flat is not None
        return self.expr(flat)

    def type_name(self, type: DType) -> str:
        return self.types[type.name]

    def elements_vary(self, tensor: str) -> bool:
        """Whether the dtypes a tensor may have load to different compute types."""
        choices = self.kernel.dtype_choices(self.tensors[tensor].dtype)
        return len({DTYPES[choice.name].compute for choice in choices}) > 1


PLAIN_DIVISIONS = {"floor_divide": Infix("/", 80), "modulo": Infix("%", 80)}


def is_nonnegative(expr: ir.Expr) -> bool:
    """Whether an integer over sizes and literals cannot be negative, by its form alone."""
    match expr:
        case ir.Const(value):
            return value >= 0
        case ir.Size():
            return True
        case ir.Apply("add" | "multiply" | "floor_divide" | "modulo" | "maximum" | "minimum", args):
            return all(is_nonnegative(arg) for arg in args)
        case _:
            return False
