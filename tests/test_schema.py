"""The JSON Schema says what the loader says, as far as structure goes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kernel_ir.errors import SpecError
from kernel_ir.load import load_file, load_text
from kernel_ir.schema import schema_text
from kernel_ir.source import read_source
from kernel_ir.spec import Spec

FOLDER = Path(__file__).parent / "bad_specs"
# Specs whose signature is sound, which is as far as loading goes: bodies are not looked at.
GOOD = sorted((Path(__file__).parent / "good_specs").glob("*.yaml"))
SCHEMA = json.loads(schema_text())
STRUCTURAL = {"unknown-key", "missing-key", "wrong-type", "wrong-length", "unknown-word"}


def accepts(schema: Any, value: Any) -> bool:
    """The part of JSON Schema that `schema_text` uses; an unknown keyword is an error."""
    if "type" in schema and not has_type(schema["type"], value, schema):
        return False
    return all(RULES[keyword](argument, value, schema) for keyword, argument in schema.items())


def has_type(name: str, value: Any, schema: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {
        "object": isinstance(value, dict),
        "array": isinstance(value, tuple),
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": is_number and value == int(value),
        "number": is_number,
        "null": value is None,
    }[name]


def properties_fit(properties: Any, value: Any, schema: Any) -> bool:
    return all(accepts(properties[key], item) for key, item in value.items() if key in properties)


def patterns_fit(patterns: Any, value: Any, schema: Any) -> bool:
    return all(
        accepts(inner, item)
        for p, inner in patterns.items()
        for key, item in value.items()
        if re.search(p, key)
    )


def extras_fit(allowed: Any, value: Any, schema: Any) -> bool:
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [key for key in value if key not in named and not any(re.search(p, key) for p in patterns)]
    return all(allowed is not False and accepts(allowed, value[key]) for key in extras)


RULES: dict[str, Any] = {
    "$schema": lambda argument, value, schema: True,
    "$defs": lambda argument, value, schema: True,
    "title": lambda argument, value, schema: True,
    "description": lambda argument, value, schema: True,
    "default": lambda argument, value, schema: True,
    "$ref": lambda ref, value, schema: accepts(SCHEMA["$defs"][ref.rpartition("/")[2]], value),
    "anyOf": lambda options, value, schema: any(accepts(option, value) for option in options),
    "const": lambda constant, value, schema: type(value) is type(constant) and value == constant,
    "enum": lambda words, value, schema: value in words,
    "type": has_type,
    "pattern": lambda pattern, value, schema: re.search(pattern, value) is not None,
    "properties": properties_fit,
    "patternProperties": patterns_fit,
    "additionalProperties": extras_fit,
    "propertyNames": lambda names, value, schema: all(accepts(names, key) for key in value),
    "required": lambda keys, value, schema: all(key in value for key in keys),
    "items": lambda inner, value, schema: all(accepts(inner, item) for item in value),
    "prefixItems": lambda inner, value, schema: all(
        accepts(i, v) for i, v in zip(inner, value, strict=False)
    ),
    "minItems": lambda least, value, schema: len(value) >= least,
    "maxItems": lambda most, value, schema: len(value) <= most,
}


def test_text_is_sorted_ascii_and_ends_in_a_newline() -> None:
    text = schema_text()
    assert text == json.dumps(SCHEMA, indent=2, sort_keys=True) + "\n"
    assert text.isascii() and text == schema_text()


def test_every_key_is_described() -> None:
    assert set(SCHEMA["properties"]) == set(Spec.model_fields)
    assert all("description" in entry or "$ref" in entry for entry in SCHEMA["properties"].values())


def test_every_object_is_closed() -> None:
    def objects(schema: Any) -> list[Any]:
        children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
        own = [schema] if isinstance(schema, dict) and schema.get("type") == "object" else []
        return own + [found for child in children for found in objects(child)]

    assert len(objects(SCHEMA)) > 8
    closed = [entry["additionalProperties"] is False or "propertyNames" in entry for entry in objects(SCHEMA)]
    assert all(closed)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_spec_that_loads_fits_the_schema(path: Path) -> None:
    assert accepts(SCHEMA, load_file(path).source.data)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_spec_of_the_wrong_structure_does_not_fit(path: Path) -> None:
    """Editors flag what the loader calls a structural problem."""
    text = path.read_bytes().decode("utf-8")
    try:
        data = load_text(text, path.name).source.data
    except SpecError as error:
        if STRUCTURAL & {item.code for item in error.diagnostics}:
            assert not accepts(SCHEMA, read_source(text, path.name).data)
    else:  # its body is wrong, not its structure
        assert accepts(SCHEMA, data)
