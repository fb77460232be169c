"""What a worker does with a batch of programs: check, run the passes, compile together, run, compare.

What happens is told by `say` as it happens, so that whoever listens knows where a crash or a hang came from.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from backends.metal.emulator import ShaderError
from codegen import lowered as low
from codegen.failures import describe
from codegen.pipeline import Compiled, Stage, compile_spec, compile_stages
from codegen.record import make_record
from fuzz.check_passes import check_passes, expect_in_float64
from fuzz.compare import Expected, expect
from fuzz.coverage import COVERAGE, constructs, pairs_of
from fuzz.exact.calls import with_any_bits
from fuzz.exact.interpret import ExactlyExpected, expect_exactly
from fuzz.exact.run_cpu import build_exact_cpu
from fuzz.exact.run_metal import build_exact_metal
from fuzz.finding import SMALL_TEAMS, Finding
from fuzz.inputs import AWKWARD, SMALL, UNEVEN, Call, make_calls, make_stream_calls
from fuzz.memory import Memory
from fuzz.metamorphic import LAUNCH, Ledger, Twin, draw_launches, draw_twins
from fuzz.metamorphic_text import check_rewritten, with_other_schedule
from fuzz.program import Program, make_program
from fuzz.reading.body import READING, check_reading
from fuzz.run_cpu import CompileError, build_cpu, cpu_source, cpu_ways, require_cpu, run_cpu
from fuzz.run_cuda import build_cuda, cuda_source, cuda_ways, require_cuda, run_cuda
from fuzz.run_metal import (
    How,
    build_metal,
    draw_another,
    draw_how,
    draw_shipped,
    metal_source,
    metal_ways,
    require_metal,
    run_metal,
)
from fuzz.small_teams import SMALL_TEAMS_SHARE, run_small_teams, small_teams_source
from fuzz.streams import STREAMS, beside
from kernel_ir import nodes as ir
from kernel_ir.errors import SpecError, TargetError
from kernel_ir.load import LoadedSpec, load_text

Say = Callable[[dict[str, Any]], None]

CALLS = 3
MOST_WORK = 6_000  # iterations of one call on a target
MOST_PASS_WORK = 80  # of one call that is interpreted after every pass
MOST_UNEVEN_WORK = 140  # and of another one, with long ranges
PASS_DRAWS = ((SMALL, MOST_PASS_WORK), (UNEVEN, MOST_UNEVEN_WORK))
EXACT_SHARE = 4  # one program in so many runs in the exact mode, where others run too


@dataclass(slots=True)
class Item:
    """A program of the batch on its way."""

    program: Program
    compiled: Compiled
    stages: tuple[Stage, ...]
    calls: tuple[Call, ...]
    expected: tuple[Mapping[str, Expected | ExactlyExpected], ...]
    twins: tuple[Twin, ...] = ()
    relation: str = ""  # to the program of the same seed, with which it must agree
    sources: dict[str, Any] = field(default_factory=dict)

    @property
    def runs(self) -> tuple[Call, ...]:
        """The calls, and those that go with them."""
        return (*self.calls, *(twin.call for twin in self.twins))

    @property
    def hows(self) -> tuple[How, ...]:
        """How each run goes through a target's variants.

        What a lane keeps in registers follows from sizes, and may decide in which order parts of a team are
        added up; so what goes with a call has as many turns as the call.
        """
        seed = self.program.drawn_from
        draw_one = draw_shipped if seed >= STREAMS else draw_how
        drawn = [draw_one(f"how {seed} {number}") for number in range(len(self.runs))]
        followed = zip(self.twins, drawn[len(self.calls) :], strict=True)
        return (*drawn[: len(self.calls)], *(self._how(twin, how, drawn[twin.of]) for twin, how in followed))

    def _how(self, twin: Twin, how: How, followed: How) -> How:
        if twin.relation == LAUNCH:
            return draw_another(f"launch {self.program.drawn_from}", followed)
        return how.with_turns_of(followed)


class Batch:
    """A batch under way."""

    def __init__(self, targets: Sequence[str], say: Say, has_shares: bool = True) -> None:
        """`has_shares`: as in a run, some executors take a share of the programs."""
        self.targets, self.has_shares = tuple(targets), has_shares
        self.exact_share = EXACT_SHARE if has_shares and set(targets) - EXACT.keys() else 1
        self.say = say
        self.only_counts = COVERAGE in self.targets
        self.spent: defaultdict[str, float] = defaultdict(float)  # seconds of a core by what they went into
        self.unmade: Counter[int] = Counter()  # calls that no sizes were found for, by seed
        self.uncalled: set[int] = set()  # seeds of programs that have none for some executor
        self.called: defaultdict[int, set[int]] = defaultdict(set)  # which calls ran somewhere, by seed
        self.runs: defaultdict[int, Counter[str]] = defaultdict(Counter)  # how many, by seed and executor
        self.counted: defaultdict[int, set[str]] = defaultdict(set)  # pairs that were told, by seed
        self._stage, self._since = "start", seconds_of_cores()

    def run(self, seeds: Sequence[int]) -> None:
        """Everything for the programs of these seeds, and for the streams beside them."""
        streams = [stream for seed in seeds if (stream := beside(seed)) is not None]
        made = (self._guard(seed, "generate", make_program, seed) for seed in (*seeds, *streams))
        self.run_programs([program for program in made if program is not None])

    def run_programs(self, programs: Sequence[Program]) -> None:
        """Everything for these programs, whose seeds and names differ."""
        made = (self._guard(item.seed, "check", self.prepare, item) for item in programs)
        items = [item for item in made if item is not None]
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            others = [other for item in items if (other := self._other(item)) is not None]
            for target in [name for name in TARGETS if name in self.targets]:
                more = others if target in GPUS else []
                self._run_target(TARGETS[target], [*self._taken(target, items), *more], Path(folder))
            exact = self._exact_items(items)
            for target in [name for name in EXACT if name in self.targets]:
                self._run_target(EXACT[target], exact, Path(folder))
        ran_exactly = {item.program.seed for item in exact}
        for item in items:
            seed, calls = item.program.seed, len(self.called[item.program.seed])
            done = {"done": seed, "calls": calls, "exact": seed in ran_exactly}
            done |= {"unstable": _unstable(item), "elements": _elements(item)}
            done |= {"unmade": self.unmade[seed], "uncalled": seed in self.uncalled}
            self.say({**done, "runs": self.runs[seed]})
        self._enter("end")
        self.say({"seconds": {stage: round(spent, 3) for stage, spent in self.spent.items()}})

    def _at(self, seed: int, executor: str, **more: int) -> None:
        """Tell what comes next, so that whoever listens knows what a crash or a hang befell."""
        self._enter(executor)
        self.say({"at": seed, "executor": executor, **more})

    def _enter(self, stage: str) -> None:
        now = seconds_of_cores()
        self.spent[self._stage] += now - self._since
        self._stage, self._since = stage, now

    def _guard(self, seed: int, executor: str, work: Callable[[Any], Any], given: Any) -> Any:
        """The work's result; what it raises is a finding."""
        self._at(seed, executor)
        try:
            return work(given)
        except Exception as error:
            self._find(Finding(seed, executor, "error", describe(error)[0]))
            return None

    def _find(self, finding: Finding) -> None:
        self.say({"finding": finding.as_json()})

    def _refuse(self, seed: int, target: str, construct: str) -> None:
        self.say({"refusal": {"seed": seed, "target": target, "construct": construct}, "seed": seed})

    # -- one program ----------------------------------------------------------------------------

    def prepare(self, program: Program) -> Item | None:
        """The program, its calls and what they must give; None where it is refused."""
        seed = program.seed
        try:
            loaded = load_text(program.text, f"{program.name}.yaml")
            stages = tuple(compile_stages(loaded))
        except SpecError as error:
            first = error.diagnostics[0]
            self._refuse(seed, "check", f"{first.code}: {first.message}")
            return None
        kernel, lowered = stages[0].form, stages[-1].form
        assert isinstance(kernel, ir.Kernel) and isinstance(lowered, low.Program)
        compiled = Compiled(loaded, kernel, make_record(loaded, kernel), lowered)
        if {"passes", READING} & set(self.targets):
            self._check_meaning(program, loaded, stages)
        self._at(seed, "interpreter")
        count = CALLS if set(self.targets) - {"passes", READING} else 0
        calls = calls_of_targets(program, loaded, kernel) if count else ()
        self._note_unmade(seed, count, len(calls))
        again = draw_launches(program, calls)
        if self.only_counts:
            return Item(program, compiled, stages, calls, (), again)
        for relation, off in check_rewritten(program, compiled):
            self.say({"relation": relation, "seed": seed})
            if off:
                self._find(Finding(seed, "check", relation, off))
        if not set(self.targets) & TARGETS.keys():
            return Item(program, compiled, stages, calls, ())
        expected = tuple(expect(kernel, call) for call in calls)
        twins = (*draw_twins(program, loaded, kernel, calls), *again)
        return Item(program, compiled, stages, calls, expected, twins)

    def _note_unmade(self, seed: int, wanted: int, made: int) -> None:
        self.unmade[seed] += wanted - made
        if made == 0 < wanted:
            self.uncalled.add(seed)

    def _check_meaning(self, program: Program, loaded: LoadedSpec, stages: Sequence[Stage]) -> None:
        """Whether Python reads the body alike, and every step of the compiler keeps what it means."""
        seed, kernel = program.seed, stages[0].form
        assert isinstance(kernel, ir.Kernel)
        self._at(seed, "passes")
        calls = calls_of_passes(program, loaded, kernel)
        self._note_unmade(seed, len(PASS_DRAWS), len(calls))
        wanted = [] if self.only_counts else [(call, expect_in_float64(kernel, call)) for call in calls]
        if "passes" in self.targets:
            for finding in check_passes(seed, stages, wanted):
                self._find(finding)
            self.runs[seed]["passes"] += len(calls)
            seen = constructs(kernel, [call.types for call in calls])
            self._count_pairs(seed, pairs_of(seen, "passes", ("interpreted",)))
        self._at(seed, READING)
        for call, expected in wanted[:1]:
            if off := check_reading(program.text, call, expected):
                self._find(Finding(seed, READING, "mismatch", off, 0))

    def _taken(self, target: str, items: Sequence[Item]) -> list[Item]:
        return [item for item in items if not self.has_shares or takes(target, item.program.drawn_from)]

    def _exact_items(self, items: Sequence[Item]) -> list[Item]:
        """Those of the items that run in the exact mode, with calls and outputs of their own."""
        if not set(self.targets) & EXACT.keys():
            return []
        chosen = [item for item in items if item.program.drawn_from % self.exact_share == 0]
        made = (self._guard(item.program.seed, "exact interpreter", exactly, item) for item in chosen)
        return [item for item in made if item is not None]

    def _other(self, item: Item) -> Item | None:
        """The program with another schedule, now and then, to run on the same calls."""
        program = with_other_schedule(item.program) if set(self.targets) & set(GPUS) else None
        if program is None:
            return None
        loaded = load_text(program.text, f"{program.name}.yaml")
        compiled = self._guard(program.seed, "check", compile_spec, loaded)
        return compiled and Item(program, compiled, (), item.calls, item.expected, relation="schedule")

    # -- one target -----------------------------------------------------------------------------

    def _run_target(self, target: Target, items: Sequence[Item], folder: Path) -> None:
        """Write and compile all programs at once, or one by one where that fails; run and compare."""
        written = [item for item in items if self._write(target, item)]
        if self.only_counts:
            for item in written:
                self._count(target.name, item, target.ways(item.sources[target.name], item.runs))
            return
        ledgers: dict[int, Ledger] = {}
        for group, built in self._build(target, written, folder):
            for item in group:
                self._count(target.name, item, target.ways(item.sources[target.name], item.runs))
                ledger = ledgers.setdefault(item.program.seed, Ledger(item.compiled.kernel))
                self.runs[item.program.seed][target.name] += 0
                for number, call in enumerate(item.runs):
                    self._at(item.program.seed, target.name, call=number)
                    ran = target.run(built, item.sources[target.name], call, number)
                    if ran is not None:
                        self.runs[item.program.seed][target.name] += 1
                        self._note_call(item, number)
                        self._compare(target.name, item, number, *ran, ledger)

    def _note_call(self, item: Item, number: int) -> None:
        if number < len(item.calls):
            self.called[item.program.seed].add(number)

    def _count(self, target: str, item: Item, ways: Iterable[str]) -> None:
        seen = constructs(item.compiled.kernel, [call.types for call in item.calls])
        self._count_pairs(item.program.seed, pairs_of(seen, target, ways))

    def _count_pairs(self, seed: int, pairs: Sequence[str]) -> None:
        """Tell what a program has, once: with another schedule it is the same program."""
        fresh = [pair for pair in pairs if pair not in self.counted[seed]]
        self.counted[seed].update(fresh)
        self.say({"coverage": fresh, "seed": seed})

    def _write(self, target: Target, item: Item) -> bool:
        seed = item.program.seed
        self._at(seed, f"{target.name} write")
        try:
            item.sources[target.name] = target.write(item)
        except TargetError as error:
            self._refuse(seed, target.name, str(error).removeprefix(f"{item.program.name}: "))
        except Exception as error:
            self._find(Finding(seed, target.name, "error", describe(error)[0]))
        return item.sources.get(target.name) is not None

    def _build(self, target: Target, items: list[Item], folder: Path) -> Iterator[tuple[list[Item], Any]]:
        if not items:
            return
        seeds = [item.program.seed for item in items]
        self._at(seeds[0], f"{target.name} compile", batch=len(set(seeds)))
        try:
            sources = [item.sources[target.name] for item in items]
            yield items, target.build(sources, folder, f"{target.name}_{seeds[0]}_{len(seeds)}")
        except (CompileError, ShaderError) as error:
            if len(items) == 1:
                self._find(Finding(seeds[0], target.name, "compile", str(error)[:2000]))
                return
            half = len(items) // 2
            yield from self._build(target, items[:half], folder)
            yield from self._build(target, items[half:], folder)

    def _compare(
        self, target: str, item: Item, number: int, memory: Memory, found: Sequence[str], ledger: Ledger
    ) -> None:
        seed = item.program.seed
        for message in found[:1]:
            self._find(Finding(seed, target, "checked", message, number))
        if stray := memory.strays():
            self._find(Finding(seed, target, "memory", f"something was written beside {stray}", number))
        if item.relation:
            same = Twin(item.relation, number, item.calls[number], lambda given: given)
            self._relate(target, item, same, memory, ledger)
            return
        if number >= len(item.calls):
            self._relate(target, item, item.twins[number - len(item.calls)], memory, ledger)
            return
        ledger.keep(number, memory.outputs())
        for name, values in memory.outputs().items():
            off = item.expected[number][name].difference(name, values)
            if off is not None:
                self._find(Finding(seed, target, "mismatch", str(off), number))
                return

    def _relate(self, target: str, item: Item, twin: Twin, memory: Memory, ledger: Ledger) -> None:
        """Compare a run with the one that it goes with."""
        self.say({"relation": f"{twin.relation} on {target}", "seed": item.program.seed})
        off = ledger.difference(twin, memory.outputs())
        if off:
            self._find(Finding(item.program.seed, target, twin.relation, off, twin.of))


