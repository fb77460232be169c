"""How much of what goes wrong each mode sees: `python -m fuzz.exact.mutants [FIRST_SEED [PROGRAMS]]`.

Small faults are put into the C++ of random programs, one each: a swapped function, another sign, a literal a
little off, a range too short by one, a rounding left out. Each mutant runs on the calls of its program with
floats and in the ring, and a table says how many of each kind showed in either.
"""

from __future__ import annotations

import ctypes
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from fuzz.batch import Batch, Item, exactly
from fuzz.exact.run_cpu import build_exact_cpu
from fuzz.program import make_program
from fuzz.run_cpu import CompileError, Source, build_cpu, cpu_source, run_cpu

MUTANTS_A_PROGRAM = 6

# kind -> what is looked for, and what stands there instead
_FAULTS: dict[str, tuple[tuple[str, str], ...]] = {
    "another function": (
        (r"\bsgl::floor\(", "sgl::ceil("), (r"\bsgl::ceil\(", "sgl::floor("),
        (r"\bsgl::round\(", "sgl::trunc("), (r"\bsgl::trunc\(", "sgl::round("),
        (r"\bsgl::tanh\(", "sgl::erf("), (r"\bsgl::erf\(", "sgl::tanh("),
        (r"\bsgl::exp\(", "sgl::exp2("), (r"\bsgl::log\(", "sgl::log2("), (r"\bsgl::sin\(", "sgl::cos("),
        (r"\bsgl::minimum\(", "sgl::maximum("), (r"\bsgl::maximum\(", "sgl::minimum("),
    ),
    "another sign": ((r" \+ (?=sgl::load\()", " - "), (r" - (?=sgl::load\()", " + ")),
    "a literal a little off": ((r"(?<![\w.])(?!0\.0f)(\d+\.\d+f)\b", r"(\1 * 1.0001f)"),),
    "a range too short by one": ((r"(sgl::for_(?:lanes|each)\([^,]+, [^,]+), \[&\]", r"\1 - 1, [&]"),),
    "no rounding": ((r"sgl::round_to<sgl::\w+>\(", "sgl::to_f32("),),
    "rounding to another type": (
        (r"round_to<sgl::f16>", "round_to<sgl::bf16>"), (r"round_to<sgl::bf16>", "round_to<sgl::f16>"),
    ),
    "a comparison that takes equals": ((r" < (?=sgl::load\()", " <= "), (r" >= (?=sgl::load\()", " > ")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program with one fault, with its calls as floats and in the ring."""

    kind: str
    items: dict[str, Item]
    source: Source


def mutants_of(items: dict[str, Item]) -> list[Mutant]:
    """A few mutants of one program, the same ones each time."""
    item = items["float"]
    text = cpu_source(item.compiled, item.calls).text
    found = [
        (kind, place, wrong)
        for kind, faults in _FAULTS.items()
        for right, wrong in faults
        for place in re.finditer(right, text)
    ]
    draw = random.Random(f"mutants {item.program.seed}")
    return [
        Mutant(
            kind,
            items,
            Source(item.compiled, f"{text[: place.start()]}{place.expand(wrong)}{text[place.end() :]}"),
        )
        for kind, place, wrong in draw.sample(found, min(len(found), MUTANTS_A_PROGRAM))
    ]


def prepare(seed: int) -> dict[str, Item]:
    """A program of this seed, ready for both modes; nothing where it is refused."""
    item = Batch(("cpu",), lambda _: None).prepare(make_program(seed))
    return {} if item is None else {"float": replace(item, twins=()), "ring": exactly(item)}


def shown(mutants: Sequence[Mutant], folder: Path, name: str) -> Iterator[tuple[Mutant, set[str]]]:
    """The mutants that compile, and the modes in which each gives a wrong result."""
    try:
        sources = [mutant.source for mutant in mutants]
        libraries = {
            "float": build_cpu(sources, folder, name),
            "ring": build_exact_cpu(sources, folder, name),
        }
    except CompileError:
        half = len(mutants) // 2
        if half:
            yield from shown(mutants[:half], folder, f"{name}l")
            yield from shown(mutants[half:], folder, f"{name}r")
        return
    for mutant in mutants:
        yield mutant, {mode for mode, library in libraries.items() if _is_wrong(mutant.items[mode], library)}


def _is_wrong(item: Item, library: ctypes.CDLL) -> bool:
    for call, expected in zip(item.calls, item.expected, strict=True):
        outputs = run_cpu(library, item.compiled, call).outputs()
        if any(expected[name].difference(name, values) for name, values in outputs.items()):
            return True
    return False


def main(arguments: Sequence[str]) -> int:
    if len(arguments) > 2 or not all(item.isdecimal() for item in arguments):
        print("usage: python -m fuzz.exact.mutants [SEED [PROGRAMS]]   # from 1, 40", file=sys.stderr)
        return 2
    first, programs = (*map(int, arguments), *(1, 40)[len(arguments) :])
    prepared = [items for items in map(prepare, range(first, first + programs)) if items]
    rounds = list(zip_longest(*map(mutants_of, prepared)))
    seen: dict[str, Counter[str]] = {kind: Counter() for kind in _FAULTS}
    with tempfile.TemporaryDirectory() as folder:
        for number, mutants in enumerate(rounds):  # one of each program in a library, since names are alike
            kept = [mutant for mutant in mutants if mutant is not None]
            for mutant, modes in shown(kept, Path(folder), f"round{number}"):
                seen[mutant.kind].update(["all", *modes, *(["only ring"] if modes == {"ring"} else [])])
                seen[mutant.kind].update(["only float"] if modes == {"float"} else [])
    columns = ("all", "float", "ring", "only float", "only ring")
    print("| fault | mutants | floats | ring | only floats | only ring |\n" + "| --- " * 6 + "|")
    for kind, counts in {**seen, "together": sum(seen.values(), Counter())}.items():
        print(f"| {kind} | {' | '.join(str(counts[column]) for column in columns)} |")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted: there is no table before the last program")
