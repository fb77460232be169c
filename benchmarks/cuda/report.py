"""The page and the figures that sum measurements up, from the document of `run.measure` alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.tables import render_markdown

Document = Mapping[str, Any]
OURS = "ours"
OTHERS = ("peer", "torch", "compile", "triton")
_HEADINGS = (
    "op",
    "sizes",
    "MiB",
    "ours us",
    *(f"{name} us" for name in OTHERS),
    "of peer",
    "of best",
    "of copy",
)

_EXPLANATION = (
    "Microseconds of device time a call, the median of replays of CUDA graphs, all runners in turn. The",
    "calls of a graph touch 2.5 times the second-level cache; ops marked `*` are too small for that.",
    "`of peer` and `of best` are how many times as fast ours is as the peer, and as the fastest of the",
    "others; `of copy` is its share of the copy's bandwidth, each input counted once and each output once.",
    "Results are compared with double precision before a number is taken.",
)

# From so many bytes on, a kernel should move them as fast as a copy does.
LARGE = 64 * 2**20
_NOT_STREAMING = ("topk_", "paged_attention")


def speed(cell: Mapping[str, Any], against: str) -> float | None:
    """How many times as fast as another runner ours is; None where either has no number."""
    us = cell["us"]
    return us[against] / us[OURS] if OURS in us and against in us else None


def best_speed(cell: Mapping[str, Any]) -> float | None:
    """The same against the fastest of the others."""
    found = [value for value in (speed(cell, name) for name in OTHERS) if value is not None]
    return min(found, default=None)


def bandwidth(cell: Mapping[str, Any], runner: str = OURS) -> float | None:
    """GB/s of a runner."""
    us = cell["us"].get(runner)
    return cell["bytes"] / us / 1e3 if us else None


def copy_bandwidth(document: Document) -> float:
    """GB/s of the fastest copy in the same run."""
    return max(document["copy"].values())


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def summarise(document: Document) -> dict[str, float]:
    """The figures that decide: means and worst cells against the peer and the best, and the worst share of
    the copy's bandwidth that a large streaming cell reaches.
    """
    cells = document["cells"]
    peer = [value for cell in cells if (value := speed(cell, "peer")) is not None]
    best = [value for cell in cells if (value := best_speed(cell)) is not None]
    large = [
        moved / copy_bandwidth(document)
        for cell in cells
        if cell["bytes"] >= LARGE and not cell["op"].startswith(_NOT_STREAMING) and (moved := bandwidth(cell))
    ]
    host = document["host_us"]
    return {
        "cells": len(cells),
        "failed": sum(OURS in cell["failed"] for cell in cells),
        "peer_geometric_mean": geometric_mean(peer),
        "peer_worst": min(peer, default=math.nan),
        "best_worst": min(best, default=math.nan),
        "copy_share_worst": min(large, default=math.nan),
        "host_share": host[OURS] / host["peer"] if "peer" in host else math.nan,
    }


def render(document: Document) -> str:
    """The page: the machine, what it comes to, each op's mean, and a row for each cell."""
    machine, figures = document["machine"], summarise(document)
    copies = " and ".join(f"{value:.0f} GB/s ({size} MiB)" for size, value in document["copy"].items())
    lines = [
        "# CUDA kernels beside their peers",
        "",
        f"`{document['command']}`",
        f"on {machine['gpu']}, driver {machine['driver']}, CUDA {machine['cuda']}, torch {machine['torch']},",
        f"Python {machine['python']}. In the same run, a copy moves {copies}.",
        "",
        *_EXPLANATION,
        "",
        *_figures(figures, document["host_us"]),
        "",
        render_markdown(
            ("op", "cells", "of peer, mean", "of peer, worst", "of best, worst"), list(_by_op(document))
        ),
        "",
        render_markdown(_HEADINGS, [_row(cell, document) for cell in document["cells"]]),
        "",
    ]
    failures = [
        f"- {cell['op']} {_sizes(cell)}, {name}: {why}"
        for cell in document["cells"]
        for name, why in cell["failed"].items()
    ]
    return "\n".join([*lines, *(["No number:", "", *failures, ""] if failures else [])])


def _figures(figures: Mapping[str, float], host: Mapping[str, float]) -> Iterator[str]:
    yield f"- of the peer, geometric mean of all cells: {figures['peer_geometric_mean']:.3f}"
    yield f"- of the peer, worst cell: {figures['peer_worst']:.3f}"
    yield f"- of the best of all others, worst cell: {figures['best_worst']:.3f}"
    share = figures["copy_share_worst"]
    yield f"- of the copy's bandwidth, worst streaming cell from {LARGE >> 20} MiB on: {share:.3f}"
    yield "- host time of a call with a place for the result: " + ", ".join(
        f"{name} {value:.2f} us" for name, value in host.items()
    )


def _by_op(document: Document) -> Iterator[tuple[str, ...]]:
    cells = document["cells"]
    for op in dict.fromkeys(cell["op"] for cell in cells):
        own = [cell for cell in cells if cell["op"] == op]
        peer = [value for cell in own if (value := speed(cell, "peer")) is not None]
        best = [value for cell in own if (value := best_speed(cell)) is not None]
        mean = geometric_mean(peer) if peer else None
        yield (
            op,
            str(len(own)),
            _ratio(mean),
            _ratio(min(peer, default=None)),
            _ratio(min(best, default=None)),
        )


def _row(cell: Mapping[str, Any], document: Document) -> tuple[str, ...]:
    moved = bandwidth(cell)
    mark = "" if cell["exceeds_cache"] else "*"
    return (
        cell["op"] + mark,
        _sizes(cell),
        f"{cell['bytes'] / 2**20:.2f}",
        *(_time(cell["us"].get(name)) for name in (OURS, *OTHERS)),
        _ratio(speed(cell, "peer")),
        _ratio(best_speed(cell)),
        f"{100 * moved / copy_bandwidth(document):.0f} %" if moved else "",
    )


def _sizes(cell: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in cell["sizes"].items())


def _time(us: float | None) -> str:
    return "" if us is None else f"{us:.2f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def runners(cells: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Those with a number in any cell, ours first."""
    return tuple(name for name in (OURS, *OTHERS) if any(name in cell["us"] for cell in cells))
