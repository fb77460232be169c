"""A random program from one integer."""

from __future__ import annotations

import random
from dataclasses import dataclass

from fuzz.expressions import Expressions
from fuzz.further import write_further
from fuzz.in_rows import ROWS, in_rows
from fuzz.signature import SIZES, Signature
from fuzz.statements import Body
from fuzz.streams import STREAMS, stream_text

STYLES = ("whole", "real")
IN_ROWS = 0.08  # of the programs


@dataclass(frozen=True, slots=True)
class Program:
    """A spec's text and what calls of it must keep to.

    `paths`: the sizes of the loops around each place, whose product is the work there. `rounds`: the same of
    searches, which take time where there is nothing to search through. `style`: what its float inputs are
    (`fuzz/expressions.py`).
    """

    seed: int
    name: str
    style: str
    text: str
    paths: tuple[tuple[str, ...], ...]
    rounds: tuple[tuple[str, ...], ...] = ()
    calls_seed: int = -1  # what calls are drawn from, if not from `seed`

    @property
    def drawn_from(self) -> int:
        return self.seed if self.calls_seed < 0 else self.calls_seed


def make_program(seed: int) -> Program:
    """The program of a seed; the same text on every machine."""
    if seed >= STREAMS:
        return Program(seed, f"fuzz_{seed}", "real", *stream_text(seed, f"fuzz_{seed}"))
    draw = random.Random(f"program {seed}")
    style = draw.choice(STYLES)
    signature = Signature(draw)
    sizes = tuple(draw.sample(SIZES, draw.choice((1, 2, 2, 3, 3, 4))))
    make = Expressions(draw, signature, sizes, style=style)
    body = Body(make)
    body.write()
    is_in_rows = random.Random(f"rows {seed}").random() < IN_ROWS
    if not is_in_rows:
        write_further(body, seed)
    if draw.random() < 0.15:
        signature.leading = draw.choice(sizes)
    signature.keep_used(body.lines)
    name = f"fuzz_{seed}"
    text = signature.spec(name, body.lines, _schedule(draw))
    paths, rounds = tuple(sorted(make.paths)), tuple(sorted(make.rounds))
    if is_in_rows:
        text, paths, rounds = in_rows(text), _once_a_row(paths), _once_a_row(rounds)
    return Program(seed, name, style, text, paths, rounds)


def _once_a_row(paths: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    return tuple((ROWS, *path) for path in paths)


def _schedule(draw: random.Random) -> dict[str, dict[str, int]]:
    """Overrides of the schedule of both GPUs, now and then."""
    if draw.random() < 0.6:
        return {}
    rows = {
        "team": draw.choice((32, 32, 64, 96, 128, 256)),
        "teams_per_group": draw.choice((1, 2, 3, 8)),
        "tile_turns": draw.choice((1, 2, 3)),
    }
    chosen = {name: value for name, value in rows.items() if draw.random() < 0.6}
    return {"metal": chosen, "cuda": dict(chosen)} if chosen else {}
