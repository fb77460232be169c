"""What a run has reached: pairs of a construct and a feature of a target's schedule, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Coverage:
    """How many programs had each pair, by `construct / target feature`."""

    pairs: Counter[str] = field(default_factory=Counter)

    def add(self, seen: Mapping[str, int]) -> None:
        self.pairs.update(seen)
