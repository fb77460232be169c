"""The benchmarks measure what they say: as many specs, as many bytes, peers of ops that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.calls import read_records
from benchmarks.cpu import MOST_ELEMENTS, bytes_moved, choose_examples, measure
from benchmarks.generate import clone_specs
from benchmarks.inputs import element_count
from benchmarks.peers import PEERS
from benchmarks.tables import render_markdown, render_text
from codegen.record import OpRecord
from kernel_ir.load import load_file

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def records() -> dict[str, OpRecord]:
    return {item.name: item for item in read_records(ROOT / "specs")}


def test_clones_are_specs_whose_public_names_differ(tmp_path: Path) -> None:
    shipped = sorted((ROOT / "specs").rglob("*.yaml"))
    clone_specs(shipped, tmp_path, len(shipped) + 2)
    specs = [load_file(path).spec for path in sorted(tmp_path.rglob("*.yaml"))]
    names = [name for spec in specs for name in (spec.name, *(item.name for item in spec.exports))]
    assert len(specs) == len(shipped) + 2
    assert len(set(names)) == len(names)


def test_peers_are_of_ops_that_exist(records: dict[str, OpRecord]) -> None:
    assert set(PEERS) <= set(records)


def test_bytes_count_updated_arguments_twice(records: dict[str, OpRecord]) -> None:
    sizes = {"rows": 3, "width": 10}
    f32, f16, _ = records["rms_norm"].entries
    assert bytes_moved(records["rms_norm"], f32, sizes) == 4 * (30 + 10 + 30)
    assert bytes_moved(records["rms_norm"], f16, sizes) == 2 * (30 + 10 + 30)
    updating = records["fused_add_rmsnorm"]
    assert bytes_moved(updating, updating.entries[0], sizes) == 4 * (2 * 30 + 2 * 30 + 10)


def test_examples_are_cut_to_fit(records: dict[str, OpRecord]) -> None:
    for record in records.values():
        assert all(element_count(record, item) <= MOST_ELEMENTS for item in choose_examples(record))


def test_every_runner_has_its_turn() -> None:
    calls: list[str] = []
    seconds = measure({name: lambda name=name: calls.append(name) for name in ("a", "b")})
    assert set(seconds) == {"a", "b"}
    assert calls.count("a") > 7
    assert calls.count("b") > 7


def test_tables_line_up() -> None:
    rows = [("a", "1.5"), ("longer", "10")]
    assert render_text(("op", "us"), rows) == "op      us\n------  ---\na       1.5\nlonger   10"
    assert render_markdown(("op", "us"), rows).splitlines()[-1] == "| longer | 10 |"
