"""What is said of a run: on the way, at its end, and how to see a finding again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fuzz.coverage import COVERAGE, LEAST, STANDARD_RUN, covered, least_seen, required
from fuzz.finding import Finding, Refusal, reasons, target_of
from fuzz.run import Outcome

MOST_REFUSED = 0.02  # of the programs, on any target
MOST_UNSTABLE = 0.001  # of the elements of outputs, in a standard run
CHANCE = 4.0  # standard deviations
MOST_NAMED = 20  # programs that a line names
MOST_REASONS = 10  # that are printed of each target
LEAST_SEEN = 10  # pairs that are printed


def many(count: int, noun: str) -> str:
    """`1 call`, `2,000 calls`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def share_of(unstable: int, elements: int) -> str:
    """`3 of 5,000 elements (0.060%)`; `elements` is 0 where they were not counted."""
    if not elements:
        return many(unstable, "element")
    return f"{unstable:,} of {many(elements, 'element')} ({unstable / elements:.3%})"


def counts(outcome: Outcome) -> str:
    """How far a run is."""
    done = f"{len(outcome.drawn):,} of {many(outcome.asked, 'program')}"
    return f"{done}, {many(outcome.calls, 'call')}, {many(len(outcome.findings), 'finding')}"


def summary(outcome: Outcome) -> str:
    """What a run did and found."""
    return "\n".join(_lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    yield counts(outcome)
    yield from _times(outcome)
    if is_only_compiled(outcome.targets):
        yield "there is no NVIDIA GPU: programs were compiled for CUDA, and none of them ran there"
    if outcome.exact and outcome.exact < outcome.programs:
        yield f"{outcome.exact:,} of them ran in the exact mode too"
    if outcome.unstable:
        yield f"too ill-conditioned to be compared: {share_of(outcome.unstable, outcome.elements)}"
    if leaves_too_much_out(outcome):
        yield f"more than {MOST_UNSTABLE:.1%} of the elements were not compared"
    yield from _not_run(outcome)
    if outcome.relations:
        asked = (f"{name} {count:,}" for name, count in sorted(outcome.relations.items()))
        yield f"relations: {', '.join(asked)}"
    yield from _refused(outcome)
    if COVERAGE in outcome.targets or len(outcome.drawn) >= STANDARD_RUN:
        yield from _coverage(outcome)
    if outcome.findings:
        yield f"programs and findings are in {outcome.folder}"
        first = {(item.executor, item.kind): item for item in reversed(outcome.findings)}
        yield from (f"to see it again: {again(item, outcome.targets)}" for item in reversed(first.values()))


def _not_run(outcome: Outcome) -> Iterator[str]:
    """What was asked for, or was to be called, and was not."""
    if outcome.unmade:
        yield f"not made, as no sizes were found for them: {many(outcome.unmade, 'call')}"
    if outcome.uncalled:
        yield f"without a call for the passes or for the targets: {_some(sorted(outcome.uncalled))}"
    if outcome.lost:
        yield f"asked for and not run: {_some(outcome.lost)}"


def _some(seeds: Sequence[int]) -> str:
    """The first of the programs, and how many they are."""
    more = ", ..." if len(seeds) > MOST_NAMED else ""
    return f"{many(len(seeds), 'program')} ({', '.join(map(str, seeds[:MOST_NAMED]))}{more})"


def _times(outcome: Outcome) -> Iterator[str]:
    """How fast it went, and what the cores worked at."""
    if not outcome.wall or not outcome.seconds:
        return
    rate, cores = outcome.programs / outcome.wall, sum(outcome.seconds.values()) / outcome.wall
    parts = (f"{stage} {spent:.0f}" for stage, spent in outcome.seconds.most_common() if spent >= 0.5)
    yield f"{outcome.wall:.0f} seconds, {rate:.2f} programs a second, {cores:.1f} cores at work"
    yield f"seconds of a core: {', '.join(parts)}"


def _refused(outcome: Outcome) -> Iterator[str]:
    every = by_target(outcome.refusals)
    for target, found in every.items():
        alike = every.get(target_of(target), []) if target_of(target) != target else []
        if {item.seed for item in found} <= {item.seed for item in alike}:
            continue
        yield f"{target} refused {many(len(found), 'program')}:"
        for why, count in reasons(item.construct for item in found)[:MOST_REASONS]:
            yield f"  {many(count, 'time')} {why}"
    for target in too_many_refused(outcome):
        yield f"{target} refused more than {MOST_REFUSED:.0%}"


def _coverage(outcome: Outcome) -> Iterator[str]:
    """How often each target's pairs were there, and those that were the least often."""
    pairs = {pair: outcome.coverage.pairs[pair] for pair in required(outcome.targets)}
    for name in covered(outcome.targets):
        own = [outcome.coverage.pairs[pair] for pair in required([name])]
        often = sum(count >= LEAST for count in own)
        yield f"{name}: {often:,} of {many(len(own), 'pair')} in {LEAST} programs or more"
    yield "the pairs of a construct and a way that the fewest programs had:"
    yield from (f"  {count:,} {pair}" for pair, count in least_seen(pairs, LEAST_SEEN))
    missing = outcome.coverage.missing(outcome.targets)
    if missing and len(outcome.drawn) >= STANDARD_RUN:
        yield f"{len(missing)} pairs of construct and way were in fewer than {LEAST} programs:"
        yield from (f"  {pair}" for pair in missing)


def again(finding: Finding, executors: Sequence[str]) -> str:
    """The command that shows a finding of a run on these executors again, and runs little else."""
    run_on = [target_of(name) for name in executors if name not in ("passes", COVERAGE)]
    targets = tuple(dict.fromkeys(run_on))
    where = finding.executor.split()[0]
    one = target_of(where)
    is_exact = where.startswith("exact") or all(name.startswith("exact-") for name in executors)
    chosen = one if one in targets else ",".join(targets)
    words = f"--seed {finding.seed} --programs 1 --targets {chosen} --mode {'exact' if is_exact else 'float'}"
    without = " --no-passes" if not is_exact and (one in targets or "passes" not in executors) else ""
    return f"python build.py fuzz {words}{without}"


def is_only_compiled(targets: Sequence[str]) -> bool:
    """Whether programs are compiled for CUDA on a machine that cannot run them."""
    from fuzz.run_cuda import has_gpu

    return "cuda" in targets and COVERAGE not in targets and not has_gpu()


def has_failed(outcome: Outcome) -> bool:
    """Whether anything is wrong: a finding, a target that refuses, a program that was not run, a generator
    that no longer reaches, or a comparison that leaves much out.
    """
    is_standard = len(outcome.drawn) >= STANDARD_RUN
    is_short = is_standard and outcome.coverage.missing(outcome.targets)
    is_blind = leaves_too_much_out(outcome)
    return bool(outcome.findings or too_many_refused(outcome) or outcome.lost or is_short or is_blind)


def leaves_too_much_out(outcome: Outcome) -> bool:
    """Whether a standard run compares too few elements; a short one may have a program of nothing else."""
    return len(outcome.drawn) >= STANDARD_RUN and outcome.unstable > MOST_UNSTABLE * max(outcome.elements, 1)


def too_many_refused(outcome: Outcome) -> list[str]:
    """The targets that refused more programs than they may: of few programs, more than is left to chance."""
    programs = len(outcome.drawn)
    most = MOST_REFUSED * programs
    if programs < STANDARD_RUN:
        most += CHANCE * most**0.5
    return [target for target, found in by_target(outcome.refusals).items() if len(found) > max(1, most)]


def by_target(refusals: Sequence[Refusal]) -> dict[str, list[Refusal]]:
    found: dict[str, list[Refusal]] = {}
    for item in refusals:
        found.setdefault(item.target, []).append(item)
    return found
