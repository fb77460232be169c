"""The spec format as JSON Schema, for editors that complete and check YAML."""

from __future__ import annotations

import json
from typing import Any

from kernel_ir.spec import EDITION, Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """The schema, the same bytes each time: sorted keys, two spaces, a newline at the end."""
    schema = _tidy(Spec.model_json_schema())
    schema |= {"$schema": DIALECT, "title": f"Kernel spec, edition {EDITION}"}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def _tidy(schema: Any) -> Any:
    """The schema less the titles that pydantic makes up, and closed where keys have a pattern.

    A property may itself be called `title`; there the value is a schema, not a string.
    """
    match schema:
        case dict():
            kept = {
                key: value for key, value in schema.items() if key != "title" or not isinstance(value, str)
            }
            closed = {"additionalProperties": False} if "patternProperties" in kept else {}
            return {key: _tidy(value) for key, value in kept.items()} | closed
        case list():
            return [_tidy(item) for item in schema]
    return schema
