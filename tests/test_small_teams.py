"""Shaders with teams as small as CUDA's: the emulator shows those that share a simdgroup and part ways."""

from __future__ import annotations

from typing import Any

import needs_emulator  # noqa: F401
import pytest

from backends.metal.emit import TARGET, launch_records, write
from codegen.gpu.schedule import SIMD_LANES
from codegen.pipeline import compile_spec
from fuzz.batch import Batch, takes
from fuzz.command import executors_of
from fuzz.finding import SMALL_TEAMS
from fuzz.shrink import REGRESSIONS, load_regression
from fuzz.small_teams import SMALL_TEAMS_SHARE
from fuzz.small_teams import TARGET as WITH_SMALL_TEAMS
from kernel_ir.load import load_file

SPECS = sorted(REGRESSIONS.glob("*.yaml"))
PARTING = ("waits_as_often_as_a_row_says", "waits_under_a_condition")


def found_in(names: tuple[str, ...], *executors: str) -> list[dict[str, Any]]:
    """The findings in programs of `tests/regressions`."""
    said: list[dict[str, Any]] = []
    batch = Batch(executors, said.append, has_shares=False)
    batch.run_programs([load_regression(REGRESSIONS / f"{name}.yaml", n) for n, name in enumerate(names)])
    assert all(batch.runs[number]["metal"] for number in range(len(names)))
    return [message["finding"] for message in said if "finding" in message]


def test_shaders_are_those_that_ship() -> None:
    small = 0
    for path in SPECS:
        compiled = compile_spec(load_file(path))
        given, name = (compiled.program, compiled.record), f"metal/{compiled.record.name}.metal"
        assert write(*given, WITH_SMALL_TEAMS)[name] == write(*given, TARGET)[name]
        launches = launch_records(*given, WITH_SMALL_TEAMS)
        small += any(row.lanes < SIMD_LANES for item in launches for row in item.schedule.teams)
    assert small >= len(SPECS) // 4


def test_teams_of_a_simdgroup_that_part_ways_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the schedule takes all launches for straight, and on launches with small teams alone."""
    assert not found_in(PARTING, "metal", SMALL_TEAMS)
    monkeypatch.setattr("codegen.gpu.schedule._goes_straight", lambda body: True)
    found = found_in(PARTING, "metal", SMALL_TEAMS)
    assert {item["executor"] for item in found} == {SMALL_TEAMS}
    parted = {item["seed"] for item in found if item["kind"] == "checked" and "divergence" in item["message"]}
    assert parted == set(range(len(PARTING)))


def test_calls_without_small_teams_are_not_run_again() -> None:
    said: list[dict[str, Any]] = []
    batch = Batch((SMALL_TEAMS,), said.append, has_shares=False)
    batch.run_programs([load_regression(REGRESSIONS / f"{name}.yaml", n) for n, name in enumerate(PARTING)])
    assert not any(batch.runs.values()) and sum("done" in message for message in said) == len(PARTING)


def test_a_run_has_small_teams_for_a_share_of_the_programs() -> None:
    seeds = range(1, 100 * SMALL_TEAMS_SHARE + 1)
    assert sum(takes(SMALL_TEAMS, seed) for seed in seeds) == 100
    assert all(takes(executor, seed) for executor in ("passes", "cpu", "metal") for seed in range(10))
    assert SMALL_TEAMS in executors_of(("metal",), "float", no_passes=True)
    assert SMALL_TEAMS not in executors_of(("cpu",), "both", no_passes=True)
    assert SMALL_TEAMS not in executors_of(("metal",), "exact", no_passes=True)
