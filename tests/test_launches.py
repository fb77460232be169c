"""Random programs are launched in every way that host code has, and what hides there is found."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_in_worker import stand_in

import fuzz.run_metal
from backends.cuda.emit import launch_records as cuda_launches
from backends.metal.emit import launch_records
from backends.metal.emulator import EmulatorUnavailable
from backends.metal.emulator.compile import require
from backends.metal.emulator.dispatch import MOST_GROUPS, Choice, plan
from codegen.gpu.jam import POINTS
from codegen.pipeline import Compiled, compile_spec
from fuzz import metamorphic
from fuzz.batch import MOST_WORK, Batch
from fuzz.inputs import Call, make_calls, make_stream_calls, place
from fuzz.program import make_program
from fuzz.run import Outcome, run_programs
from fuzz.run_cuda import ROUNDS, cuda_source, run_cuda
from fuzz.run_metal import (
    How,
    build_metal,
    draw_another,
    draw_how,
    draw_shipped,
    metal_source,
    plan_of,
    run_metal,
)
from fuzz.streams import STREAMS, beside
from kernel_ir.load import load_file, load_text

NORM = "specs/norm/rms_norm.yaml"
ATTENTION = "specs/attention/paged_attention_decode.yaml"
SIZES = {"rows": 5, "width": 128, "eps": 1e-6}
HEADS = {
    "batch": 3,
    "num_qo_heads": 8,
    "num_kv_heads": 2,
    "head_dim": 64,
    "pool_slots": 9,
    "entries": 20,
    "sm_scale": 1.0,
}


def compiled(path: str) -> Compiled:
    return compile_spec(load_file(path))


def test_the_kernel_that_host_code_takes_has_the_least_turns() -> None:
    item = compiled(NORM)
    (launch,) = launch_records(item.program, item.record)
    entry = item.record.entries[0].suffix
    turns = [
        plan(launch, entry, SIZES, Choice(False, True, has_turns, is_tight)).kernel.variant.turns
        for has_turns, is_tight in ((True, True), (True, False), (False, True))
    ]
    assert 0 < turns[0] < turns[1] == max(item.variant.turns for item in launch.kernels)
    assert turns[2] == 0


@pytest.mark.parametrize(("heads", "points"), [(8, POINTS), (6, 1)])
def test_teams_work_on_several_points_where_those_are_alike(heads: int, points: int) -> None:
    item = compiled(ATTENTION)
    (launch,) = cuda_launches(item.program, item.record)
    values = {**HEADS, "num_qo_heads": heads}
    choice = Choice(is_aligned=True, has_turns=True, is_tight=True, has_points=True)
    made = plan(launch, item.record.entries[0].suffix, values, choice)
    alone = plan(launch, item.record.entries[0].suffix, values, replace(choice, has_points=False))
    assert made.kernel.variant.points == points and alone.kernel.variant.points == 1
    assert made.teams * points == alone.teams == 3 * heads


def test_groups_go_on_in_another_row_of_the_grid() -> None:
    item = compiled(NORM)
    (launch,) = launch_records(item.program, item.record)
    entry = item.record.entries[0].suffix
    whole, rows = (
        plan(launch, entry, {**SIZES, "rows": 500}, Choice(most_groups=most)) for most in (MOST_GROUPS, 3)
    )
    assert whole.grid == (whole.groups, 1)
    assert rows.grid == (3, -(-whole.groups // 3))


def test_a_kernel_gets_no_more_than_host_code_gives_it() -> None:
    """No scratch for rows that it keeps in registers, and no sizes beside the parameters where it is wide."""
    item = compiled(ATTENTION)
    (launch,) = launch_records(item.program, item.record)
    assert launch.constants == ("head_dim",) and any(row.unless_turns for row in launch.scratch)
    for is_wide in (False, True):
        for has_turns in (False, True):
            made = plan(launch, item.record.entries[0].suffix, HEADS, Choice(is_wide, True, has_turns))
            assert all(made.touches(row) != (row.unless_turns and has_turns) for row in launch.scratch)
            assert [*made.constants(launch, HEADS).values()] == [0 if is_wide else 64]


def test_a_call_is_launched_again_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metamorphic, "LAUNCHES", 1.0)
    item = Batch(["cpu"], lambda message: None).prepare(make_program(5))
    assert item is not None
    again = [n for n, twin in enumerate(item.twins) if twin.relation == metamorphic.LAUNCH]
    assert len(again) == 1 and item.twins[again[0]].call == item.calls[item.twins[again[0]].of]
    hows = [draw_another(f"launch {seed}", draw_how("how")) for seed in range(40)]
    for name in ("is_tight", "has_points", "has_long_tiles", "most_groups"):
        assert len({getattr(how.choice, name) for how in hows}) > 1
    assert len({how.starts_early for how in hows}) == 2
    assert {how.choice.has_turns for how in hows} == {draw_how("how").choice.has_turns}


class Library:
    """Stands in for a GPU whose memory is this process's, and whose kernels do what `spoil` does."""

    def __init__(self, spoil: Any) -> None:
        self.spoil, self.kept, self.steps = spoil, [], []  # type: ignore[var-annotated]

    def __getattr__(self, name: str) -> Any:
        return type("table", (), {"__call__": lambda self, position: 1 + position})()

    def fuzz_allocate(self, made: Any, size: ctypes.c_size_t) -> int:
        self.kept.append(ctypes.create_string_buffer(size.value))
        made._obj.value = ctypes.addressof(self.kept[-1])
        return 0

    def fuzz_copy(self, to: ctypes.c_void_p, source: ctypes.c_void_p, size: ctypes.c_size_t) -> int:
        ctypes.memmove(to, source, size.value)
        return 0

    def fuzz_release(self, memory: object) -> None:
        pass

    def fuzz_launch(self, arrivals: ctypes.c_void_p, count: int, steps: Sequence[Any], launches: int) -> int:
        table = (ctypes.c_uint64 * (3 * count)).from_address(int(arrivals.value or 0))
        rows = [tuple(table[3 * n : 3 * n + 3]) for n in range(count)]
        for to, source, size in rows:
            ctypes.memmove(to, source, size)
        self.steps = list(steps)
        assert len(self.steps) == launches
        self.spoil(rows)
        return 0


