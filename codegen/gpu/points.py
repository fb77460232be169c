"""Streams of several points as text for a GPU: each lane of a part weighs one term for one point.

before:  `for each term, for each point: score = sum over lanes of q * k`      every lane has every score
         `for each point: the peak over all terms; for each term: weight = exp(score - peak)`
after:   `for each term, for each point: sums[point, term] = this lane's sum of q * k`
         `score = sum over lanes of sums[own point, own term]`                 a lane has one score
         `the peak over the lanes of a point; weight = exp(score - peak)`
         `weights = the weights of all lanes`

A part has as many lanes as a round has scores, so the sums over lanes take one exchange less than there are
lanes, where each alone took as many as halve them, and what follows a score is computed once. What a stream
keeps for each point beside rows, a lane keeps for its own point. Lanes merge in the same tree as before, so
scores have the same bits, and so has all that follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codegen import lowered as low
from codegen.gpu.jam import POINTS, point_of
from codegen.gpu.parts import TERMS, Round
from codegen.gpu.plan import LaunchPlan
from codegen.gpu.split import names_in
from codegen.gpu.streams import StreamWriter
from codegen.gpu.text import Spellings
from codegen.names import author_name
from kernel_ir import nodes as ir

_LANES = POINTS * TERMS  # of a part that has one for each score of a round


@dataclass(frozen=True, slots=True)
class Weighing:
    """What a round does for one point, by the names of the first: what is `summed` becomes a score by
    `scoring`; the greatest, `top`, may make the peak `rise`; by `lets` scores become weights, and weights
    factors by the first of `masks`, which like `rises` and the rows of `weights` are those of all points.
    `part` is the sum that weights are added to.
    """

    fold: low.Fold
    scoring: tuple[ir.Let, ...]
    score: low.Put
    top: ir.Let
    rise: low.If
    rises: tuple[low.If, ...]
    lets: tuple[ir.Let, ...]
    weight: low.Put
    part: str
    weights: tuple[str, ...]
    masks: tuple[ir.Let, ...]

    @property
    def factors(self) -> tuple[str, ...]:
        """The names of all points' factors, or the rows that have them."""
        return tuple(item.name for item in self.masks) or self.weights

    @property
    def summed(self) -> str:
        return self.fold.accumulators[0].names[0]

    @staticmethod
    def of(pieces: Round) -> Weighing | None:
        """The pieces of a round; None where more than one sum leads to a score."""
        scored, weighed = (_of_first_point(part) for part in (pieces.rest, pieces.weighed))
        masks = tuple(item for item in pieces.added.body if isinstance(item, ir.Let))
        rises = tuple(item for item in pieces.weighed if isinstance(item, low.If))
        match scored, weighed:
            case (
                (low.Fold() as fold, *scoring, low.Put() as score),
                (ir.Let() as top, low.If() as rise, *lets, low.Loop(body=puts), ir.Update(part)),
            ) if _is_one_sum(fold) and all(isinstance(item, ir.Let) for item in scoring):
                bound, shifts = (tuple(i for i in body if isinstance(i, ir.Let)) for body in (scoring, lets))
                weights = tuple(item for item in puts if isinstance(item, low.Put))
                rows = tuple(item.row for item in weights)
                found = Weighing(fold, bound, score, top, rise, rises, shifts, weights[0], part, rows, masks)
                return found if len(masks) in (0, POINTS) else None
            case _:
                return None

    @property
    def bindings(self) -> tuple[ir.Let, ...]:
        return (*self.scoring, self.top, *self.lets, *self.masks[:1])

    def names_read(self) -> set[str]:
        """What the way from a sum to a factor reads, and does not make itself."""
        values = (*(item.value for item in self.bindings), self.score.value, self.weight.value)
        made = {self.summed, self.score.row, self.weight.row, *(item.name for item in self.bindings)}
        return {name for value in values for name in names_in(value)} - made


def _is_one_sum(fold: low.Fold) -> bool:
    kinds = {(item.monoid, item.type.name) for item in fold.accumulators}
    return len(fold.accumulators) == POINTS and kinds == {("sum", "f32")}


