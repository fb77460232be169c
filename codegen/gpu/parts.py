"""Deal a stream's blocks over the parts of a team, and take several of its terms at once.

before:  `for block of the range, in order:`
             `for j in the block:`
                 `score of j; where it tops the peak by far, scale; its weight`
                 `for d over lanes: part[d] += weight * w(j, d)`
after:   `for block of this part of the team, in order:`
             `for j in the block, TERMS at a time:`
                 `for each of them: what their loads need; scores[term] = score of j`
                 `where the greatest tops the peak by far, scale; their weights`
                 `for each of them, for d over lanes: part[d] += weights[term] * w(j, d)`

Every part has a peak and sums of its own, which become one after the loop (`Online`), so a launch's
parts run it whole, and only the first goes on from there. All parts go round alike: past the end of the
range they look at its last term again, and add nothing. The loads of all terms of a round are under way
at once, which a branch between them would prevent: a condition that a load has, or that makes an element
NaN, becomes part of what is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from codegen import lowered as low
from codegen.build_ir import ONE, TRUE, ZERO, compare, conjunction, op, select, zero
from codegen.gpu.split import names_in
from codegen.lowering.online import BLOCK, LOWEST
from codegen.names import author_name
from codegen.work import is_host_known
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, F32, I64
from kernel_ir.traverse import map_children, substitute, walk

TERMS = 4  # of one round; their loads are under way at once

# The number of this part of the team, and how many there are. No author's name has a space.
PART = ir.Var("team part", I64)
PARTS = ir.Var("team parts", I64)
PART_COUNTS = {PART.name: ir.Const(64, I64), PARTS.name: ir.Const(64, I64)}  # at most


def deal_parts(launch: low.Launch) -> low.Launch | None:
    """The launch with its stream dealt over parts of a team; None where it has none that can be."""
    streams = [item for item in low.walk(launch.body) if isinstance(item, low.Loop) and item.online]
    if len(streams) != 1 or streams[0] not in launch.body or not _has_own_rows_only(launch, streams[0]):
        return None
    position = launch.body.index(streams[0])
    found = _Stream.find(streams[0])
    if found is None:
        return None
    return replace(launch, body=(*launch.body[:position], found.dealt(), *launch.body[position + 1 :]))


def _has_own_rows_only(launch: low.Launch, stream: low.Loop) -> bool:
    """Whether parts share nothing: no scratch but the stream's, and no store before they are one."""
    (online,) = stream.online
    own = {row for item in online.rows for row in (item.total, item.lost, item.part)}
    rows = [item for item in low.walk(launch.body) if isinstance(item, low.Allocate)]
    before = launch.body[: launch.body.index(stream) + 1]
    is_apart = not any(isinstance(item, ir.Store) for item in low.walk(before))
    return (
        is_apart and {item.row for item in rows} == own and all(is_host_known(item.extent) for item in rows)
    )


def overwrites_terms(launch: low.Launch, stream: low.Loop) -> bool:
    """Whether behind a stream something is stored where parts have read until then."""
    position = launch.body.index(stream)
    before = [expr for item in low.walk(launch.body[: position + 1]) for expr in low.expressions(item)]
    read = {item.tensor for expr in before for item in walk(expr) if isinstance(item, ir.Load)}
    stored = {item.tensor for item in low.walk(launch.body[position:]) if isinstance(item, ir.Store)}
    return bool(read & stored)


