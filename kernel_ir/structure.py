"""Pydantic's findings as diagnostics: what was expected, what was given, and where."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ValidationError

from kernel_ir import spec as models
from kernel_ir.errors import Diagnostic
from kernel_ir.source import Path, Source
from kernel_ir.wording import SHOWN, join, show, suggest

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "none_required": "nothing",
    "int_from_float": "an integer",
}
_MERGED = {("true or false", "an integer", "a number"): "a number or true or false"}


def structure_problems(error: ValidationError, source: Source) -> list[Diagnostic]:
    """One diagnostic for each wrong value, in file order.

    A value that may have several types fails once for each; those findings are told as one.
    """
    grouped: dict[Path, list[Any]] = {}
    for found in error.errors(include_url=False, include_context=True):
        grouped.setdefault(_path(found, source), []).append(found)
    return [_diagnose(path, found, source) for path, found in grouped.items()]


def without_unknown_keys(error: ValidationError, data: Any) -> Any:
    """The data less the keys that no model knows, so that one of them hides no other problem."""
    for found in error.errors(include_url=False, include_context=False):
        if found["type"] == "extra_forbidden":
            data = _without(data, found["loc"])
    return data


def _without(data: Any, path: tuple[int | str, ...]) -> Any:
    """The data less what stands at a path; unchanged where the path leads nowhere."""
    match data, path:
        case dict(), (key,):
            return {name: value for name, value in data.items() if name != key}
        case dict(), (key, *rest) if key in data:
            return data | {key: _without(data[key], tuple(rest))}
        case tuple(), (int(index), *rest) if index < len(data):
            return (*data[:index], _without(data[index], tuple(rest)), *data[index + 1 :])
    return data


def _path(found: Any, source: Source) -> Path:
    """The error's key path without the names of union members that pydantic adds."""
    path: Path = ()
    for key in found["loc"]:
        is_missing = found["type"] == "missing" and key == found["loc"][-1]
        if is_missing or (*path, key) in source.places:
            path = (*path, key)
    return path


def _diagnose(path: Path, found: list[Any], source: Source) -> Diagnostic:
    first = found[0]
    match first["type"]:
        case "extra_forbidden":
            name = str(path[-1])
            known = _keys_beside(path)
            return Diagnostic(
                "unknown-key", f"unknown key {show(name)}", source.key_span(*path), suggest(name, known)
            )
        case "missing" if isinstance(path[-1], int):
            message = f"expected {path[-1] + 1} items, got {path[-1]}"
            return Diagnostic("wrong-length", message, source.span(*path[:-1]))
        case "missing":
            owner = f" of {_item(path[:-1])}" if len(path) > 1 else ""
            message = f"the key {show(path[-1])}{owner} is missing"
            return Diagnostic("missing-key", message, source.key_span(*path[:-1]), _missing_hint(path))
        case "too_short" | "too_long":
            wanted = first["ctx"].get("min_length", first["ctx"].get("max_length"))
            message = f"expected {wanted} items, got {first['ctx']['actual_length']}"
            return Diagnostic("wrong-length", message, source.span(*path))
    return _wrong_value(path, found, source)


def _item(path: Path) -> str:
    """What a path leads to: its last key, or an item of a list by the list's key and its place."""
    *_, owner, last = ("", *path)
    return f"item {last + 1} of {show(owner)}" if isinstance(last, int) else show(last)


def _wrong_value(path: Path, found: list[Any], source: Source) -> Diagnostic:
    given = found[0]["input"]
    words = [word for item in found if item["type"] == "literal_error" for word in _choices(item)]
    kinds = [_EXPECTED.get(item["type"], item["msg"]) for item in found if item["type"] != "literal_error"]
    expected = list(dict.fromkeys(words + kinds))
    is_word = isinstance(given, str) and any(word.startswith('"') for word in words)
    code = "unknown-word" if is_word else "wrong-type"
    hint = suggest(given, [word.strip('"') for word in words]) if is_word else _form_hint(path, given)
    wanted = _MERGED.get(tuple(kinds)) if not words else None
    message = f"expected {wanted or join(expected)}, got {show(given)}"
    at = source.key_span(*path) if found[0]["loc"][-1] == "[key]" else source.span(*path)
    return Diagnostic(code, message, at, hint)


def _form_hint(path: Path, given: Any) -> str:
    """What to write where an argument or result is its type alone."""
    match path:
        case ("arguments" | "results", str(name)) if isinstance(given, str) and len(given) <= SHOWN:
            return f"write {name[:SHOWN]}: {{type: {json.dumps(given)}}}"
        case _:
            return ""


def _choices(found: Any) -> list[str]:
    """The literals that pydantic lists as `'a', 'b' or 'c'`."""
    listed = found["ctx"]["expected"].replace(" or ", ", ").split(", ")
    return [word.replace("'", '"') for word in listed]


def _missing_hint(path: Path) -> str:
    return _MISSING_HINTS.get(str(path[-1]), f'add "{path[-1]}: ..."')


_MISSING_HINTS = {
    "edition": f'add "edition: {models.EDITION}"',
    "body": 'add "body: |" and the kernel below it',
}


def _keys_beside(path: Path) -> list[str]:
    """The keys that the model holding `path` knows."""
    match path[:-1]:
        case ("arguments", _):
            model: type[BaseModel] = models.Argument
        case ("arguments", _, "values"):
            model = models.Values
        case ("results", _):
            model = models.Result
        case ("exports", _):
            model = models.Export
        case ("numerics",):
            model = models.Numerics
        case _:
            model = models.Spec
    return list(model.model_fields)
