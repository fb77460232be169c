"""What users of `build.py fuzz` meet: its messages, its progress, and the command that shows a finding."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from stand_in_worker import quietly, stand_in

import build
from codegen.failures import Failure
from fuzz import faults, plant
from fuzz.command import EXIT_INTERRUPTED, executors_of
from fuzz.coverage import LEAST, required
from fuzz.finding import Finding
from fuzz.plant import start
from fuzz.run import Outcome, run_programs
from fuzz.run_cpu import require_cpu
from fuzz.run_cuda import require_cuda
from fuzz.shrink import shrink_all
from fuzz.stop import Stop
from fuzz.summary import again, summary

ALL = ("passes", "cpu", "metal", "small-teams", "exact-cpu", "exact-metal")
# What a worker does that interrupts the command, and would take long to come to its end.
INTERRUPTS = (
    "import signal",
    "os.kill(os.getppid(), signal.SIGINT)",
    "time.sleep(9); open('ended', 'w')",
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--targets", "gpu"], "unknown target 'gpu'; expected some of cpu, metal, cuda"),
        (["--targets", "cpu,"], "unknown target ''; expected some of cpu, metal, cuda"),
        (["--mode", "ring"], "unknown mode 'ring'; expected one of both, float, exact"),
        (["--programs", "0"], "--programs 0: expected a whole number from 1 on"),
        (["--programs", "many"], "--programs many: expected a whole number from 1 on"),
        (["--seed", "-4"], "--seed -4: expected a whole number from 0 on"),
        (["--seed", "abc"], "--seed abc: expected a whole number from 0 on"),
        (["--seed", "1" * 30], f"--seed {'1' * 30}: expected a whole number from 0 on of at most 18 digits"),
        (["--record", "."], "--record .: expected the name of a file to write, and this is a folder"),
        (["--jobs", "-2"], "--jobs -2: expected a whole number from 0 on; 0 is one a core"),
    ],
)
def test_bad_arguments_get_one_message(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert build.main(["fuzz", *arguments]) == 1
    assert capsys.readouterr().err == f"error: {said}\n"


def test_a_run_on_nothing_is_refused() -> None:
    with pytest.raises(Failure, match="nothing would run: the exact mode is for cpu, metal"):
        executors_of(("cuda",), "exact", no_passes=False)


def test_a_missing_compiler_gets_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.run_cpu.find_program", lambda name: None)
    require = require_cpu.__wrapped__  # which remembers nothing
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(
        Failure, match=r"no C\+\+ compiler was found \(looked for g\+\+, c\+\+ and clang\+\+\)"
    ):
        require()
    monkeypatch.setenv("CXX", "no-such -m64")
    with pytest.raises(Failure, match=r"looked for no-such, which CXX names"):
        require()
    monkeypatch.setenv("CUDACXX", "no-such-nvcc")
    with pytest.raises(Failure, match="no-such-nvcc, which CUDACXX names, is none; install the CUDA toolkit"):
        require_cuda.__wrapped__()


def test_compilers_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, said in (("my-c++", ""), ("my-nvcc", "Cuda compilation tools, release 12.9")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {said}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr("fuzz.run_cuda.PROBES", tmp_path / "probes.json")
    monkeypatch.setenv("CXX", f"{tmp_path}/my-c++ -m64")
    monkeypatch.setenv("CUDACXX", f"{tmp_path}/my-nvcc")
    assert require_cpu.__wrapped__() == (f"{tmp_path}/my-c++", "-m64")
    assert require_cuda.__wrapped__() == (f"{tmp_path}/my-nvcc",)


@pytest.mark.parametrize(
    ("executor", "ran", "words"),
    [
        ("cpu", ALL, "--targets cpu --mode float --no-passes"),
        ("metal compile", ALL, "--targets metal --mode float --no-passes"),
        ("small-teams compile", ALL, "--targets metal --mode float --no-passes"),
        ("exact-metal", ALL, "--targets metal --mode exact"),
        ("exact interpreter", ALL, "--targets cpu,metal --mode exact"),
        ("check", ALL, "--targets cpu,metal --mode float"),
        ("pass fuse", ALL, "--targets cpu,metal --mode float"),
        ("check", ("exact-cpu",), "--targets cpu --mode exact"),
        ("interpreter", ("cuda",), "--targets cuda --mode float --no-passes"),
    ],
)
def test_a_finding_names_the_command_that_shows_it(executor: str, ran: tuple[str, ...], words: str) -> None:
    said = again(Finding(7, executor, "mismatch", ""), ran)
    assert said == f"python build.py fuzz --seed 7 --programs 1 {words}"


def test_a_run_says_how_far_it_is_and_what_is_seen_least() -> None:
    outcome = Outcome(1, ("passes", "cpu", "exact-cpu"), 6_000)
    for seed in range(1, 2_001):
        outcome.hear({"done": seed, "calls": 3, "unstable": 0, "exact": seed == 1})
    lines = summary(outcome).split("\n")
    assert lines[0] == "2,000 of 6,000 programs, 6,000 calls, 0 findings"
    assert lines[1] == "1 of them ran in the exact mode too"
    assert f"cpu: 0 of {len(list(required(['cpu'])))} pairs in {LEAST} programs or more" in lines
    assert "  0 for / cpu" in lines
    assert "pairs in" not in summary(Outcome(1, ("cpu",), 1))


@pytest.mark.parametrize("is_there", [True, False])
def test_a_summary_says_where_programs_were_only_compiled(
    monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    monkeypatch.setattr("fuzz.run_cuda.has_gpu", lambda: is_there)
    said = "programs were compiled for CUDA, and none of them ran there"
    assert (said in summary(Outcome(1, ("passes", "cuda")))) != is_there
    assert said not in summary(Outcome(1, ("passes", "cpu")))


def test_a_run_that_is_repeated_keeps_a_finding_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("fuzz.run.ROOT", tmp_path)
    for message in ("first", "second", "first"):
        outcome = Outcome(4, ("cpu",), 1)
        outcome.find(Finding(4, "cpu", "mismatch", message))
    lines = (outcome.folder / "findings.jsonl").read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["first", "second"]


def test_what_kills_a_worker_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It dies of many programs, so that they are tried again by halves, and then of one."""
    stand_in(
        monkeypatch,
        tmp_path,
        "import signal",
        "say(at=seeds[0], executor='cpu compile', batch=len(seeds))",
        "if 2 in seeds: os.kill(os.getpid(), signal.SIGKILL)",
        "for seed in seeds: done(seed)",
    )
    outcome = run_programs(1, 2, ("cpu",), 1, quietly)
    killed = "SIGKILL (from outside, or because memory ran out)"
    note = f"2 programs from 1 on, cpu compile: worker ended: {killed}; tried again in two halves"
    assert outcome.notes == [note]
    assert [str(item) for item in outcome.findings] == [f"program 2, cpu compile: crash: {killed}"]