@dataclass(frozen=True, slots=True)
class _Stream:
    """The pieces of a loop over blocks. `end` is the range's; `rise` scales to a new peak, `score`.

    `where` says which terms count. What it filters carries conditions of its own wherever it reads
    memory, so scores may be computed for the others too.
    """

    blocks: low.Loop
    terms: low.Loop
    end: ir.Expr
    where: ir.Expr
    scoring: tuple[low.Stmt, ...]
    rise: low.If
    score: ir.Expr
    weight: ir.Let
    rest: tuple[low.Stmt, ...]

    @staticmethod
    def find(blocks: low.Loop) -> _Stream | None:
        """The pieces; None where sums differ in their filters, or terms share more than bindings."""
        lets = {item.name: item.value for item in blocks.body if isinstance(item, ir.Let)}
        for item in blocks.body:
            match item:
                case low.Loop(high=ir.Var(name), kind="serial"):
                    stop = lets.get(name)
                    assert isinstance(stop, ir.Apply) and stop.op == "minimum"
                    return _Stream._of_terms(blocks, item, stop.args[1])
                case _:
                    pass
        return None

    @staticmethod
    def _of_terms(blocks: low.Loop, terms: low.Loop, end: ir.Expr) -> _Stream | None:
        (online,), body = blocks.online, terms.body
        where: ir.Expr = TRUE
        before: tuple[low.Stmt, ...] = ()
        match body:
            case (*lets, low.If(test, inside, ())) if not isinstance(inside[-1], ir.Update):
                before, body, where = tuple(lets), inside, test
            case _:
                pass
        for position, item in enumerate(body):
            match item:
                case low.If(_, (*_, ir.Update(online.peak, score))):
                    scoring, rest = (*before, *body[:position]), body[position + 1 :]
                    weight = _weight_of(rest, online)
                    if weight is None:
                        return None
                    found = _Stream(blocks, terms, end, where, scoring, item, score, weight, rest)
                    return found if found.is_plain() else None
                case _:
                    pass
        return None

    def is_plain(self) -> bool:
        """Whether only bindings, and sums over lanes, lead to scores and to what is added."""
        adding = [item for item in self.rest if not isinstance(item, (ir.Let, ir.Update))]
        is_added = all(isinstance(item, low.Loop) and item.kind == "lanes" for item in adding)
        is_scored = all(isinstance(item, (ir.Let, low.Fold)) for item in self.scoring)
        folded = {
            name for item in self.scoring if isinstance(item, low.Fold) for name in low.bound_names(item)
        }
        used = {name for item in adding for name in _names_used(item)}
        needed = {name for let in self.lets_for(used) for name in names_in(let.value)}
        return is_added and is_scored and not folded & (used | needed)

    def lets_for(self, names: set[str]) -> tuple[ir.Let, ...]:
        """The bindings, of those made for each term, that names depend on; in order."""
        lets = (item for item in (*self.scoring, *self.rest) if isinstance(item, ir.Let))
        return _lets_for(names, tuple(item for item in lets if item != self.weight))

    # -- the new loop ---------------------------------------------------------------------------

    def name(self, part: str) -> str:
        """A name of the stream's own. No other name has a word after its dot."""
        return f"{author_name(self.terms.var)}_{part}.{self.terms.var} {part}"

    def dealt(self) -> low.Loop:
        """The loop over the blocks of one part."""
        turn = ir.Var(self.name("turn"), I64)
        here = op("add", op("multiply", turn, PARTS), PART)
        turns = op("floor_divide", op("add", self.blocks.high, op("subtract", PARTS, ONE)), PARTS)
        kept = (item for item in self.blocks.body if not names_in(self.terms.high) & {*low.bound_names(item)})
        body = tuple(self.rounds() if item == self.terms else item for item in kept)
        return replace(self.blocks, var=turn.name, high=turns, body=(ir.Let(self.blocks.var, here), *body))

    def rounds(self) -> low.Loop:
        """The rounds of one block, each of TERMS."""
        turn, var = ir.Var(self.name("round"), I64), self.name("term")
        scores, weights = self.name("scores"), self.name("weights")
        rows = tuple(low.Allocate(row, F32, ir.Const(TERMS, I64)) for row in (scores, weights))
        adding = tuple(item for item in self.rest if isinstance(item, low.Loop))
        scored = self.scored(turn, ir.Var(var, I64), scores, adding)
        added = tuple(part for item in adding for part in self.add(item, weights))
        again = low.Loop(self.name("added"), ZERO, ir.Const(TERMS, I64), "serial", added)
        scored, again = _with_named_conditions(scored, again, self.name("holds"))
        body = (*rows, scored, *self.weigh(scores, weights), again)
        return low.Loop(turn.name, ZERO, ir.Const(BLOCK // TERMS, I64), "serial", body)

    def place(self, turn: ir.Expr, term: ir.Expr) -> ir.Expr:
        """Where a term stands in the range, or past its end."""
        return op("add", self.terms.low, op("add", op("multiply", turn, ir.Const(TERMS, I64)), term))

    def scored(self, turn: ir.Expr, term: ir.Var, scores: str, adding: tuple[low.Loop, ...]) -> low.Loop:
        """The score of each term of a round, behind the bindings that it and what is added need."""
        place = ir.Var(self.name("place"), I64)
        score = select(self.is_there(), self.score, LOWEST)
        used = {name for item in adding for name in _names_used(item)} | names_in(self.where)
        later = tuple(item for item in self.lets_for(used) if item in self.rest)
        body = (
            ir.Let(place.name, self.place(turn, term)),
            ir.Let(self.terms.var, op("minimum", place, op("subtract", self.end, ONE))),
            *(part for item in self.scoring for part in self.decided(item)),
            *later,
            low.Put(scores, term, score),
        )
        return low.Loop(term.name, ZERO, ir.Const(TERMS, I64), "serial", body)

    def decided(self, statement: low.Stmt) -> tuple[low.Stmt, ...]:
        if not isinstance(statement, low.Fold):
            return (statement,)
        return _decided_outside(statement, self.name(f"{statement.accumulators[0].names[0]}_summed"))

    def weigh(self, scores: str, weights: str) -> Iterator[low.Stmt]:
        """The peak over all terms of a round, their weights and the sum of those."""
        (online,) = self.blocks.online
        part = online.weights.part
        top, term = ir.Var(self.name("top"), F32), ir.Var(self.name("weighed"), I64)
        yield ir.Let(top.name, _tree("maximum", scores, 0, TERMS))
        (risen,) = _replaced((self.rise,), self.score, top)
        yield risen
        used = names_in(self.weight.value)
        yield from (item for item in self.rest if isinstance(item, ir.Let) and item.name in used)
        (weight,) = _replaced((self.weight,), self.score, ir.At(scores, term, F32))
        assert isinstance(weight, ir.Let)
        put = low.Put(weights, term, weight.value)
        yield low.Loop(term.name, ZERO, ir.Const(TERMS, I64), "serial", (put,))
        yield ir.Update(part, op("add", ir.Var(part, F32), _tree("add", weights, 0, TERMS)))

    def add(self, loop: low.Loop, weights: str) -> tuple[low.Stmt, ...]:
        """What a term adds to a row of sums, by the bindings that its score was computed by.

        The weight of a term past the end is 0, so that an element alone needs no branch: it is not loaded,
        and 0.
        """
        weight: dict[str, ir.Expr] = {self.weight.name: ir.At(weights, ir.Var(self.name("added"), I64), F32)}
        inside = tuple(low.map_expressions(item, lambda expr: substitute(expr, weight)) for item in loop.body)
        match inside:
            case (low.Put(_, _, ir.Apply("add", (ir.At() as sum_, ir.Apply("multiply", product)))) as put,):
                masked = _masked(self.is_there(), *product)
            case _:
                masked = None
        if masked is None:
            return (replace(loop, body=(low.If(self.is_there(), inside),)),)
        factor, element = masked
        name = f"{author_name(loop.var)}_weight.{loop.var} weight"
        lets = () if isinstance(factor, ir.At) or loop.var in names_in(factor) else (ir.Let(name, factor),)
        product = (ir.Var(name, F32) if lets else factor, element)
        body = (replace(put, value=op("add", sum_, op("multiply", *product))),)
        return (*lets, replace(loop, body=body))

    def is_there(self) -> ir.Expr:
        """Whether a term is inside the range, and counts."""
        return conjunction(compare("less", ir.Var(self.name("place"), I64), self.end), self.where)


@dataclass(frozen=True, slots=True)
class Round:
    """A round in pieces: `rows` of scores and weights; for each term, the bindings `lets` and how its
    `scored`; once, what is `weighed`; for each term again, by its bindings, what is `added`.
    """

    rows: tuple[low.Stmt, ...]
    scored: low.Loop
    lets: tuple[ir.Let, ...]
    rest: tuple[low.Stmt, ...]
    weighed: tuple[low.Stmt, ...]
    added: low.Loop

    def lets_for(self, names: set[str]) -> tuple[ir.Let, ...]:
        """The bindings that names depend on, in order."""
        return _lets_for(names, self.lets)

    @staticmethod
    def of(loop: low.Loop) -> Round | None:
        """The pieces of a loop over rounds; None for another loop."""
        if not loop.var.endswith(" round"):
            return None
        rows = tuple(item for item in loop.body if isinstance(item, low.Allocate))
        scored, *weighed, added = loop.body[len(rows) :]
        assert isinstance(scored, low.Loop) and isinstance(added, low.Loop)
        folded: set[str] = set()
        lets: list[ir.Let] = []
        for item in scored.body:
            if isinstance(item, ir.Let) and not names_in(item.value) & folded:
                lets.append(item)
            else:
                folded |= set(low.bound_names(item))
        rest = tuple(item for item in scored.body if item not in lets)
        return Round(rows, scored, tuple(lets), rest, tuple(weighed), added)


def _with_named_conditions(
    scored: low.Loop, added: low.Loop, name: str, number: int = 0
) -> tuple[low.Loop, low.Loop]:
    """The two loops over a round's terms, with the conditions that loads wait for looked at once a term."""
    condition = _compound_condition(scored, added)
    if condition is None:
        return scored, added
    named = ir.Var(f"{name} {number}", BOOL)
    added = replace(added, body=_replaced(added.body, condition, named))
    scoring = _replaced(scored.body, condition, named)
    bound = [names_in(condition) & {*low.bound_names(item)} for item in scoring]
    position = max((n + 1 for n, names in enumerate(bound) if names), default=0)
    body = (*scoring[:position], ir.Let(named.name, condition), *scoring[position:])
    return _with_named_conditions(replace(scored, body=body), added, name, number + 1)


def _compound_condition(scored: low.Loop, added: low.Loop) -> ir.Expr | None:
    """The least condition of several parts on which a choice depends, if it is known ahead of all sums."""
    inside = (*low.walk(scored.body), *low.walk(added.body))
    unknown = {name for item in inside for name in low.bound_names(item)}
    for item in scored.body:
        if isinstance(item, ir.Let) and not names_in(item.value) & unknown:
            unknown.discard(item.name)
    tests = (test for item in inside for expr in low.expressions(item) for test in _tests(expr))
    found = {test for test in tests if not names_in(test) & unknown}
    return min(found, key=lambda test: (sum(1 for _ in walk(test)), str(test)), default=None)


def _tests(expr: ir.Expr) -> Iterator[ir.Expr]:
    """The compound conditions of the choices in an expression."""
    for item in walk(expr):
        match item:
            case ir.Apply("select", (ir.Apply("logical_and" | "logical_or") as test, *_)):
                yield test
            case _:
                pass


def _masked(condition: ir.Expr, weight: ir.Expr, factor: ir.Expr) -> tuple[ir.Expr, ir.Expr] | None:
    """The factors of what is added: a weight, 0 where the condition does not hold, and an element."""
    match factor:
        case ir.Load():
            return weight, select(condition, factor, zero(F32))
        case ir.Apply("select", (test, inner, ir.Const() as other)) if _is_nan(other):
            found = _guarded(inner)
            if found is None:
                return None
            element = select(conjunction(condition, test, *found[:-1]), found[-1], zero(F32))
            is_lost = conjunction(condition, op("logical_not", test))
            return select(is_lost, other, weight), element
        case _:
            return None


def _guarded(expr: ir.Expr) -> tuple[ir.Expr, ...] | None:
    """The condition, if there is one, of a load that is 0 elsewhere, and the load; None for anything else."""
    match expr:
        case ir.Load():
            return (expr,)
        case ir.Apply("select", (test, ir.Load() as load, other)) if other == zero(load.type):
            return (test, load)
        case _:
            return None


def _is_nan(expr: ir.Const) -> bool:
    return expr.type == F32 and math.isnan(float(expr.value))


def _decided_outside(fold: low.Fold, fresh: str) -> tuple[low.Stmt, ...]:
    """A sum that one condition of all its terms makes NaN, with the condition looked at once."""
    match fold.accumulators:
        case (low.Accumulator((name,), "sum", _, None, ir.Apply("multiply", (other, factor))) as item,):
            match factor:
                case ir.Apply("select", (test, inner, ir.Const() as nan)) if _is_nan(nan):
                    found = _guarded(inner)
                    varying = {fold.var, *(name for part in fold.body for name in low.bound_names(part))}
                    if found is None or names_in(test) & varying:
                        return (fold,)
                    element = select(conjunction(test, *found[:-1]), found[-1], zero(F32))
                    summed = replace(item, names=(fresh,), value=op("multiply", other, element))
                    is_empty = compare("less_equal", fold.high, fold.low)
                    holds = op("logical_or", test, is_empty)
                    result = select(holds, ir.Var(fresh, F32), nan)
                    return replace(fold, accumulators=(summed,)), ir.Let(name, result)
                case _:
                    pass
        case _:
            pass
    return (fold,)


def _lets_for(names: set[str], lets: tuple[ir.Let, ...]) -> tuple[ir.Let, ...]:
    """Those of some bindings that names depend on, in order."""
    found: list[ir.Let] = []
    for item in reversed(lets):
        if item.name in names:
            found.insert(0, item)
            names = names | names_in(item.value)
    return tuple(found)


def _weight_of(rest: tuple[low.Stmt, ...], online: low.Online) -> ir.Let | None:
    """The binding of a term's weight: what the block's sum of weights grows by."""
    lets = {item.name: item for item in rest if isinstance(item, ir.Let)}
    for item in rest:
        match item:
            case ir.Update(online.weights.part, ir.Apply("add", (_, ir.Var(name)))):
                return lets.get(name)
            case _:
                pass
    return None


def _tree(name: str, row: str, first: int, end: int) -> ir.Expr:
    """All elements of a row combined in pairs."""
    if end - first == 1:
        return ir.At(row, ir.Const(first, I64), F32)
    middle = (first + end) // 2
    return op(name, _tree(name, row, first, middle), _tree(name, row, middle, end))


def _replaced(body: tuple[low.Stmt, ...], old: ir.Expr, new: ir.Expr) -> tuple[low.Stmt, ...]:
    def change(expr: ir.Expr) -> ir.Expr:
        return new if expr == old else map_children(expr, change)

    return tuple(low.map_expressions(item, change) for item in body)


def _names_used(statement: low.Stmt) -> set[str]:
    inside = low.walk((statement,))
    return {name for item in inside for expr in low.expressions(item) for name in names_in(expr)}
