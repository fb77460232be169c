"""The tables that launch kernels, read back as facts, and the facts that a record gives for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from codegen.contract import Facts
from codegen.gpu.launch_tables import measure_body
from codegen.gpu.record import LaunchRecord, ScratchRecord
from codegen.record import OpRecord
from kernel_ir import nodes as ir

_ARRAY = re.compile(r"^constexpr [^\n]*?(\w+)\[\] = \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
_MEASURE = re.compile(r"^Saturated (\w+)\([^\n]*\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_ENUM = re.compile(r"^enum (\w+)Index : int16_t \{ (.*?)\};", re.MULTILINE)
_LAUNCH = re.compile(r"^    \{\n(.*?)^    \},", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"^ +\.(\w+) = (.*),$", re.MULTILINE)
_TOP_MEMBER = re.compile(r"^    \.(\w+) = (.*),$", re.MULTILINE)

Arrays = Mapping[str, tuple[str, ...]]


def read_arrays(text: str) -> dict[str, tuple[str, ...]]:
    """The lines of each constant array, without the commas behind them."""
    return {
        name: tuple(line.strip().removesuffix(",") for line in body.splitlines())
        for name, body in _ARRAY.findall(text)
    }


def read_members(text: str) -> dict[str, str]:
    """The members of the struct that the file defines for others."""
    return dict(_TOP_MEMBER.findall(text.rpartition("extern constinit")[2]))


def read_launch_tables(text: str) -> dict[str, object]:
    """What `<op>_launches.cpp` says of every launch."""
    arrays, measures = read_arrays(text), _read_measures(text)
    facts: dict[str, object] = {
        f"{kind.lower()}s": _names(items, kind) for kind, items in _ENUM.findall(text)
    }
    rows = _ARRAY.search(text[text.index("constexpr LaunchRow") :])
    assert rows is not None
    for number, body in enumerate(_LAUNCH.findall(rows[2])):
        for name, value in _MEMBER.findall(body):
            facts[f"launch {number} {name}"] = _value(value, arrays, measures)
    return facts


def _read_measures(text: str) -> dict[str, str]:
    """What each function of sizes computes, as one line of its statements."""
    return {name: " ".join(body.split()) for name, body in _MEASURE.findall(text)}


def launch_table_facts(launches: tuple[LaunchRecord, ...], record: OpRecord) -> Facts:
    """What the record of every launch says."""
    kernel = record.kernel
    scalars = tuple(item.name for item in kernel.arguments if isinstance(item, ir.ScalarType))
    signature = {"tensors": tuple(kernel.tensors()), "scalars": scalars, "sizes": tuple(kernel.sizes)}
    facts: dict[str, object] = {name: names for name, names in signature.items() if names}
    slots: dict[str, int] = {}
    for number, launch in enumerate(launches):
        entries = [entry.suffix for entry in record.entries]
        facts |= {f"launch {number} {name}": value for name, value in _facts(launch, entries, slots)}
    return facts


def _names(items: str, kind: str) -> tuple[str, ...]:
    return tuple(item.removeprefix(f"{kind.lower()}_") for item in items.split(", ") if item.strip())


def _value(text: str, arrays: Arrays, measures: Mapping[str, str]) -> object:
    """A member's value with names of arrays, measures and tensors put in."""
    if text == "{}":
        return ()
    if text in arrays:
        return tuple(_item(item, measures) for item in arrays[text])
    return _item(text, measures)


def _item(text: str, measures: Mapping[str, str]) -> object:
    words = text.removeprefix("{").removesuffix("}").split(", ")
    found = tuple(measures.get(word, word.removeprefix("tensor_")) for word in words)
    return found if text.startswith("{") else found[0]


def _facts(launch: LaunchRecord, entries: list[str], slots: dict[str, int]) -> Iterator[tuple[str, object]]:
    schedule = launch.schedule
    yield "name", f'"{launch.name}"'
    yield "tiled", "nullptr" if launch.tiled is None else measure_body(launch.tiled)
    yield "longest", measure_body(launch.longest)
    for name, exprs in (
        ("grid", launch.grid), ("bounds", launch.bounds), ("multiples", launch.multiples),
        ("dealt", launch.dealt), ("alike", launch.alike),
    ):  # fmt: skip
        yield name, tuple(map(measure_body, exprs))
    for name, tensors in (("tensors", launch.tensors), ("given", launch.given), ("moved", launch.moved)):
        yield name, tensors
    yield "teams", tuple((_longest(row.longest), str(row.lanes)) for row in schedule.teams)
    yield "tile_turns", str(schedule.tile_turns)
    yield "teams_per_group", str(schedule.teams_per_group)
    yield "part_lanes", str(schedule.part_lanes)
    yield "scratch", tuple(_scratch(row, slots) for row in launch.scratch)
    yield "kernels", tuple(
        (str(row.position), str(entries.index(row.entry)), str(row.chunk), str(row.variant.turns),
         _flag(row.variant.is_wide), _flag(row.variant.is_aligned), _flag(row.variant.is_full),
         str(row.variant.points))
        for row in launch.kernels
    )  # fmt: skip


def _scratch(row: ScratchRecord, slots: dict[str, int]) -> tuple[str, ...]:
    slot = slots.setdefault(row.name, len(slots)) if row.owner == "program" else -1
    size, owner = str(row.type.bytes), f"Owner::{row.owner}"
    return (measure_body(row.extent), size, owner, str(slot), _flag(row.unless_turns))


def _longest(longest: int | None) -> str:
    return "kHoweverLong" if longest is None else str(longest)


def _flag(value: bool) -> str:
    return str(value).lower()
