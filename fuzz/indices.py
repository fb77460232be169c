"""Random loops, and indices into tensors: proven to be in range, or read from a tensor or a number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fuzz.scope import Dim, Loop, Scope
from fuzz.signature import SIZES, Signature
from kernel_ir.dtypes import DTYPES


@dataclass(slots=True)
class Indices:
    """Draws loops and indices, and asks the signature for what they read.

    `paths` keeps the loops that something stands in, `rounds` what is done again and again where a loop has
    nothing.
    """

    draw: random.Random
    signature: Signature
    sizes: tuple[str, ...] = SIZES
    paths: set[tuple[str, ...]] = field(default_factory=set)
    rounds: set[tuple[str, ...]] = field(default_factory=set)
    count: int = 0

    # -- names and loops ------------------------------------------------------------------------

    def name(self, stem: str) -> str:
        self.count += 1
        name = f"{stem}{self.count}"
        return f"{name}_" if name in DTYPES else name  # `f16`, which is a function of the language

    def chance(self, share: float) -> bool:
        return self.draw.random() < share

    def size(self) -> str:
        name = self.draw.choice(self.sizes)
        self.signature.sizes[name] = None
        return name

    def loop(self, scope: Scope, is_plain: bool = False) -> tuple[Loop, str, Scope]:
        """A new loop, the arguments of its range, and the scope inside it."""
        size = self.size()
        loop = Loop(self.name("j"), size)
        span = size if is_plain else self.range_of(scope, size)
        inner = replace(scope.inside(loop), is_whole=scope.is_whole and span == size)
        self.paths.add(inner.path())
        return loop, span, inner

    def searches(self, scope: Scope, size: str, count: str) -> None:
        """Note as many searches through a range as are counted."""
        self.paths.add((*scope.path(), size, count))
        self.rounds.add((*scope.path(), count))

    def range_of(self, scope: Scope, size: str) -> str:
        """What a loop within `range(size)` runs over."""
        same = scope.over(size)
        kinds = [lambda: size] * 6
        kinds += [lambda: f"1, {size}", lambda: f"max({self.signature.number('i32')}, 0), {size}"]
        if same:
            var = self.draw.choice(same)
            kinds += [lambda: var, lambda: f"{var}, {size}", lambda: f"{var} + 1, {size}"]
        if scope.loops:
            kinds += [lambda: f"min(max({self.read_integer(scope, 'i32')}, 0), {size})"]
        return self.draw.choice(kinds)()

    def ragged(self, scope: Scope) -> tuple[Loop, str, Scope] | None:
        """A loop over the part of a list that belongs to an enclosing loop's index."""
        if not scope.loops:
            return None
        outer = self.draw.choice(scope.loops)
        total = self.draw.choice([name for name in self.sizes if name != outer.size] or [""])
        if not total:
            return None
        starts = self.signature.indices(total, Dim(outer.size, extra=1), "starts").name
        self.signature.sizes[total] = None
        self.signature.in_range[starts] = "clamp"
        loop = Loop(self.name("j"), total, is_ragged=True)
        self.paths.add((*scope.path(), total))
        low, high = f"{starts}[{outer.var}]", f"{starts}[{outer.var} + 1]"
        return loop, f"max({low}, 0), min({high}, {total})", scope.inside(loop)

    # -- indices --------------------------------------------------------------------------------

    def index(self, scope: Scope, dim: Dim) -> str | None:
        """An index proven to lie in a dimension."""
        found = list(self._indices(scope, dim))
        return self.draw.choice(found) if found else None

    def _indices(self, scope: Scope, dim: Dim) -> Iterator[str]:
        if dim.size.isdigit():
            yield from (str(i) for i in range(int(dim.size)))
            yield from (f"{loop.var} % {dim.size}" for loop in scope.loops[-1:])
        for var in scope.over(dim.size):
            if dim.inner:
                yield from (f"{var} * {dim.inner} + {other}" for other in scope.over(dim.inner))
            elif dim.factor > 1:
                yield from (f"{dim.factor} * {var}", f"{dim.factor} * {var} + 1", f"{var} + {dim.size}", var)
            elif dim.extra:
                yield from (var, f"{var} + {dim.extra}")
            else:
                yield from (var, var, var, f"{dim.size} - 1 - {var}")
                yield f"({var} + {self.draw.randint(1, 5)}) % {dim.size}"

    def data_index(self, scope: Scope, size: str) -> str | None:
        """An index into `range(size)` that is read from a tensor or a number."""
        if self.chance(0.15):
            name = self.signature.number("i32")
            if name not in self.signature.in_range and self.chance(0.7):
                self.signature.in_range[name] = self.draw.choice(("clamp", "nan"))
            return name
        loop = self.draw.choice(scope.loops)
        table = self.signature.indices(size, Dim(loop.size))
        place = self.index(scope, Dim(loop.size))
        if place and self.chance(0.15):
            other = self.signature.indices(loop.size, Dim(loop.size))
            if self.signature.in_range.get(other.name) == self.signature.in_range.get(table.name):
                place = f"{other.name}[{place}]"
        return f"{table.name}[{place}]"

    def dims(self, scope: Scope) -> tuple[Dim, ...]:
        """Dimensions for a tensor that can be read here."""
        if not scope.loops:
            return (Dim("2"),)
        loops = self.draw.sample(scope.loops, min(len(scope.loops), self.draw.choice((1, 1, 2, 2, 2, 3))))
        dims = [Dim(loop.size) for loop in loops]
        if self.chance(0.2):
            place = self.draw.randrange(len(dims))
            dims[place] = self.draw.choice((Dim(dims[place].size, factor=2), Dim(dims[place].size, extra=1)))
        elif len(dims) > 1 and dims[0].size != dims[1].size and self.chance(0.2):
            dims[:2] = [Dim(dims[0].size, inner=dims[1].size)]
        return tuple(dims)

    def place(self, scope: Scope, dims: tuple[Dim, ...], is_proven: bool = False) -> str:
        """Indices into each dimension; now and then one of them depends on data, and the others on none."""
        places = [self.index(scope, dim) for dim in dims]
        position, sure = self.draw.randrange(len(dims)), scope.sure()
        if not is_proven and dims[position].is_plain and sure.loops and self.chance(0.15):
            others = [self.index(sure, dim) for dim in dims]
            if None not in others:
                others[position] = self.data_index(sure, dims[position].size)
                places = others
        return ", ".join(place for place in places if place is not None)

    def read_integer(self, scope: Scope, type_: str) -> str:
        """A load from a tensor of integers or conditions, at a proven index."""
        dims = tuple(Dim(loop.size) for loop in self.draw.sample(scope.loops, min(2, len(scope.loops))))
        dims = dims[: self.draw.choice((1, 2))]
        return f"{self.signature.integers(type_, dims).name}[{self.place(scope, dims, is_proven=True)}]"