def run_on(library: Library, monkeypatch: pytest.MonkeyPatch) -> tuple[Call, tuple[str, ...]]:
    monkeypatch.setattr("fuzz.run_cuda.has_gpu", lambda: True)
    program = make_program(5)
    loaded = load_text(program.text, f"{program.name}.yaml")
    item = compile_spec(loaded)
    call = next(iter(make_calls(program, loaded, item.kernel, 1, (3,), MOST_WORK)))
    source = cuda_source(item, [call], (draw_how("how"),))
    ran = run_cuda(library, source, call, 0)  # type: ignore[arg-type]
    assert ran is not None and len(library.steps) % ROUNDS == 0 and library.steps[0].is_early == 1
    return call, ran[1]


def test_a_call_right_behind_another_must_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(rows: Sequence[tuple[int, int, int]]) -> None:
        to, _, size = rows[-1]  # of the last round
        ctypes.memset(to + size - 1, 0x5A, 1)

    _, found = run_on(Library(spoil), monkeypatch)
    assert len(found) == 1 and "other bits" in found[0]
    _, found = run_on(Library(lambda rows: None), monkeypatch)
    assert not found


# ---- streams ---------------------------------------------------------------------------------------


def test_streams_are_worked_on_several_points_at_once() -> None:
    """By host code's choice on CUDA, where their points are alike."""
    reached = [
        plan_of(launch, item, call, draw_shipped(f"how {seed}")).kernel.variant.points
        for seed in range(STREAMS, STREAMS + 12)
        for program in (make_program(seed),)
        for loaded in (load_text(program.text, f"{program.name}.yaml"),)
        for item in (compile_spec(loaded),)
        for launch in cuda_launches(item.program, item.record)
        for call in make_stream_calls(program, loaded, item.kernel)
    ]
    assert len(reached) > 12 and reached.count(POINTS) > 3


