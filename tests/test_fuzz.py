"""The fuzzer: its programs are valid and reproducible, and what goes wrong is found and survived."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fresh_seed import fresh_seed
from stand_in_worker import quietly, stand_in

from backends.metal.emulator import EmulatorUnavailable
from backends.metal.emulator.compile import require
from backends.metal.emulator.dispatch import Dispatch
from codegen.pipeline import compile_spec
from fuzz import memory
from fuzz.batch import AWKWARD, CALLS, MOST_WORK, TARGETS, Batch
from fuzz.command import executors_of
from fuzz.coverage import LEAST, STANDARD_RUN, Coverage, constructs, required
from fuzz.expressions import Expressions
from fuzz.finding import Finding
from fuzz.inputs import LAYOUTS, make_calls, place, work_of
from fuzz.memory import entry_of, lay_out
from fuzz.metamorphic import LAUNCH
from fuzz.metamorphic_text import with_other_schedule
from fuzz.program import Program, make_program
from fuzz.run import LEAST_A_BATCH, MOST_A_BATCH, Interrupted, Outcome, batches, run_programs
from fuzz.run_cpu import CompileError, cpu_source
from fuzz.run_cuda import build_cuda, cuda_source, run_cuda
from fuzz.run_metal import draw_how, metal_source, most_accesses, unwritten
from fuzz.shrink import REGRESSIONS, load_regression, shrink, shrink_all
from fuzz.stop import Stop
from fuzz.summary import has_failed, summary
from kernel_ir.errors import SpecError
from kernel_ir.load import load_text
from kernel_ir.typecheck.check import check_spec

ROOT = Path(__file__).parent.parent
SEEDS = range(5000, 5060)
SEARCHES = 10570  # a best of `k` out of `m`, `k` times
DIVIDES = next(seed for seed in range(100) if "/ 3.0" in make_program(seed).text)


def targets() -> tuple[str, ...]:
    try:
        require()
    except EmulatorUnavailable:
        return ("passes", "cpu")
    return ("passes", "cpu", "metal")


def test_a_seed_gives_one_program() -> None:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom fuzz.program import make_program\n"
    script += "print(make_program(7).text, end='')"
    command = [sys.executable, "-c", script]
    texts = {
        subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert texts == {make_program(7).text.encode()}


def test_programs_are_valid_and_have_calls() -> None:
    refused, calls = [], 0
    for seed in SEEDS:
        program = make_program(seed)
        loaded = load_text(program.text, f"{program.name}.yaml")
        try:
            kernel = check_spec(loaded)
        except SpecError as error:
            refused.append(error)
            continue
        for call in make_calls(program, loaded, kernel, 2, AWKWARD, MOST_WORK):
            assert work_of(program, call.sizes) <= MOST_WORK
            calls += 1
    assert len(refused) <= 0.05 * len(SEEDS), refused[0]
    assert calls >= 1.8 * len(SEEDS)


def test_calls_are_seldom_empty_and_now_and_then_long() -> None:
    """An extent of 0 makes any work free, and 1000 takes most of it: neither may crowd out the other."""
    programs = [make_program(seed) for seed in SEEDS[:30]]
    loaded = [load_text(program.text, f"{program.name}.yaml") for program in programs]
    made = [
        list(make_calls(program, item, check_spec(item), CALLS, AWKWARD, MOST_WORK))
        for program, item in zip(programs, loaded, strict=True)
    ]
    calls = [call.sizes.values() for each in made for call in each]
    assert 1 <= sum(0 in sizes for sizes in calls) <= 0.15 * len(calls)
    reached = [{extent for call in each if 0 not in call.sizes.values() for extent in call.sizes.values()}
               for each in made]  # fmt: skip
    assert len(set(AWKWARD) - {0} - set().union(*reached)) <= 3
    for long in ({255, 256, 257}, {1000}):
        assert sum(not long.isdisjoint(each) for each in reached) >= 0.05 * len(programs)


@pytest.mark.parametrize("layout", sorted(set(LAYOUTS)))
def test_layouts_hold_the_same_values(layout: str) -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    first = {"broadcast": values[:1], "repeated": values[:, :1]}.get(layout, values)
    for shift in (0, 3):
        placed = place(values, layout, shift)
        np.testing.assert_array_equal(placed.view(), np.broadcast_to(first, values.shape))
        assert (placed.strides != (12, 4, 1)) == (layout != "packed")
    for shift, chunks in ((0, [1, 2, 4]), (2, [1, 2]), (3, [1])):  # those that may move as one access
        every = {"padded": [1], "spaced": [*chunks, 8] if shift == 0 else chunks}.get(layout, chunks)
        assert [n for n in (1, 2, 4, 8) if place(values, layout, shift).is_aligned(n)] == every


def test_searches_through_nothing_are_work() -> None:
    """Each takes its time on a GPU, where all of a team's lanes meet in it."""
    program = replace(make_program(SEARCHES), rounds=(("k", "k"),), paths=(("k", "m", "k"),))
    assert work_of(program, {"m": 0, "k": 1000}) == 10**6
    assert work_of(program, {"m": 2, "k": 30}) == 1800
    assert any(path[-2:] == ("k", "k") for path in make_program(SEARCHES).rounds)
    assert not any("m" in path for path in make_program(SEARCHES).rounds)