def test_an_interrupt_ends_what_shrinks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, tmp_path, *INTERRUPTS)
    monkeypatch.setattr("fuzz.shrink.ROOT", tmp_path)
    monkeypatch.setattr("fuzz.shrink.REGRESSIONS", tmp_path)
    kept: list[Path] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            shrink_all([Finding(7, "cpu", "mismatch", "")], 1, lambda finding, path: kept.append(path))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not kept and not (tmp_path / "ended").exists() and not list(tmp_path.glob("*.yaml"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--programs", "few"], "--programs few: expected a whole number from 1 on"),
        (["--jobs", "0"], "--jobs 0: expected a whole number from 1 on"),
        (["a loop", "no such"], "no fault is called no such; fuzz/planted_faults/ names them"),
    ],
)
def test_a_search_for_faults_says_what_it_takes(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert faults.main(arguments) == 1
    assert capsys.readouterr().err == f"error: {said}\n"


def test_an_interrupt_ends_a_search_for_faults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, tmp_path, *INTERRUPTS)
    monkeypatch.setattr("fuzz.plant.stop", Stop())
    monkeypatch.setattr("fuzz.faults.stop", plant.stop)
    monkeypatch.setattr("fuzz.faults.run_in", lambda *_: None)
    monkeypatch.setattr("fuzz.faults.find", lambda *_: start(tmp_path, "fuzz.worker", "cpu", "1"))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert faults.main(["--jobs", "1"]) == EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "interrupted\n"
    assert not (tmp_path / "ended").exists()
