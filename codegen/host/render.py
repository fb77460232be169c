"""Templates: a dataclass in, text out, and document text only through a filter."""

from __future__ import annotations

import functools
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import jinja2

from codegen.render import environment as make_environment

_TEMPLATES = Path(__file__).parent / "templates"
_MARKUP = re.compile(r"([\\*_<>\[\]#|~&])|`[^`]*`")
_C_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}


def render(template: str, context: object) -> bytes:
    """`templates/<template>` filled with the fields of the dataclass `context`, as UTF-8."""
    values = {field.name: getattr(context, field.name) for field in fields(context)}  # type: ignore[arg-type]
    return environment().get_template(template).render(values).encode()


@functools.cache
def environment() -> jinja2.Environment:
    """The host's templates, with the filters that document text passes through."""
    made = make_environment(_TEMPLATES)
    made.filters.update(FILTERS)
    return made


def c_string(text: str) -> str:
    """`text` as a C string literal, quotes included."""
    return '"' + "".join(_C_ESCAPES.get(character, character) for character in _ascii(text)) + '"'


def c_comment(text: str) -> str:
    """`text` for a `//` comment: one line, and no backslash that would continue it."""
    return " ".join(_ascii(text).split()).rstrip("\\")


def python_doc(text: str, depth: int = 1) -> str:
    """`text` for a docstring indented `depth` levels, which it can neither end nor escape from."""
    safe = _ascii(text).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    indented = re.sub(r"\n(?=[^\n])", "\n" + "    " * depth, safe)
    return indented[:-1] + '\\"' if indented.endswith('"') else indented


def python_string(text: str) -> str:
    """`text` as a Python string literal, quotes included."""
    return c_string(text)


def markdown(text: str) -> str:
    """`text` as a paragraph: nothing in it is markup but backticks."""
    return _MARKUP.sub(lambda found: f"\\{found[0]}" if found[1] else found[0], _ascii(text))


def cell(text: str) -> str:
    """`text` for one cell of a table."""
    return " ".join(markdown(text).split())


def _ascii(text: str) -> str:
    return "".join(character if character == "\n" or " " <= character <= "~" else "?" for character in text)


FILTERS: dict[str, Any] = {
    "cstr": c_string,
    "ccomment": c_comment,
    "pydoc": python_doc,
    "pystr": python_string,
    "markdown": markdown,
    "cell": cell,
}