def _of_first_point(body: tuple[low.Stmt, ...]) -> tuple[low.Stmt, ...]:
    """The statements of a block but those of later points alone."""
    return tuple(item for item in body if not _is_later(item))


def _is_later(statement: low.Stmt) -> bool:
    points = {found[1] for name in _changed(statement) if (found := point_of(name)) is not None}
    return bool(points) and 0 not in points


def _changed(statement: low.Stmt) -> Iterator[str]:
    for item in low.walk((statement,)):
        yield from low.bound_names(item)
        match item:
            case ir.Update(name) | low.Put(name):
                yield name
            case _:
                pass


def find_kept(plan: LaunchPlan) -> tuple[Weighing, frozenset[str]] | None:
    """How the rounds of a launch's stream weigh, and the names of all points that it keeps beside rows; None
    where lanes do not fit its scores, or what leads to those differs from point to point in more.
    """
    if plan.points != POINTS or plan.record.schedule.part_lanes != POINTS * TERMS:
        return None
    stream = next(item for item in plan.launch.body if isinstance(item, low.Loop) and item.online)
    rounds = (Round.of(item) for item in stream.body if isinstance(item, low.Loop))
    weighing = Weighing.of(next(item for item in rounds if item is not None))
    kept = {item.name for item in stream.body if isinstance(item, ir.Let) and point_of(item.name)}
    for online in stream.online:
        kept |= {online.peak, online.weights.total, online.weights.lost, online.weights.part}
    if weighing is None or any(point_of(name) for name in weighing.names_read() - kept):
        return None
    return weighing, frozenset(kept)