def test_random_cuda_programs_are_compiled_as_kernels_ship(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No faster: with less optimisation nvcc lets arrays overlap that are in use at once."""
    commands: list[list[str]] = []

    def fails(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 1, "", "stopped")

    monkeypatch.setattr("fuzz.run_cuda.require_cuda", lambda: ("nvcc",))
    monkeypatch.setattr("fuzz.run_cuda.find_device_architectures", lambda: ("90",))
    monkeypatch.setattr("fuzz.run_cuda.subprocess.run", fails)
    with pytest.raises(CompileError, match="stopped"):
        build_cuda([], tmp_path, "nothing")
    levels = [word for word in commands[0] if re.search("-O|-X(cicc|ptxas)|--ptxas|fast|fmad", word)]
    assert levels == ["-O3", "--fmad=false"]
    assert commands[0][commands[0].index("-Werror") + 1] == "all-warnings"


@pytest.mark.parametrize("fails", ["allocate", "copy", "launch"])
def test_what_the_cuda_driver_reports_ends_the_worker(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    """A library that stands in for one on a GPU: one of its functions fails."""

    class Library:
        fuzz_error = staticmethod(lambda status: b"error %d" % status)
        fuzz_release = staticmethod(lambda memory: None)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("fuzz_"):
                return lambda *_: 2 if name == f"fuzz_{fails}" else 0
            return type("table", (), {"__call__": lambda self, position: position})()

    monkeypatch.setattr("fuzz.run_cuda.has_gpu", lambda: True)
    program = make_program(SEEDS[0])
    loaded = load_text(program.text, f"{program.name}.yaml")
    compiled = compile_spec(loaded)
    call = next(iter(make_calls(program, loaded, compiled.kernel, 1, (3,), MOST_WORK)))
    source = cuda_source(compiled, [call], (draw_how("how"),))
    with pytest.raises(SystemExit, match="error 2"):
        run_cuda(Library(), source, call, 0)  # type: ignore[arg-type]


def test_no_name_of_a_program_is_a_dtype() -> None:
    make = Expressions.__new__(Expressions)
    make.count = 14
    assert [make.name("f") for _ in range(3)] == ["f15", "f16_", "f17"]
    assert make_program(3019).text.count("f16_ ") == 2


def test_a_launch_that_chooses_often_is_not_endless() -> None:
    """86 groups of 3 teams, which meet 15 times for each of 257 elements that they choose."""
    dispatch = Dispatch(None, teams=257, tiles=1, tile=32, lanes=32, teams_per_group=3)  # type: ignore[arg-type]
    assert most_accesses(dispatch, {"m": 257}) > 86 * 96 * 257 * 15 * 16


def test_a_program_that_no_call_is_small_enough_for_is_compiled() -> None:
    program = make_program(SEEDS[0])
    compiled = compile_spec(load_text(program.text, f"{program.name}.yaml"))
    assert cpu_source(compiled, ()).text.count("SGL_CPU_ENTRY(") == 1


def test_what_is_written_beside_a_tensor_is_seen() -> None:
    program = make_program(SEEDS[0])
    loaded = load_text(program.text, f"{program.name}.yaml")
    compiled = compile_spec(loaded)
    call = next(iter(make_calls(program, loaded, compiled.kernel, 1, (3,), MOST_WORK)))
    memory = lay_out(compiled.kernel, entry_of(compiled.record, call.types), call)
    assert not memory.strays()
    for name, item in memory.placed.items():
        item.memory.view(np.uint8)[0] ^= 1
        assert memory.strays() == name
        item.memory.view(np.uint8)[0] ^= 1


def test_programs_that_once_went_wrong_stay_right(tmp_path: Path) -> None:
    """Those of `tests/regressions`, hand-written and shrunk ones alike, in one batch."""
    said: list[dict[str, Any]] = []
    paths = sorted(REGRESSIONS.glob("*.yaml"))
    executors = executors_of(targets(), "both", no_passes=True)
    Batch(executors, said.append, has_shares=False).run_programs(
        [load_regression(path, n) for n, path in enumerate(paths)]
    )
    assert not [message for message in said if "finding" in message or "refusal" in message]
    assert sum("done" in message for message in said) == len(paths)


@pytest.mark.parametrize(("programs", "jobs"), [(1, 2), (12, 2), (100, 2), (2000, 2), (2000, 16)])
def test_batches_hold_every_program_once_and_never_few(programs: int, jobs: int) -> None:
    made = list(batches(range(programs), jobs))
    assert [seed for batch in made for seed in batch] == list(range(programs))
    assert min(map(len, made)) >= min(programs, LEAST_A_BATCH // 2)
    assert max(map(len, made)) <= MOST_A_BATCH


def test_a_finding_shrinks_to_what_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a compiler that takes no division, all that is left of a program is one."""
    program = make_program(DIVIDES)

    def fails(programs: Sequence[Program], *rest: object) -> tuple[int, bool]:
        found = rest[-1]
        assert isinstance(found, set)
        found |= {item.seed for item in programs if "/ 3.0" in item.text}
        return 0, True

    monkeypatch.setattr("fuzz.shrink._run", fails)
    small = shrink(program, Finding(program.seed, "cpu", "compile", ""))
    body = small.text.partition("body: |")[2]
    assert "/ 3.0" in body and len(body.split("\n")) <= 12, body
    assert small.drawn_from == program.seed


def test_shrinking_ends_in_time_with_what_it_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two programs at once, by a clock that goes on by 1 with each round: the smaller ones are kept."""
    rounds: list[str] = []
    sizes: dict[str, int] = {}

    def fails(
        programs: Sequence[Program], targets: str, finding: Finding, stopped: Stop, found: set[int]
    ) -> tuple[int, bool]:
        rounds.append(targets)
        found |= {item.seed for item in programs}
        return 0, True

    def keep(small: Program, finding: Finding) -> Path:
        sizes[finding.executor] = len(small.text)
        return tmp_path / finding.executor

    monkeypatch.setattr("fuzz.shrink._run", fails)
    monkeypatch.setattr("fuzz.shrink.save", keep)
    monkeypatch.setattr("fuzz.shrink.monotonic", lambda: float(len(rounds)))
    findings = [Finding(DIVIDES, executor, "mismatch", "") for executor in ("cpu", "metal")]
    kept: list[Path] = []
    shrink_all(findings, 2, lambda finding, path: kept.append(path), seconds=2.0)
    assert sorted(kept) == [tmp_path / "cpu", tmp_path / "metal"]
    assert 2 <= len(rounds) <= 4
    assert min(sizes.values()) < len(make_program(DIVIDES).text)


@pytest.mark.parametrize(("seed", "programs"), [(7000, 20), (fresh_seed(), 12)], ids=["fixed", "fresh"])
def test_programs_run_on_every_target_without_a_finding(seed: int, programs: int) -> None:
    """The programs of a fixed seed, and fresh ones; what is found names its seed."""
    outcome = run_programs(seed, programs, targets(), 2, quietly)
    said = "\n".join([f"programs from seed {seed}", *map(str, outcome.findings), summary(outcome)])
    assert not has_failed(outcome) and len(outcome.drawn) == programs, said
    assert outcome.programs >= programs - 2 and set(outcome.ran) == set(targets()), said
    assert all(count >= programs - 2 for count in outcome.ran.values()), said


def test_a_pair_that_no_program_has_is_missing() -> None:
    every = list(required(("passes", "cpu", "metal")))
    coverage = Coverage()
    for _ in range(LEAST):
        coverage.add(every[1:])
    assert coverage.missing(("passes", "cpu", "metal")) == [f"{every[0]}: 0"]
    assert not coverage.missing(("cpu", "metal"))


def test_constructs_are_counted_with_their_types() -> None:
    found: set[str] = set()
    for seed in range(5000, 5030):
        program = make_program(seed)
        loaded = load_text(program.text, f"{program.name}.yaml")
        found |= constructs(check_spec(loaded), [{"T": "f16"}])
    assert {
        "op add f32",
        "op add i64",
        "reduce sum f32",
        "load f16",
        "store f32",
        "for",
        "sequential",
    } <= found


@pytest.mark.parametrize(("fault", "kind"), [("os.abort()", "crash"), ("time.sleep(99)", "hang")])
def test_a_dying_worker_is_a_finding_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, kind: str
) -> None:
    """A worker that stands in for the real one dies at one program, and does the others."""
    worker = tmp_path / "fuzz" / "worker.py"
    worker.parent.mkdir()
    worker.write_text(
        "import json, os, sys, time\n"
        "for seed in map(int, sys.argv[2:]):\n"
        "    print(json.dumps({'at': seed, 'executor': 'cpu', 'call': 1}), flush=True)\n"
        f"    if seed == 3: {fault}\n"
        "    print(json.dumps({'done': seed, 'calls': 1, 'exact': False, 'unstable': 0}), flush=True)\n"
    )
    monkeypatch.delenv("PYTHONPATH", raising=False)  # which would lead to the real worker
    monkeypatch.setattr("fuzz.run.ROOT", tmp_path)
    monkeypatch.setattr("fuzz.run.SECONDS_A_STEP", 2.0)
    outcome = run_programs(0, 6, ("cpu",), 1, quietly)
    found = [(item.seed, item.executor, item.kind, item.call) for item in outcome.findings]
    assert found == [(3, "cpu", kind, 1)]
    assert outcome.programs == 5
    assert (outcome.folder / "fuzz_3.yaml").exists()
    assert Finding(3, "cpu", kind, "", 1).seed == 3


def test_what_a_worker_finds_fails_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A worker that stands in for the real one finds something in one program."""
    found = Finding(4, "cpu", "mismatch", "out[0] is 1, expected 2", 0)
    finds = f"    if seed == 4: say(finding={found.as_json()!r})"
    stand_in(monkeypatch, tmp_path, "for seed in seeds:", finds, "    done(seed)")
    outcome = run_programs(0, 6, ("cpu",), 1, quietly)
    assert outcome.findings == [found] and has_failed(outcome)
    assert not has_failed(run_programs(5, 1, ("cpu",), 1, quietly))


def test_a_program_that_a_worker_loses_fails_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A worker that ends as it should, and has told nothing of program 3."""
    stand_in(monkeypatch, tmp_path, "for seed in seeds:", "    if seed != 3: done(seed)")
    outcome = run_programs(0, 6, ("cpu",), 1, quietly)
    assert [(item.seed, item.kind) for item in outcome.findings] == [(3, "lost")]
    assert outcome.programs == 5 and has_failed(outcome)


def test_a_program_that_was_asked_for_and_not_run_fails_the_run() -> None:
    outcome = Outcome(7, ("cpu",), 3)
    for seed in (7, 9):
        outcome.hear({"done": seed, "calls": 1, "unstable": 0})
    assert has_failed(outcome)
    assert "asked for and not run: 1 program (8)" in summary(outcome)
    outcome.hear({"done": 8, "calls": 0, "unstable": 0, "unmade": 3, "uncalled": True})
    assert not has_failed(outcome)
    assert "not made, as no sizes were found for them: 3 calls" in summary(outcome)
    assert "without a call for the passes or for the targets: 1 program (8)" in summary(outcome)


def test_a_run_that_leaves_many_elements_out_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.summary.STANDARD_RUN", 2)
    outcome = Outcome(7, (), 2)
    outcome.hear({"done": 7, "calls": 1, "unstable": 2, "elements": 900})
    assert not has_failed(replace(outcome, asked=1))
    outcome.hear({"done": 8, "calls": 1, "unstable": 0, "elements": 1100})
    assert not has_failed(outcome)
    outcome.hear({"done": 8, "calls": 1, "unstable": 1, "elements": 0})
    assert has_failed(outcome) and "more than 0.1% of the elements were not compared" in summary(outcome)


def test_scratch_holds_nothing_for_the_first_launch_that_has_it() -> None:
    """In programs of several launches too, but not for a launch behind the one that filled it."""
    found = 0
    for program in map(make_program, range(1, 12)):
        compiled = compile_spec(load_text(program.text, f"{program.name}.yaml"))
        source = metal_source(compiled, (), ())
        for launch in source.launches[1:]:
            first, held = len(launch.tensors), {item.name: np.zeros(1) for item in launch.scratch}
            assert unwritten(source, launch, {}) == {first + n for n in range(len(held))}
            assert unwritten(source, launch, held) == set()
            found += len(held)
    assert found >= 3


@pytest.mark.parametrize(("programs", "refused", "fails"), [(20, 2, False), (20, 8, True), (2000, 41, True)])
def test_few_programs_may_be_refused_by_chance(programs: int, refused: int, fails: bool) -> None:
    outcome = Outcome(0, ("metal",), programs)
    for seed in range(programs):
        outcome.hear({"done": seed, "calls": 1, "unstable": 0})
    for seed in range(refused):
        for target in ("metal", "exact-metal"):
            outcome.hear({"refusal": {"seed": seed, "target": target, "construct": "a name"}})
    assert ("metal refused more than 2%" in summary(outcome)) == fails
    assert f"exact-metal refused {refused} programs:" not in summary(outcome)


def test_an_interrupted_run_keeps_what_it_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A worker tells a finding and goes on; the interrupt comes as soon as the finding is reported."""
    found = Finding(4, "cpu", "mismatch", "out[0] is 1, expected 2", 0)
    tells = f"say(relation='rows', seed=4); say(finding={found.as_json()!r})"
    stand_in(monkeypatch, tmp_path, tells, "time.sleep(9); open('ended', 'w')")
    written: list[str] = []

    def interrupt(outcome: Outcome) -> None:
        if not written:
            written.append((outcome.folder / "findings.jsonl").read_text())
            signal.raise_signal(signal.SIGINT)

    # A shell that starts the tests in the background has them ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(Interrupted) as stopped:
            run_programs(4, 2, ("cpu",), 1, interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.value.outcome.findings == [found]
    assert not stopped.value.outcome.relations  # of a program that did not come to its end
    assert "expected 2" in written[0] and not (tmp_path / "ended").exists()


def test_two_schedules_of_one_program_are_one_program_to_blame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The compiler dies on a batch that holds a program and the same program with another schedule."""
    program = next(item for item in map(make_program, range(200)) if with_other_schedule(item))
    sources: list[object] = []

    def dies(given: list[object], *_: object) -> None:
        sources.extend(given)
        raise SystemExit

    target = replace(TARGETS["metal"], write=lambda item: item.program.name, build=dies)
    monkeypatch.setitem(TARGETS, "metal", target)
    said: list[dict[str, Any]] = []
    with pytest.raises(SystemExit):
        Batch(("metal",), said.append).run_programs([program])
    assert len(sources) == 2
    assert said[-1] == {"at": program.seed, "executor": "metal compile", "batch": 1}


def test_a_batch_that_cannot_be_divided_is_blamed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A compiler that dies on program 3, whatever it is compiled with, and says it has two."""
    stand_in(
        monkeypatch,
        tmp_path,
        "if 3 in seeds:",
        "    say(at=seeds[0], executor='metal compile', batch=max(2, len(seeds)))",
        "    os.abort()",
        "for seed in seeds: done(seed)",
    )
    outcome = run_programs(0, 8, ("metal",), 1, quietly)
    assert [(item.seed, item.executor, item.kind) for item in outcome.findings] == [
        (3, "metal compile", "crash")
    ]
    assert outcome.programs == 7


@pytest.mark.parametrize("is_there", [True, False])
def test_a_call_that_no_target_runs_is_not_counted(monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    """A target that only compiles gives no memory; one that runs gives what it was to give."""
    ran: list[object] = []

    def run(built: object, name: object, call: object, number: int) -> object:
        ran.append(call)
        return (object(), ()) if is_there else None

    says = {"write": lambda item: item.program.name, "build": lambda *_: 1, "ways": lambda *_: ()}
    target = replace(TARGETS["cuda"], **says, run=run)
    monkeypatch.setitem(TARGETS, "cuda", target)
    monkeypatch.setattr(Batch, "_compare", lambda *_: None)
    said: list[dict[str, Any]] = []
    Batch(("cuda",), said.append).run_programs([make_program(SEEDS[0])])
    assert [message["calls"] for message in said if "done" in message] == [3 if is_there else 0]
    assert len(ran) >= 3


def test_a_standard_run_with_a_refused_program_must_reach_everything() -> None:
    outcome = Outcome(1, ("cpu",))
    for seed in range(1, STANDARD_RUN):
        outcome.hear({"done": seed, "calls": 1, "unstable": 0})
    assert not has_failed(outcome)
    outcome.hear({"refusal": {"seed": STANDARD_RUN, "target": "check", "construct": "a name"}})
    assert has_failed(outcome)
    assert "pairs of construct and way were in fewer than" in summary(outcome)


def test_what_a_dead_worker_told_of_programs_that_run_again_counts_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Program 1 is through and program 3 is refused when the worker dies at program 2."""
    stand_in(
        monkeypatch,
        tmp_path,
        "for seed in seeds:",
        "    say(coverage=[f'op {seed}'], seed=seed)",
        "    say(relation='rows', seed=seed)",
        "if 3 in seeds: say(refusal={'seed': 3, 'target': 'check', 'construct': 'a name'}, seed=3)",
        "for seed in seeds:",
        "    say(at=seed, executor='cpu', call=0)",
        "    if seed == 2: os.abort()",
        "    if seed != 3: done(seed)",
    )
    outcome = run_programs(1, 4, ("cpu",), 1, quietly)
    assert outcome.coverage.pairs == {f"op {seed}": 1 for seed in range(1, 5)}
    assert outcome.relations == {"rows": 4} and len(outcome.refusals) == 1
    assert outcome.programs == 2 and outcome.drawn == {1, 2, 3, 4}


def test_strides_of_what_is_written_are_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """With those that the shape gives in their place, some program of a few goes wrong."""
    right = memory._member

    def wrong(field: Any, record: Any, given: memory.Memory) -> Any:
        if field.kind != "stride" or record.kernel.tensors()[field.tensor].role == "input":
            return right(field, record, given)
        placed = given.placed.get(field.tensor)
        return 0 if placed is None else int(np.prod(placed.shape[field.axis + 1 :]))

    programs = [make_program(seed) for seed in SEEDS[:12]]
    for member, is_right in ((right, True), (wrong, False)):
        monkeypatch.setattr(memory, "_member", member)
        said: list[dict[str, Any]] = []
        Batch(("cpu",), said.append).run_programs(programs)
        assert (not [message for message in said if "finding" in message]) == is_right


def test_calls_and_what_goes_with_them_take_other_threads() -> None:
    threads: list[int] = []

    def run(library: Any, *given: Any) -> Any:
        ran = TARGETS["cpu"].run(library, *given)
        threads.append(library.omp_get_max_threads())
        return ran

    batch = Batch(("cpu",), lambda message: None)
    items = [batch.prepare(make_program(seed)) for seed in SEEDS[:20]]
    item = next(item for item in items if item and any(twin.relation == LAUNCH for twin in item.twins))
    with tempfile.TemporaryDirectory() as folder:
        batch._run_target(replace(TARGETS["cpu"], run=run), [item], Path(folder))
    assert len(threads) == len(item.runs) > len(item.calls)
    for twin, taken in zip(item.twins, threads[len(item.calls) :], strict=True):
        assert twin.relation != LAUNCH or taken != threads[twin.of]
