"""What the CUDA benchmark makes of its measurements, and its table of ops, without a GPU."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import main
from benchmarks.cuda.report import best_speed, geometric_mean, render, speed, summarise

FOLDER = Path(__file__).parent.parent / "benchmarks" / "cuda"
HAS_TORCH = importlib.util.find_spec("torch") is not None


def cell(op: str, size: int, us: dict[str, float], **more: Any) -> dict[str, Any]:
    facts = {"op": op, "sizes": {"rows": 4}, "bytes": size, "calls": 9, "exceeds_cache": True}
    return facts | {"us": us, "error": {}, "failed": {}} | more


def document(*cells: dict[str, Any]) -> dict[str, Any]:
    machine = {"gpu": "GPU", "driver": "1", "torch": "2", "cuda": "3", "python": "4"}
    host = {"ours": 1.0, "peer": 4.0}
    return {
        "command": "bench",
        "machine": machine,
        "copy": {"64": 2000.0},
        "host_us": host,
        "cells": list(cells),
    }


FAST = cell("silu_and_mul", 10**9, {"ours": 1000.0, "peer": 2000.0, "torch": 900.0})
SLOW = cell("topk_softmax", 10**9, {"ours": 4000.0, "peer": 2000.0})
BROKEN = cell("rmsnorm", 10, {"peer": 1.0}, failed={"ours": "out is off"}, exceeds_cache=False)


def test_speeds_are_of_ours_against_one_and_against_the_fastest() -> None:
    assert speed(FAST, "peer") == 2.0
    assert best_speed(FAST) == 0.9
    assert speed(BROKEN, "peer") is None and best_speed(BROKEN) is None


def test_the_summary_holds_means_and_worst_cells() -> None:
    found = summarise(document(FAST, SLOW, BROKEN))
    assert found["cells"] == 3 and found["failed"] == 1
    assert found["peer_geometric_mean"] == pytest.approx(geometric_mean([2.0, 0.5]))
    assert found["peer_worst"] == 0.5 and found["best_worst"] == 0.5
    assert found["copy_share_worst"] == pytest.approx(0.5)  # 1 TB/s of 2; routing does not stream
    assert found["host_share"] == 0.25


def test_the_page_shows_every_cell_and_what_failed() -> None:
    page = render(document(FAST, SLOW, BROKEN))
    assert (
        "| silu_and_mul | rows=4 | 953.67 | 1000.00 | 2000.00 | 900.00 |  |  | 2.00 | 0.90 | 50 % |" in page
    )
    assert "| rmsnorm* |" in page
    assert "- rmsnorm rows=4, ours: out is off" in page


def test_every_op_of_the_table_is_public() -> None:
    tree = ast.parse((FOLDER / "cases.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [node.args[0] for node in calls if isinstance(node.func, ast.Name) and node.func.id == "Op"]
    names = {item.value for item in named if isinstance(item, ast.Constant)}
    module = ast.parse(
        (FOLDER.parent.parent / "generated/python/sgl_kernel/cuda.py").read_text(encoding="utf-8")
    )
    public = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    assert len(names) == 16 and names <= public


@pytest.mark.skipif(HAS_TORCH, reason="torch is installed: what is refused then depends on the machine")
def test_a_machine_without_torch_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--target", "cuda"]) == 1
    assert "torch" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--ops", "--rows", "--against"])
def test_what_is_for_cuda_is_refused_elsewhere(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([option, "1"])
    assert "go with --target cuda" in capsys.readouterr().err