def test_streams_run_beside_some_programs_and_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = next(seed for seed in range(1, 500) if beside(seed) is not None)
    made: list[int] = []
    monkeypatch.setattr(Batch, "run_programs", lambda self, given: made.extend(item.seed for item in given))
    Batch(["cpu"], lambda message: None).run([seed])
    assert made == [seed, STREAMS + seed] and beside(STREAMS + seed) is None
    outcome = Outcome(seed, ("cpu",), 1)
    for each in made:
        outcome.hear({"done": each, "calls": 3, "unstable": 0})
    assert (outcome.programs, outcome.streams, outcome.drawn, outcome.calls) == (1, 1, {seed}, 6)


def test_streams_that_are_asked_for_alone_are_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that crashes is named, and the rest is run by another worker."""
    crashes = "    if seed % 10 == 3: say(at=seed, executor='cpu'); os.abort()"
    stand_in(monkeypatch, tmp_path, "for seed in seeds:", crashes, "    done(seed)")
    seen: list[int] = []

    def count_reports(outcome: Outcome) -> None:
        seen.append(len(outcome.findings))
        assert len(seen) < 20, "the same program is run over and over"

    outcome = run_programs(STREAMS, 6, ("cpu",), 1, count_reports)
    assert [(item.seed, item.kind) for item in outcome.findings] == [(STREAMS + 3, "crash")]
    assert (outcome.programs, outcome.streams, outcome.lost) == (5, 0, [])


# ---- where tensors lie -----------------------------------------------------------------------------


def norm_of(shift: int, layout: str = "packed", width: int = 48) -> tuple[Compiled, Call]:
    """A call whose rows begin somewhere, in a dtype of which a chunk holds more than an access needs."""
    item = compiled(NORM)
    x = place(np.ones((5, width), np.float16), layout, shift)
    given = {"x": x, "weight": place(np.ones(width, np.float16), "packed")}
    return item, Call(given, {}, {"T": "f16"}, {"rows": 5, "width": width}, "whole")


@pytest.mark.parametrize(
    ("shift", "layout", "width", "is_aligned"),
    [
        (0, "packed", 48, True), (8, "packed", 48, True), (1, "packed", 48, False), (4, "packed", 48, False),
        (0, "packed", 40, True), (0, "packed", 44, False), (0, "padded", 48, False), (0, "spaced", 40, True),
    ],
)  # fmt: skip
def test_chunks_move_as_one_access_where_host_code_lets_them(
    shift: int, layout: str, width: int, is_aligned: bool
) -> None:
    item, call = norm_of(shift, layout, width)
    (launch,) = launch_records(item.program, item.record)
    how = How(Choice(is_aligned=True), "forward", "pairwise")
    assert next(kernel.chunk for kernel in launch.kernels if kernel.entry == "f16") == 8
    assert plan_of(launch, item, call, how).kernel.variant.is_aligned == is_aligned


@pytest.mark.parametrize("shift", [0, 1, 4, 8])
def test_a_chunk_that_begins_elsewhere_is_seen(monkeypatch: pytest.MonkeyPatch, shift: int) -> None:
    """Tensors begin where they do in the call, and not where any access may."""
    try:
        require()
    except EmulatorUnavailable as missing:
        pytest.skip(f"the emulator cannot run: {missing}")
    monkeypatch.setattr(fuzz.run_metal, "_is_aligned", lambda *_: True)
    item, call = norm_of(shift)
    source = metal_source(item, (call,), (How(Choice(is_aligned=True), "forward", "pairwise"),))
    _, found = run_metal(build_metal([source], "elsewhere"), source, call, 0)
    assert [message for message in found if "misaligned" in message] == list(found)
    assert bool(found) == (shift % 8 != 0)
