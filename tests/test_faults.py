"""Trust in the fuzzer: it sees planted faults, and whoever blinds it is seen.

`python -m fuzz.faults` looks for every fault from the first program of the standard run on. Here the programs
that it found are run again, for some faults that stay the same and for others with every change.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from fresh_seed import fresh_seed

from backends.cpu import emit as cpu
from backends.metal import emit as metal
from backends.metal.emulator import EmulatorUnavailable
from backends.metal.emulator.compile import require
from codegen.pipeline import compile_spec
from codegen.record import make_record
from fuzz import inputs
from fuzz.batch import TARGETS
from fuzz.blinders import BLINDERS, Blinder
from fuzz.coverage import STANDARD_RUN
from fuzz.faults import GENERATOR, _in_turn, find
from fuzz.finding import SMALL_TEAMS
from fuzz.found_faults import Found, digest_of_calls, is_stale, keep, load_found, save
from fuzz.plant import KINDS, Fault, planted, run_in
from fuzz.planted_faults import DOES_NOT_APPLY, FAULTS, PARTS
from fuzz.program import make_program
from fuzz.reading.body import READING
from fuzz.texts import load, make
from kernel_ir.load import load_text

ROOT = Path(__file__).parent.parent
FOUND = load_found()
FRESH = 5


def sample() -> list[Fault]:
    """The faults that blinders hide, and some that are others with every change."""
    hidden = {item.hides for item in BLINDERS}
    fixed = [fault for fault in FAULTS if fault.name in hidden]
    rest = [fault for fault in FAULTS if fault.name not in hidden]
    return fixed + random.Random(fresh_seed()).sample(rest, FRESH)


def has_emulator() -> bool:
    try:
        require()
    except EmulatorUnavailable:
        return False
    return True


def skip_without_emulator(fault: Fault) -> None:
    if fault.shown_by in ("metal", SMALL_TEAMS) and not has_emulator():
        pytest.skip("the Metal emulator cannot run here")


def test_every_fault_has_its_place() -> None:
    """Each fault's text stands exactly once in its file, so that planting it changes what it says."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for fault in (*FAULTS, *(item.fault for item in BLINDERS)):
        text = (ROOT / fault.file).read_text(encoding="utf-8")
        assert text.count(fault.right) == 1 and fault.right != fault.wrong, fault.name


def test_every_part_has_every_kind_of_fault() -> None:
    """A kind that a part lacks has a reason; one that it has needs none."""
    for part, faults in PARTS.items():
        kinds = Counter(fault.kind for fault in faults)
        missing = {kind for kind in KINDS if not kinds[kind]}
        assert missing == set(DOES_NOT_APPLY.get(part, {})), part
        assert set(kinds) <= set(KINDS), part


def test_kept_forms_depend_on_all_that_programs_are_made_by() -> None:
    """Whatever `fuzz.program` imports, by way of others too: a change to it changes programs."""
    found, left = set(), ["program"]
    while left:
        found.add(name := left.pop())
        text = (ROOT / "fuzz" / f"{name}.py").read_text(encoding="utf-8")
        left += set(re.findall(r"^from fuzz\.(\w+) import", text, re.MULTILINE)) - found
    assert found <= set(GENERATOR)


def test_what_is_kept_of_a_program_is_compiled_as_the_program_is(tmp_path: Path) -> None:
    """Else the search would ask of other texts than those that run whether a fault concerns them."""
    make(range(1, 5), path := tmp_path / "forms")
    for seed, form in load(path).items():
        loaded = load_text(make_program(seed).text, f"fuzz_{seed}.yaml")
        compiled = compile_spec(loaded)
        record = make_record(loaded, compiled.kernel)
        for target, write in (("cpu", cpu.emit), ("metal", metal.write)):
            assert form.texts[target] == "\n".join(write(compiled.program, record).values()), (seed, target)


def test_every_fault_was_found() -> None:
    """`python -m fuzz.faults --record` writes the table, all of it or a part."""
    assert FOUND.keys() == {fault.name for fault in FAULTS}


def test_every_kept_program_runs_again_where_it_was_found() -> None:
    """What failed as a program was checked failed for the calls of an executor, and runs on some."""
    known = {*TARGETS, "passes", READING}
    assert {name for found in FOUND.values() for name in found.target.split(",")} <= known
    assert "check" in {found.executor for found in FOUND.values()}


@pytest.mark.parametrize("fault", sample(), ids=lambda fault: fault.name)
def test_a_planted_fault_is_seen(fault: Fault) -> None:
    """The program that showed a fault shows it again, or another one after the compiler has changed."""
    skip_without_emulator(fault)
    found = FOUND[fault.name]
    with planted(fault) as root:
        finding = run_in(root, found.target, [found.program()])
    if finding is None:
        finding, _ = find(fault, most=100)
    assert finding is not None, f"to look for it again: python -m fuzz.faults --record {fault.name!r}"


def test_without_a_fault_nothing_is_seen() -> None:
    programs = {found.seed: found.program() for found in (FOUND[fault.name] for fault in sample())}
    executors = "reading,passes,cpu,metal,small-teams" if has_emulator() else "reading,passes,cpu"
    with planted() as root:
        assert run_in(root, executors, list(programs.values())) is None


@pytest.mark.parametrize("blinder", BLINDERS, ids=lambda blinder: blinder.fault.name)
def test_who_blinds_the_fuzzer_is_seen(blinder: Blinder) -> None:
    """With a fault in the fuzzer too, a planted fault goes unseen: the first of these tests fails then."""
    fault = next(item for item in FAULTS if item.name == blinder.hides)
    skip_without_emulator(fault)
    found = FOUND[fault.name]
    with planted(fault, blinder.fault) as root:
        assert run_in(root, found.target, [found.program()]) is None


def test_the_search_passes_over_what_a_fault_does_not_concern() -> None:
    fault = next(item for item in FAULTS if item.name == "the upper end is inside")
    finding, run = find(fault, most=100)
    assert finding is not None and 1 <= run < finding.seed


def test_found_programs_are_kept(tmp_path: Path) -> None:
    """A kept program is the one that was found, whatever the generator does later; others are removed."""
    program = next(item for item in map(make_program, range(100)) if item.rounds)
    stale = keep(replace(program, text=""), tmp_path)
    found = {"some fault": Found(program.seed, 1, "cpu", "mismatch", keep(program, tmp_path))}
    save(found, tmp_path)
    assert load_found(tmp_path) == found
    assert found["some fault"].program(tmp_path) == program
    assert not (tmp_path / stale).exists()


def test_a_kept_program_is_stale_once_it_or_a_call_is_drawn_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = make_program(2)
    file, calls = keep(program, tmp_path), digest_of_calls(program)
    found = Found(2, 1, "cpu", "mismatch", file, calls)
    assert not is_stale(found, tmp_path)
    assert is_stale(replace(found, seed=3), tmp_path)
    assert is_stale(replace(found, calls=""), tmp_path)
    beyond = keep(make_program(STANDARD_RUN + 1), tmp_path)
    assert is_stale(replace(found, seed=STANDARD_RUN + 1, file=beyond), tmp_path)
    monkeypatch.setattr(inputs, "EMPTY_SHARE", 1.0)
    assert is_stale(found, tmp_path)


def test_what_is_known_is_tried_first() -> None:
    assert list(_in_turn([7], iter(range(1, 8)))) == [[7], [1, 2, 3, 4], [5, 6, 7]]
