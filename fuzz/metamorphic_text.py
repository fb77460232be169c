"""Specs rewritten without a change of meaning: other names, other order of keys, code that nothing needs.

What is generated for them must be the same text, or the same but for names. No compiler is started, so that
many programs can be held to this. Another schedule is the exception: its kernels run, and give the same bits.
"""

from __future__ import annotations

import ast
import copy
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import yaml  # type: ignore[import-untyped]

from backends.cpu import emit as cpu
from backends.cuda import emit as cuda
from backends.metal import emit as metal
from codegen.pipeline import Compiled, compile_spec
from codegen.record import make_record
from fuzz.program import Program
from fuzz.reduce_spec import Spec, read, write
from kernel_ir.errors import SpecError, TargetError
from kernel_ir.load import load_text
from kernel_ir.typecheck.check import check_spec

SHARES = {"keys": 0.3, "renaming": 0.2, "dead code": 0.2}  # of the programs
EMITTERS = {"cpu": cpu.emit, "metal": metal.emit, "cuda": cuda.emit}

_WORD = re.compile(r"[A-Za-z_]\w*|\d[\w.]*(?:(?<=[eEpP])[+-]\d+\w*)?|\s+|.", re.DOTALL)
_COMMENT = re.compile(r"//.*")
_IN_ORDER = ("arguments", "results", "types")  # mappings whose order means something


def check_rewritten(program: Program, compiled: Compiled) -> Iterator[tuple[str, str]]:
    """What a program is rewritten to, a few ways drawn from its seed, and what is wrong with that."""
    draw = random.Random(f"rewritten {program.drawn_from}")
    for relation, share in SHARES.items():
        if draw.random() < share:
            yield relation, _compare(relation, draw, program, compiled)


def _compare(relation: str, draw: random.Random, program: Program, compiled: Compiled) -> str:
    """How what is generated differs; empty where it does not, or where a target refuses the program."""
    text = _REWRITES[relation](draw, program.text)
    try:
        loaded = load_text(text, f"{program.name}.yaml")
        if relation == "keys":  # the rest of the compiler sees no more of a spec than these
            kernel = check_spec(loaded)
            same = (kernel, make_record(loaded, kernel)) == (compiled.kernel, compiled.record)
            return "" if same else "the kernel or its record changed"
        other = compile_spec(loaded)
    except SpecError as error:
        return f"refused: {error.diagnostics[0].message}"
    target = draw.choice(tuple(EMITTERS))
    differs = other_than_names if relation == "renaming" else _other_than_layout
    try:
        pairs = zip(_emitted(target, compiled), _emitted(target, other), strict=True)
        return next((f"{target}: {off}" for one, two in pairs if (off := differs(one, two))), "")
    except TargetError:
        return ""


def _emitted(target: str, compiled: Compiled) -> list[str]:
    return list(EMITTERS[target](compiled.program, compiled.record).values())


def _other_than_layout(one: str, two: str) -> str:
    lines = zip_longest(one.splitlines(), two.splitlines())
    return next((f"{old!r} became {new!r}" for old, new in lines if old != new), "")


# ---- other names -------------------------------------------------------------------------------


def renamed(draw: random.Random, text: str) -> str:
    """The spec with every name of its author's replaced by another one, in another order of the alphabet."""
    spec = read(text)
    names = sorted(author_names(spec))
    fresh = [f"{draw.choice('aqxz')}{number:02}{draw.choice('efgh')}" for number in range(len(names))]
    draw.shuffle(fresh)
    variables = {name: f"{draw.choice('ABXYZ')}{name.lower()}" for name in spec.get("types", {})}
    return write(with_names(spec, dict(zip(names, fresh, strict=True)) | variables))


def author_names(spec: Spec) -> set[str]:
    """What the author has named: arguments, results, sizes, and all that the body binds."""
    shapes = [str(item["type"]).partition("[")[2] for item in _signature(spec).values()]
    found = {name for shape in shapes for name in re.findall(r"[a-z]\w*", shape)}
    for node in ast.walk(ast.parse(spec["body"])):
        match node:
            case ast.Name(name, ast.Store()) | ast.FunctionDef(name) | ast.arg(name):
                found.add(name)
    return found | _signature(spec).keys()


def _signature(spec: Spec) -> dict[str, Any]:
    return {**spec["arguments"], **spec.get("results", {})}


def with_names(value: Any, chosen: Mapping[str, str]) -> Any:
    """A part of a spec, with names replaced wherever they stand."""
    match value:
        case dict():
            kept = {key: item for key, item in value.items() if key in ("name", "summary")}
            return {chosen.get(key, key): with_names(item, chosen) for key, item in value.items()} | kept
        case list():
            return [with_names(item, chosen) for item in value]
        case str():
            return re.sub(r"\b[A-Za-z_]\w*", lambda found: chosen.get(found[0], found[0]), value)
        case _:
            return value


