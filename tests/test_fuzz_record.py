"""The record of a run, and the page of several: what is counted, what is put together, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codegen.failures import Failure
from fuzz import table
from fuzz.batch import Batch
from fuzz.coverage import COVERAGE, required
from fuzz.finding import Finding, reasons
from fuzz.metamorphic_text import with_other_schedule
from fuzz.plant import PACKAGES
from fuzz.program import make_program
from fuzz.record import Record, Recorder, hash_of_sources, ranges, read_record
from fuzz.run import Outcome


def record_of(
    tmp_path: Path, first: int, last: int, executors: tuple[str, ...] = ("passes", "cpu"), refused: str = ""
) -> Record:
    """The record of a run in which each program had two calls on each executor."""
    outcome = Outcome(first, executors, last - first + 1)
    for seed in range(first, last + 1):
        outcome.hear({"coverage": ["op add f32 / cpu", "row topk / cpu", "row topk / cpu packs"]})
        runs = dict.fromkeys(executors, 2)
        outcome.hear({"done": seed, "calls": 2, "unstable": 1, "elements": 500, "runs": runs})
    outcome.hear({"relation": "rows on cpu"})
    outcome.hear({"seconds": {"check": 1.25}})
    if refused:
        outcome.hear({"refusal": {"seed": first, "target": "cpu", "construct": refused}})
    path = tmp_path / f"{first}_{'_'.join(executors)}.json"
    Recorder(path, f"build.py fuzz --seed {first}", executors, 3).write(outcome, "complete")
    return read_record(path)


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading."""
    part = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_blocks_of_one_run_are_put_together(tmp_path: Path) -> None:
    one, other = record_of(tmp_path, 1, 18), record_of(tmp_path, 19, 40)
    page = table.page([other, one])
    assert "40 programs in 2 runs: 160 calls of all executors, no finding." in page
    assert "; 40 of 20,000 elements (0.200%) of outputs too" in page
    assert [row[0] for row in rows_of(page, "Runs")] == [
        "`build.py fuzz --seed 1`",
        "`build.py fuzz --seed 19`",
    ]
    assert ["cpu", "40", "40", "80", "0 (0.00%)"] in rows_of(page, "Executors")
    assert rows_of(page, "Relations") == [["rows on cpu", "2"]]
    assert ["cpu", str(len(list(required(["cpu"])))), "3", "0"] in rows_of(page, "Coverage")
    assert one.coverage["row topk / cpu packs"] == 18 and one.coverage["row cumsum / cpu"] == 0


def test_a_program_counts_once_on_an_executor(tmp_path: Path) -> None:
    one = record_of(tmp_path, 1, 30)
    with pytest.raises(Failure, match="two of the runs had program 30 on cpu, passes"):
        table.page([one, record_of(tmp_path, 30, 31)])
    page = table.page([one, record_of(tmp_path, 30, 31, ("cuda",))])
    assert page.startswith("# Random programs\n\n31 programs in 2 runs")
    assert ["cuda", "2", "2", "4", "0 (0.00%)"] in rows_of(page, "Executors")


def test_reasons_that_differ_in_names_and_numbers_are_one(tmp_path: Path) -> None:
    said = [f"Metal's program cannot place `o{n}` or 'p{n}' in launch {n}: Metal has 31" for n in (3, 4)]
    why = "Metal's program cannot place `...` or '...' in launch N: Metal has 31"
    assert reasons([*said, "another"]) == [
        (why, 2),
        ("another", 1),
    ]
    blocks = [record_of(tmp_path, n, n + 1, refused=why) for n, why in zip((1, 5), said, strict=True)]
    assert rows_of(table.page(blocks), "Refused") == [["cpu", "2", why]]
    assert ["cpu", "4", "4", "8", "2 (50.00%)"] in rows_of(table.page(blocks), "Executors")


def test_findings_are_told_by_kind(tmp_path: Path) -> None:
    record = record_of(tmp_path, 1, 2)
    found = [Finding(seed, "cpu", "mismatch", "a | b").as_json() for seed in (2, 1, 1)]
    page = table.page([replace(record, findings=found, state="interrupted", notes=["SIGKILL"])])
    assert "3 findings" in page and "did not come to its end (interrupted)" in page
    assert rows_of(page, "Findings") == [["cpu", "mismatch", "3", "1, 2"]]
    assert "- SIGKILL" in page


def test_runs_of_different_sources_are_told_apart(tmp_path: Path) -> None:
    one, other = record_of(tmp_path, 1, 2), record_of(tmp_path, 3, 4)
    assert "different sources" not in table.page([one, other])
    assert "different sources" in table.page([one, replace(other, sources="0" * 12)])


def test_the_hash_is_of_names_and_bytes(tmp_path: Path) -> None:
    for name in PACKAGES:
        (tmp_path / name).mkdir()
    file = tmp_path / "fuzz" / "a.py"
    file.write_text("1")
    hashes = [hash_of_sources(tmp_path)]
    (tmp_path / "fuzz" / "__pycache__").mkdir()
    (tmp_path / "fuzz" / "__pycache__" / "a.pyc").write_text("made")
    assert hash_of_sources(tmp_path) == hashes[0]
    file.write_text("2")
    hashes.append(hash_of_sources(tmp_path))
    file.rename(tmp_path / "fuzz" / "b.py")
    hashes.append(hash_of_sources(tmp_path))
    assert len(set(hashes)) == 3


def test_what_is_no_record_gets_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.json"
    for text in ("{", "[]", '{"edition": 0}', json.dumps({"edition": 1, "command": ""})):
        path.write_text(text)
        assert table.main([str(path)]) == 1
        assert capsys.readouterr().err.startswith(f"error: {path} is no record of a run")
    assert table.main([str(tmp_path / "none.json")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_neighbours_are_one_range() -> None:
    assert ranges({5, 1, 2, 3, 9, 8}) == [(1, 3), (5, 5), (8, 9)]


def test_a_program_is_refused_once_whatever_its_schedules() -> None:
    outcome = Outcome(1, ("metal",), 1)
    for construct in ("38 buffers", "36 buffers"):
        outcome.hear({"refusal": {"seed": 592, "target": "metal", "construct": construct}})
    assert [item.construct for item in outcome.refusals] == ["38 buffers"]


def test_a_program_counts_once_in_a_pair_whatever_its_schedules() -> None:
    program = next(item for item in map(make_program, range(200)) if with_other_schedule(item))
    said: list[dict[str, Any]] = []
    Batch((COVERAGE, "metal"), said.append).run_programs([program])
    pairs = [pair for message in said for pair in message.get("coverage", ())]
    assert "for / metal" in pairs and len(set(pairs)) == len(pairs)


def test_a_record_from_before_elements_were_counted_is_read(tmp_path: Path) -> None:
    record_of(tmp_path, 1, 2)
    path = tmp_path / "1_passes_cpu.json"
    found = json.loads(path.read_text())
    assert found.pop("elements") == 1000
    path.write_text(json.dumps(found))
    assert "; 2 elements of outputs too" in table.page([read_record(path)])
    path.write_text(json.dumps({**found, "another": 1}))
    with pytest.raises(Failure, match="is no record of a run as"):
        read_record(path)