class PointsWriter(StreamWriter):
    """Text of streams of several points."""

    weighing: Weighing | None = None
    kept: frozenset[str] = frozenset()  # what stands for a lane's own point where it is written now

    def __init__(self, kernel: ir.Kernel, plan: LaunchPlan, spellings: Spellings) -> None:
        super().__init__(kernel, plan, spellings)
        self.alone: dict[str, str] = {}  # by a row: the identifier of its only element here
        found = find_kept(plan)
        if found is not None:
            self.weighing, self.kept = found

    # -- what a lane has for its own point ------------------------------------------------------

    def statement(self, statement: low.Stmt) -> None:
        match statement:
            case ir.Let(name) | ir.Update(name) if name in self.kept and _is_later(statement):
                return
            case ir.Let(name) if name in self.kept:
                self._let_own(statement)
            case _:
                super().statement(statement)

    def _let_own(self, let: ir.Let) -> None:
        value, type_ = self.expr(let.value), self._type_of_name(let.name, let.value.type)
        name = self._fix_own(let.name)
        self.line(f"{'' if let.is_mutable else 'const '}{type_} {name} = {value};")

    def _fix_own(self, name: str) -> str:
        """A new identifier for what a name is to a lane, without the number of its point."""
        copied = point_of(name)
        identifier = self.namer.invent(f"{author_name(copied[0] if copied else name)}_own")
        self.namer.fix(name, identifier)
        return identifier

    def row_element(self, at: ir.At) -> str:
        return self.alone[at.row] if at.row in self.alone else super().row_element(at)

    # -- rounds ---------------------------------------------------------------------------------

    def declare_rows(self, pieces: Round) -> None:
        if self.weighing is None:
            super().declare_rows(pieces)

    def compute(self, pieces: Round) -> None:
        if self.weighing is None:
            super().compute(pieces)
            return
        weighing = self.weighing
        sums = self._sum_apart(pieces, weighing.fold)
        lets = pieces.lets_for(weighing.names_read())
        loaded = {item.name: self.namer[item.name] for item in lets}
        self.namer.fix(pieces.scored.var, f"index_t(team.lane % {TERMS})")
        for let in lets:
            self._let_own(let)
        self.line(f"const float {self._fix_own(weighing.summed)} = sgl::own_sum(team, {sums});")
        self._weigh(weighing)
        for name, identifier in loaded.items():
            self.namer.fix(name, identifier)
        self._exchange_factors(weighing)
        with self.terms(pieces.added):
            self.plain(tuple(item for item in pieces.added.body if item not in weighing.masks))
        self.alone.clear()

    def _sum_apart(self, pieces: Round, fold: low.Fold) -> str:
        """Every lane's own sums, for each point and term; the identifier of all of them."""
        sums = self.namer.invent(f"{author_name(pieces.scored.var)}_sums".replace("_term", ""))
        self.line(f"float {sums}[{POINTS * TERMS}];")
        with self.terms(pieces.scored):
            states = tuple(self._declare_state(item, fold.var) for item in fold.accumulators)
            self.deal(fold, self.operand(fold.low), self.operand(fold.high), states)
            for point, state in enumerate(states):
                place = f"{point * TERMS} + term" if point else "term"
                self.line(f"{sums}[{place}] = {state}.result();")
        return sums

    def _weigh(self, weighing: Weighing) -> None:
        """From a lane's sum to its weight, and to the factor that this is for what is added."""
        for let in weighing.scoring:
            self._let_own(let)
        score = self._fix_own(weighing.score.row)
        self.line(f"const float {score} = {self.expr(weighing.score.value)};")
        self.alone[weighing.score.row] = score
        top = self._fix_own(weighing.top.name)
        self.line(f"const float {top} = sgl::over_lanes<sgl::Max<float>, {TERMS}>({score});")
        self._rise(weighing)
        for let in weighing.lets:
            self._let_own(let)
        weight, value = self._fix_own(weighing.weight.row), self.expr(weighing.weight.value)
        self.line(f"const float {weight} = {value};")
        self.alone[weighing.weight.row] = weight
        part = self.namer[weighing.part]
        self.line(f"{part} = {part} + sgl::over_lanes<sgl::Sum<float>, {TERMS}>({weight});")
        for let in weighing.masks[:1]:
            self._let_own(let)

    def _rise(self, weighing: Weighing) -> None:
        """Scale the sums of those points whose peak rises."""
        keep, *scaled, raised = weighing.rise.then
        assert isinstance(keep, ir.Let) and isinstance(raised, ir.Update)
        rises = self.namer.invent("rises")
        self.line(f"const bool {rises} = {self.expr(weighing.rise.condition)};")
        self.line(f"if (sgl::any_lane({rises})) {{")
        with self.indented():
            value = self.expr(keep.value)
            own = self._fix_own(keep.name)
            self.line(f"const float {own} = {rises} ? {value} : 1.0f;")
            self.plain(tuple(item for item in scaled if isinstance(item, ir.Update)))
            for point, rise in enumerate(weighing.rises):
                let = rise.then[0]
                assert isinstance(let, ir.Let)
                name = self.namer.declare(let.name)
                self.line(f"const float {name} = sgl::of_lane(team, {own}, {point * TERMS});")
                self.plain(tuple(item for item in rise.then if isinstance(item, low.Loop)))
            peak = self.namer[raised.name]
            self.line(f"{peak} = {rises} ? {self.expr(raised.value)} : {peak};")
        self.line("}")

    def _exchange_factors(self, weighing: Weighing) -> None:
        """Give every lane the factors of all points and terms."""
        factor = self.namer[weighing.factors[0]]
        factors = self.namer.invent(factor.replace("_own", "s"))
        self.line(f"float {factors}[{POINTS * TERMS}];")
        self.line(f"sgl::every_lane(team, {factor}, {factors});")
        self.alone.clear()
        for point, name in enumerate(weighing.factors):
            place = f"{factors}[{point * TERMS} + term]" if point else f"{factors}[term]"
            self.alone[name] = place
            if weighing.masks:
                self.namer.fix(name, place)

    # -- parts that become one ------------------------------------------------------------------

    def join(self, loop: low.Loop) -> None:
        if self.weighing is None:
            super().join(loop)
            return
        share, own = self.join_weights(loop.online[0]), self.namer[loop.online[0].weights.total]
        self.kept = frozenset()
        for point, online in enumerate(loop.online):
            name, lane = self.namer.declare(online.weights.total), point * TERMS
            self.line(f"const float {name} = sgl::of_lane(team, {own}, {lane});")
            self.scale_rows(online, f"sgl::of_lane(team, {share}, {lane})")
        self.add_rows(loop)