@dataclass(frozen=True, slots=True)
class Target:
    """How one target's sources are written, compiled together, and run, of one program in `share`.

    What is written is None where no call of a program is for the target.
    """

    name: str
    require: Callable[[], Any]
    write: Callable[[Item], Any]
    build: Callable[[list[Any], Path, str], Any]
    ways: Callable[[Any, Sequence[Call]], Iterable[str]]
    run: Callable[[Any, Any, Call, int], tuple[Memory, Sequence[str]] | None]
    share: int = 1


TARGETS = {
    "cpu": Target(
        "cpu",
        require_cpu,
        lambda item: cpu_source(item.compiled, item.runs),
        build_cpu,
        lambda source, calls: cpu_ways(source),
        lambda library, source, call, number: (run_cpu(library, source.compiled, call, number), ()),
    ),
    "metal": Target(
        "metal",
        require_metal,
        lambda item: metal_source(item.compiled, item.runs, item.hows, item.sources.get("metal")),
        lambda sources, folder, name: build_metal(sources, name),
        metal_ways,
        run_metal,
    ),
    "cuda": Target(
        "cuda",
        require_cuda,
        lambda item: cuda_source(item.compiled, item.runs, item.hows),
        build_cuda,
        cuda_ways,
        run_cuda,
    ),
    SMALL_TEAMS: Target(
        SMALL_TEAMS,
        require_metal,
        lambda item: small_teams_source(item.compiled, item.runs, item.hows, item.sources.get("metal")),
        lambda sources, folder, name: build_metal(sources, name),
        lambda *_: (),
        run_small_teams,
        SMALL_TEAMS_SHARE,
    ),
}

