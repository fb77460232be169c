"""A ninja file as data, and its text. Knows ninja's escaping and nothing of compilers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of output is made. `command` is shell text in which `$in`, `$out` and `$name` are ninja's.

    `depfile` names the file of discovered headers (gcc's format); `restat` says that the command may leave
    its output untouched, and that what depends on it then need not be made again.
    """

    name: str
    command: str
    description: str
    depfile: str = ""
    restat: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """One step: `outputs` from `inputs` by `rule`. A change of an `implicit` input also makes it run."""

    rule: str
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    implicit: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NinjaFile:
    """A whole build: paths are relative to the folder that ninja runs in; `folder` keeps ninja's own logs."""

    folder: str
    rules: tuple[Rule, ...]
    edges: tuple[Edge, ...]

    def outputs(self) -> tuple[str, ...]:
        return tuple(output for edge in self.edges for output in edge.outputs)


def render(build: NinjaFile) -> str:
    """The text of `build`. Raises ValueError where two edges make one file or a rule is not there."""
    _require_consistent(build)
    head = ["ninja_required_version = 1.5", f"builddir = {escape_path(build.folder)}"]
    blocks = [head, *map(_rule_lines, build.rules), *map(_edge_lines, build.edges)]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def escape_path(path: str) -> str:
    """A path as it stands in a build line."""
    if "\n" in path:
        raise ValueError(f"ninja cannot name the path {path!r}")
    return path.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")


def escape_value(text: str) -> str:
    """Text as it stands in a variable's value."""
    if "\n" in text:
        raise ValueError(f"ninja cannot hold the value {text!r}")
    return text.replace("$", "$$")


def _require_consistent(build: NinjaFile) -> None:
    names = {rule.name for rule in build.rules}
    unknown = sorted({edge.rule for edge in build.edges} - names)
    outputs = build.outputs()
    twice = sorted({output for output in outputs if outputs.count(output) > 1})
    if unknown or twice:
        raise ValueError(f"rules that are not there: {unknown}; files made twice: {twice}")


def _rule_lines(rule: Rule) -> Iterable[str]:
    yield f"rule {rule.name}"
    yield f"  command = {rule.command}"
    yield f"  description = {rule.description}"
    if rule.depfile:
        yield f"  depfile = {rule.depfile}"
        yield "  deps = gcc"
    if rule.restat:
        yield "  restat = 1"


def _edge_lines(edge: Edge) -> Iterable[str]:
    implicit = f" | {_paths(edge.implicit)}" if edge.implicit else ""
    yield f"build {_paths(edge.outputs)}: {edge.rule} {_paths(edge.inputs)}{implicit}"
    for name, value in edge.variables:
        yield f"  {name} = {escape_value(value)}"


def _paths(paths: tuple[str, ...]) -> str:
    return " ".join(map(escape_path, paths))