def other_than_names(one: str, two: str) -> str:
    """The first place where two texts differ in more than names: each word stands for one other."""
    there: dict[tuple[str, str], str] = {}
    back: dict[tuple[str, str], str] = {}
    words, others = _words(one), _words(two)
    for (kind, word), (other_kind, other) in zip(words, others, strict=False):
        is_name = word[0].isalpha() and other[0].isalpha() and kind == other_kind
        if not is_name and word != other:
            return f"{word!r} became {other!r}"
        if is_name and (
            there.setdefault((kind, word), other) != other or back.setdefault((kind, other), word) != word
        ):
            return f"{word!r} became {there[kind, word]!r} and {other!r}"
    return "" if len(words) == len(others) else f"{len(words)} words became {len(others)}"


def _words(text: str) -> list[tuple[str, str]]:
    """The words of a text, each with whether it is a member's name, without layout and comments."""
    found: list[tuple[str, str]] = []
    for word in _WORD.findall(_COMMENT.sub("", text)):
        if not word.isspace():
            found.append(("." if found and found[-1][1] == "." else "", word))
    return found


# ---- another order -----------------------------------------------------------------------------


def reordered(draw: random.Random, text: str) -> str:
    """The spec with its keys in another order, and written in another of YAML's ways."""
    made: str = yaml.safe_dump(
        _shuffled(draw, read(text)), sort_keys=False, width=draw.choice((40, 100)),
        default_flow_style=draw.choice((None, False)),
    )  # fmt: skip
    return made


def _shuffled(draw: random.Random, value: Any, name: str = "") -> Any:
    if not isinstance(value, dict):
        return value
    keys = list(value)
    if name not in _IN_ORDER:
        draw.shuffle(keys)
    return {key: _shuffled(draw, value[key], key) for key in keys}


# ---- another schedule --------------------------------------------------------------------------

OTHER_SCHEDULE = 0.04  # of the programs


def with_other_schedule(program: Program) -> Program | None:
    """Now and then, the program with more or fewer teams in a group and turns in a tile, by another name.

    Teams stay as they are: their lanes decide what is summed with what.
    """
    draw = random.Random(f"schedule {program.drawn_from}")
    if draw.random() > OTHER_SCHEDULE:
        return None
    spec = read(program.text)
    old = spec.get("schedule", {}).get("metal", {})
    chosen = {name: draw.choice([n for n in (1, 2, 3, 5, 8) if n != old.get(name)]) for name in _FREE}
    schedule = {target: {**old, **chosen} for target in ("metal", "cuda")}
    name = f"{program.name}_other"
    text = write({**spec, "name": name, "schedule": schedule})
    return replace(program, name=name, text=text, calls_seed=program.drawn_from)


_FREE = ("teams_per_group", "tile_turns")


# ---- code that nothing needs -------------------------------------------------------------------


def with_dead_code(draw: random.Random, text: str) -> str:
    """The spec with bindings that nothing reads: copies of what is computed next, in some places."""
    spec = read(text)
    tree = ast.parse(spec["body"])
    places = [(block, at) for block in _blocks(tree) for at in range(len(block)) if _copied(block[at], 0)]
    for number, (block, at) in enumerate(sorted(draw.sample(places, min(len(places), 3)), key=_from_end)):
        made = _copied(block[at], number)
        if made is not None:
            block.insert(at, made)
    return write({**spec, "body": ast.unparse(ast.fix_missing_locations(tree)) + "\n"})


def _from_end(place: tuple[list[ast.stmt], int]) -> int:
    return -place[1]


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks of a body; those of functions are one expression and stay so."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.For, ast.If)):
            yield node.body
            yield from [node.orelse] if isinstance(node, ast.If) and node.orelse else []


def _copied(statement: ast.stmt, number: int) -> ast.stmt | None:
    """A binding of a statement's value to a name that nothing reads."""
    match statement:
        case ast.Assign([ast.Tuple()], value):
            target: ast.expr = ast.Tuple([_dead(number), _dead(number, "s")], ast.Store())
        case ast.Assign(_, value) | ast.If(value) | ast.For(_, ast.Call(_, [*_, value])):
            target = _dead(number)
        case _:
            return None
    value = copy.deepcopy(value)
    own = {node.id for node in ast.walk(value) if isinstance(node, ast.Name) and _is_bound(node)}
    for node in ast.walk(value):
        if isinstance(node, ast.Name) and node.id in own:
            node.id = f"{node.id}dead{number}"
    return ast.Assign([target], value)


def _dead(number: int, more: str = "") -> ast.Name:
    return ast.Name(f"dead{number}{more}", ast.Store())


def _is_bound(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


_REWRITES = {"keys": reordered, "renaming": renamed, "dead code": with_dead_code}