GPUS = ("metal", "cuda")


# In the exact mode: the same sources, in which floats are elements of a ring.
EXACT = {
    "exact-cpu": replace(TARGETS["cpu"], name="exact-cpu", build=build_exact_cpu, ways=lambda *_: ()),
    "exact-metal": replace(TARGETS["metal"], name="exact-metal", build=build_exact_metal, ways=lambda *_: ()),
}


def calls_of_targets(program: Program, loaded: LoadedSpec, kernel: ir.Kernel) -> tuple[Call, ...]:
    """What a program is called with on each target."""
    if program.drawn_from >= STREAMS:
        return tuple(make_stream_calls(program, loaded, kernel))[:CALLS]
    return tuple(make_calls(program, loaded, kernel, CALLS, AWKWARD, MOST_WORK))


def calls_of_passes(program: Program, loaded: LoadedSpec, kernel: ir.Kernel) -> tuple[Call, ...]:
    """What a program is called with after every step of the compiler, and for Python's own reading."""
    return tuple(call for draw in PASS_DRAWS for call in make_calls(program, loaded, kernel, 1, *draw))


def takes(executor: str, seed: int) -> bool:
    """Whether a run has the program of a seed on an executor, the exact mode aside."""
    target = TARGETS.get(executor)
    return target is None or seed % target.share == target.share // 2


def exactly(item: Item) -> Item:
    """The program with calls in the ring, and what their outputs are there."""
    kernel, seed = item.compiled.kernel, item.program.drawn_from
    calls = tuple(with_any_bits(kernel, call, f"{seed} {number}") for number, call in enumerate(item.calls))
    expected = tuple(expect_exactly(kernel, call) for call in calls)
    again = tuple(replace(twin, call=calls[twin.of]) for twin in item.twins if twin.relation == LAUNCH)
    return replace(item, calls=calls, expected=expected, twins=again, sources=dict(item.sources))


def seconds_of_cores() -> float:
    """Of all cores, in this process and in those that it waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _elements(item: Item) -> int:
    """Those of all calls' outputs."""
    return sum(each.size for call in item.expected for each in call.values())


def _unstable(item: Item) -> int:
    """Elements that no target is held to."""
    return sum(each.unstable() for call in item.expected for each in call.values())
