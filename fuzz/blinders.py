"""Faults of the fuzzer itself, each with a planted fault that it hides.

Where the fuzzer has one of them, the planted fault is no longer found, and the test that runs it fails.
"""

from __future__ import annotations

from dataclasses import dataclass

from fuzz.plant import Fault


@dataclass(frozen=True, slots=True)
class Blinder:
    """A fault of the fuzzer, and the planted fault that goes unseen with it."""

    fault: Fault
    hides: str


def _blinder(name: str, file: str, right: str, wrong: str, hides: str) -> Blinder:
    return Blinder(Fault(name, "guard", f"fuzz/{file}.py", right, wrong, ""), hides)


BLINDERS = (
    _blinder(
        "nothing is compared",
        "compare",
        "    if not wrong.any():\n",
        "    if wrong.any() or not wrong.any():\n",
        "the maximum starts at zero",
    ),
    _blinder(
        "anything is near enough",
        "compare",
        "is_right = agree(got, self.values, self.lowest, self.highest)",
        "is_right = agree(got, self.values, -np.inf, np.inf)",
        "the sum starts at one",
    ),
    _blinder(
        "every element is left out",
        "compare",
        "& self.is_stable\n",
        "& False\n",
        "the maximum starts at zero",
    ),
    _blinder(
        "passes are not compared",
        "check_passes",
        "            if message:\n",
        "            if not message and message:\n",
        "a filter is forgotten",
    ),
    _blinder(
        "what the emulator finds is dropped",
        "batch",
        "for message in found[:1]:",
        "for message in found[:0]:",
        "chunks start anywhere",
    ),
    _blinder(
        "findings are not told",
        "batch",
        '        self.say({"finding": finding.as_json()})\n',
        "        del finding\n",
        "the maximum starts at zero",
    ),
)
