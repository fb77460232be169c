"""What a run found: which program, which executor, and what was wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

SMALL_TEAMS = "small-teams"  # an executor (`fuzz/small_teams.py`)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    `executor`: generate, check, a pass as `pass NAME`, cpu, metal, small-teams or cuda. `kind`: mismatch,
    error (the compiler broke a promise), compile (a compiler refused the source), memory (an access out of
    place), checked (the emulator reported), crash, hang, or the name of a relation to another call or program
    (`fuzz/metamorphic.py`). `call`: the number of the call, -1 where none ran.
    """

    seed: int
    executor: str
    kind: str
    message: str
    call: int = -1

    def __str__(self) -> str:
        where = f", call {self.call}" if self.call >= 0 else ""
        return f"program {self.seed}, {self.executor}{where}: {self.kind}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> Finding:
        return Finding(**found)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A program that the checker or a target does not take; `construct` says what it is about."""

    seed: int
    target: str
    construct: str


def target_of(executor: str) -> str:
    """The target that a run names to have an executor: its own name, or what it is another way to run."""
    return "metal" if executor == SMALL_TEAMS else executor.removeprefix("exact-")


_OF_ONE_PROGRAM = re.compile(r"(`[^`]*`|(?<!\w)'[^']*'|\b\d+\b)")


def reasons(constructs: Iterable[str]) -> list[tuple[str, int]]:
    """Why programs are refused and how many, the most first. What differs is left out of what is alike."""
    alike: dict[tuple[str, ...], list[list[str]]] = {}
    for construct in constructs:
        parts = _OF_ONE_PROGRAM.split(construct)
        alike.setdefault(tuple(parts[::2]), []).append(parts)
    said = {"".join(map(_shared, zip(*members, strict=True))): len(members) for members in alike.values()}
    return sorted(said.items(), key=lambda item: -item[1])


def _shared(parts: tuple[str, ...]) -> str:
    """What stands at one place of reasons that are alike."""
    if len(set(parts)) == 1:
        return parts[0]
    return "N" if parts[0].isdecimal() else f"{parts[0][0]}...{parts[0][0]}"
