"""Random streams whose points share elements: what attention over groups of heads is made of.

Programs drawn statement by statement hardly ever are one, so these are written from a frame. They are
programs of their own, of seeds from STREAMS on, and run beside some of the others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import yaml  # type: ignore[import-untyped]

STREAMS = 1_000_000_000  # the first seed
STREAM_EXTENTS = (1, 2, 3, 4, 4, 5, 8, 8, 16, 33, 64)
MOST_STREAM_WORK = 1_000  # of a call, for few teams with long rows: the emulator takes its time for a team
STREAM_CALLS = 3
SHARE = 0.02  # of the programs that have one beside them


def beside(seed: int) -> int | None:
    """The seed of the stream that runs beside a program, if one does."""
    is_there = seed < STREAMS and random.Random(f"stream {seed}").random() < SHARE
    return STREAMS + seed if is_there else None


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is drawn first: `times` heads of a group, or as many as the call says; what a range goes over."""

    times: int
    has_batch: bool
    is_ragged: bool
    has_ids: bool
    is_behind: bool  # the group stands behind the place in the list
    is_even: bool  # rows are multiples of 16 elements

    @staticmethod
    def drawn(draw: random.Random) -> _Frame:
        times = draw.choice((0, 4, 8))
        return _Frame(times, *(draw.random() < share for share in (0.7, 0.5, 0.5, 0.5, 0.75)))

    @property
    def heads(self) -> str:
        return f"{self.times} * m" if self.times else "k"

    @property
    def group(self) -> str:
        return f"h // {self.times}" if self.times else "h // (k // m)"

    @property
    def width(self) -> str:
        return "16 * w" if self.is_even else "w"

    @property
    def batch(self) -> str:
        return "n, " if self.has_batch else ""

    @property
    def listed(self) -> str:
        """The size that the range goes over, of which ragged ranges are parts."""
        return "c" if self.has_ids else "p"

    @property
    def span(self) -> str:
        if not self.is_ragged:
            return f"range({self.listed})"
        first, end = ("b", "b + 1") if self.has_batch else ("0", "1")
        return f"range(starts[{first}], starts[{end}])"

    @property
    def place(self) -> str:
        """An element of what the heads of a group share."""
        place = "ids[j]" if self.has_ids else "j"
        return f"{place}, g, d" if self.is_behind else f"g, {place}, d"

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """The sizes around the innermost place, and those of the teams twice, which keeps them few."""
        outer = (*("n",) * self.has_batch, *(("m", "m") if self.times else ("k",)))
        return (*outer, *outer), (*outer, self.listed, "w")


def stream_text(seed: int, name: str) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """A stream's spec, and the sizes of the loops around its places."""
    draw = random.Random(f"stream {seed}")
    frame = _Frame.drawn(draw)
    body = _body(draw, frame)
    spec = {"edition": 1, "name": name, "summary": "A random stream.", **_signature(draw, frame, body)}
    kept = {key: value for key, value in spec.items() if value}
    head: str = yaml.safe_dump(kept, sort_keys=False, width=100, default_flow_style=None)
    return head + "body: |\n" + "".join(f"  {line}\n" for line in body), frame.paths


def _body(draw: random.Random, frame: _Frame) -> list[str]:
    own, depth = ("b, h", "    ") if frame.has_batch else ("h", "")
    where = draw.choice(("", "", " if j % 3 != 1"))
    query = f"sum(q[{own}, d] * x[{frame.place}] for d in range({frame.width}))"
    scores = draw.choice(("0.125 * {}", "min(max({}, -8.0), 8.0)", "0.25 * {} + f32(j % 8) * 0.5"))
    value = draw.choice(("y[{}]", "min(max(y[{}], -64.0), 64.0)")).format(frame.place)
    total = f"sum(p1[j] * {value} for j in {frame.span}{where})"
    stored = draw.choice(("{}", "tanh({})", "{} * 2.0")).format(total)
    lines = [
        f"for h in range({frame.heads}):",
        f"    g = {frame.group}",
        f"    p1 = softmax({scores.format(query)} for j in {frame.span}{where})",
        f"    for d in range({frame.width}):",
        f"        o[{own}, d] = {stored}",
    ]
    if draw.random() < 0.3:
        lines += [
            f"    for d in range({frame.width}):",
            f"        o2[{own}, d] = {total.replace('y[', 'z[')}",
        ]
    return ["for b in range(n):"] * frame.has_batch + [f"{depth}{line}" for line in lines]


def _signature(draw: random.Random, frame: _Frame, body: list[str]) -> dict[str, Any]:
    own, shared = f"[{frame.batch}{frame.heads}, {frame.width}]", "p, m" if frame.is_behind else "m, p"
    query, key, value, result = (draw.choice(("T", "T", "f32", "f16", "bf16")) for _ in range(4))
    types = [kind for kind in ("f32", "f16", "bf16") if draw.random() < 0.7] or ["f32"]
    known = {
        "q": {"type": query + own},
        "x": {"type": f"{key}[{shared}, {frame.width}]"},
        "y": {"type": f"{value}[{shared}, {frame.width}]"},
        "z": {"type": f"{value}[{shared}, {frame.width}]"},
        "ids": {"type": "i32[c]", "values": {"uniform": [0, "p"]}},
        "starts": {
            "type": "i32[n + 1]" if frame.has_batch else "i32[2]",
            "values": {"offsets": frame.listed},
        },
    }
    used = {name for name in (*known, "o", "o2") if any(f"{name}[" in line for line in body)}
    policies = {"ids": draw.choice(("nan", "clamp")), "starts": "nan"}
    return {
        "types": {"T": types} if "T" in (query, key, value, result) else {},
        "arguments": {name: item for name, item in known.items() if name in used},
        "results": {name: {"type": result + own} for name in ("o", "o2") if name in used},
        "in_range": {name: policy for name, policy in policies.items() if name in used},
        "requires": [] if frame.times else ["m >= 1", "k % m == 0"],
    }
