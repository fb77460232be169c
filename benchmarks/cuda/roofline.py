"""The plot: GB/s of every runner over the bytes of a call, under the copy's bandwidth and a launch's cost.

    python -m benchmarks.cuda.roofline benchmarks/results/h100/cuda.json

writes `cuda.png` beside it. It takes matplotlib, and no GPU.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.cuda.report import OURS, bandwidth, copy_bandwidth, runners

_COLUMNS = 4
_COLOURS = {
    "ours": "#d62728",
    "peer": "#1f77b4",
    "torch": "#aaaaaa",
    "compile": "#2ca02c",
    "triton": "#9467bd",
}


def draw(document: dict[str, Any], path: Path) -> None:
    """One small plot for each op, all with the same axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    cells = document["cells"]
    ops = list(dict.fromkeys(cell["op"] for cell in cells))
    rows = -(-len(ops) // _COLUMNS)
    figure, grid = pyplot.subplots(
        rows, _COLUMNS, figsize=(16, 3.1 * rows), sharex=True, sharey=True, squeeze=False
    )
    fastest = min(us for cell in cells for us in cell["us"].values())
    for axes, op in zip(grid.flat, ops, strict=False):
        _draw_op(axes, op, [cell for cell in cells if cell["op"] == op], copy_bandwidth(document), fastest)
    for axes in list(grid.flat)[len(ops) :]:
        axes.set_visible(False)
    handles = [pyplot.Line2D([], [], color=_COLOURS[name], marker="o", label=name) for name in runners(cells)]
    figure.legend(handles=handles, loc="upper right", ncols=len(handles))
    machine = document["machine"]
    figure.suptitle(f"GB/s over bytes of a call, {machine['gpu']}", x=0.02, ha="left")
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    figure.savefig(path, dpi=90, metadata={"Software": None})


def _draw_op(axes: Any, op: str, cells: list[dict[str, Any]], roof: float, fastest: float) -> None:
    """The roof is the copy's bandwidth; left of it, the shortest time of any call in the table."""
    knee = roof * fastest * 1e3
    axes.plot([1e3, knee, 4e9], [1e3 / fastest / 1e3, roof, roof], color="black", lw=1, ls=":")
    for name in reversed(runners(cells)):
        points = sorted((cell["bytes"], bandwidth(cell, name)) for cell in cells if name in cell["us"])
        style = {"lw": 1.8, "ms": 4} if name == OURS else {"lw": 0.9, "ms": 3}
        axes.plot(*zip(*points, strict=True), marker="o", color=_COLOURS[name], **style)
    axes.set(xscale="log", yscale="log", title=op, xlim=(1e3, 4e9), ylim=(0.3, 6e3))
    axes.title.set_fontsize(9)
    axes.grid(alpha=0.3)


def main(source: str) -> None:
    path = Path(source)
    draw(json.loads(path.read_text()), path.with_suffix(".png"))
    print(path.with_suffix(".png"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.cuda.roofline FILE.json")
    main(sys.argv[1])
