"""Smaller specs than a given one: a statement less, an expression replaced by a part of it."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml  # type: ignore[import-untyped]

from kernel_ir.source import read_source

Spec: TypeAlias = "dict[str, Any]"


def read(text: str) -> Spec:
    """A spec as plain data, read as the compiler reads it: `off` is a name. Raises SpecError."""
    made: Spec = _plain(read_source(text, "spec.yaml").data)
    return made


def _plain(value: Any) -> Any:
    """With lists for tuples."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def write(spec: Spec, comment: str = "") -> str:
    """The spec's text, its body last."""
    rest = {key: value for key, value in spec.items() if key != "body" and value not in ({}, [])}
    head: str = yaml.safe_dump(rest, sort_keys=False, width=100, default_flow_style=None)
    body = "".join(f"  {line}\n" if line else "\n" for line in spec["body"].rstrip("\n").split("\n"))
    return f"{comment}{head}body: |\n{body}"


def reductions(spec: Spec) -> Iterator[Spec]:
    """Specs that are smaller by one step, the largest steps first. Some of them are no valid specs."""
    tree = ast.parse(spec["body"])
    if len(spec["results"]) > 1:
        for name in spec["results"]:
            yield from _with_body(spec, _with_one_result(copy.deepcopy(tree), spec, name))
    yield from _with_body(spec, _without_dead_names(copy.deepcopy(tree)))
    for count in (_count(tree, ast.stmt), 0):
        for position in range(count):
            yield from _with_body(spec, _without_statement(copy.deepcopy(tree), position))
            yield from _with_body(spec, _unwrapped(copy.deepcopy(tree), position))
    for key in ("schedule", "in_range", "requires", "unique"):
        if spec.get(key):
            yield {**spec, key: {} if isinstance(spec[key], dict) else []}
    for name, choices in spec.get("types", {}).items():
        if len(choices) > 1:
            yield from ({**spec, "types": {**spec["types"], name: [choice]}} for choice in choices)
    for position in range(_count(tree, ast.expr)):
        for number in range(4):
            yield from _with_body(spec, _simplified(copy.deepcopy(tree), position, number))


def _count(tree: ast.AST, kind: type[ast.AST]) -> int:
    return sum(isinstance(node, kind) for node in ast.walk(tree))


def _with_body(spec: Spec, tree: ast.Module | None) -> Iterator[Spec]:
    if tree is not None and tree.body:
        yield keep_used({**spec, "body": ast.unparse(ast.fix_missing_locations(tree)) + "\n"})


# ---- statements --------------------------------------------------------------------------------


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block


def _with_one_result(tree: ast.Module, spec: Spec, kept: str) -> ast.Module:
    """The tree without stores to other results, and without what only they needed."""
    for block in _blocks(tree):
        block[:] = [item for item in block if _stored(item) not in spec["results"].keys() - {kept}]
    return _without_dead_names(tree)


def _stored(statement: ast.stmt) -> str:
    match statement:
        case ast.Assign([ast.Subscript(ast.Name(name))], _):
            return name
    return ""


def _without_dead_names(tree: ast.Module) -> ast.Module:
    """The tree without names that nothing reads, and without the blocks that this leaves empty."""
    while True:
        before = ast.dump(tree)
        read_names = {item.id for item in ast.walk(tree) if isinstance(item, ast.Name) and _is_read(item)}
        for block in _blocks(tree):
            block[:] = [item for item in block if not _is_dead(item, read_names)]
        while _drop_empty(tree):
            pass
        if ast.dump(tree) == before:
            return tree


def _is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


def _is_dead(statement: ast.stmt, read_names: set[str]) -> bool:
    match statement:
        case ast.Assign([ast.Name(name)], _) | ast.FunctionDef(name):
            return name not in read_names
    return False


def _without_statement(tree: ast.Module, position: int) -> ast.Module | None:
    """The tree without one statement; a block that it leaves empty goes with it."""
    places = [(block, statement) for block in _blocks(tree) for statement in block]
    block, statement = places[position]
    block.remove(statement)
    while _drop_empty(tree):
        pass
    return tree


def _drop_empty(tree: ast.Module) -> bool:
    for block in _blocks(tree):
        for statement in block:
            if getattr(statement, "body", None) == []:
                block.remove(statement)
                return True
    return False


def _unwrapped(tree: ast.Module, position: int) -> ast.Module | None:
    """The tree with the statements of a branch in its place."""
    places = [(block, statement) for block in _blocks(tree) for statement in block]
    block, statement = places[position]
    if not isinstance(statement, ast.If):
        return None
    at = block.index(statement)
    block[at : at + 1] = statement.body
    return tree


# ---- expressions -------------------------------------------------------------------------------


def _simplified(tree: ast.Module, position: int, number: int) -> ast.Module | None:
    """The tree with one expression replaced by the `number`th thing that is simpler."""
    node = [item for item in ast.walk(tree) if isinstance(item, ast.expr)][position]
    choices = list(_simpler(node))
    if number >= len(choices):
        return None
    return _Replace(node, choices[number]).visit(tree)  # type: ignore[no-any-return]


def _simpler(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(left, _, right):
            yield from (left, right)
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.BoolOp(_, values):
            yield from values
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.Compare():
            yield ast.Constant(True)
        case ast.Call(ast.Name(), [ast.GeneratorExp() as items]):
            if items.generators[0].ifs:
                plain = copy.deepcopy(items)
                plain.generators[0].ifs = []
                yield ast.Call(node.func, [plain], [])
            yield ast.Constant(1.0)
            yield ast.Constant(1)
        case ast.Call(ast.Name(), args):
            yield from args
        case ast.Subscript():
            yield ast.Constant(1.0)
            yield ast.Constant(1)


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else super().visit(node)


# ---- the signature -----------------------------------------------------------------------------


def keep_used(spec: Spec) -> Spec:
    """The spec without arguments, results and sizes that its body no longer mentions."""
    words = set(re.findall(r"\w+", spec["body"]))
    results = {name: item for name, item in spec.get("results", {}).items() if name in words}
    kept = {
        name: item for name, item in spec["arguments"].items() if name in words and item["type"] != "size"
    }
    every = {**kept, **results}
    sizes = {size: None for item in every.values() for size in re.findall(r"[a-z]\w*", _shape(item))}
    sizes |= {
        name: None for name, item in spec["arguments"].items() if item["type"] == "size" and name in words
    }
    sure = [_shape(item) for item in kept.values() if not item.get("optional")]
    plain = {part.strip().lstrip("*") for shape in sure for part in shape.split(",")}
    missing = {name: {"type": "size"} for name in sizes if name not in plain}
    arguments = dict(sorted({**kept, **missing}.items(), key=lambda item: _has_default(item[1])))
    made = {**spec, "arguments": arguments, "results": results}
    for key in ("mutates", "unique"):
        made[key] = [name for name in spec.get(key, []) if name in kept]
    made["in_range"] = {name: policy for name, policy in spec.get("in_range", {}).items() if name in kept}
    used = {item["type"].partition("[")[0] for item in every.values()}
    made["types"] = {name: choices for name, choices in spec.get("types", {}).items() if name in used}
    return made


def _shape(item: Spec) -> str:
    return str(item["type"]).partition("[")[2].rstrip("]")


def _has_default(item: Spec) -> bool:
    return "default" in item or "optional" in item
