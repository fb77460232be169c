"""Jinja, set up once: templates come from the package only, and a missing field is an error."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import jinja2


@functools.cache
def environment(folder: Path) -> jinja2.Environment:
    """The templates of one folder. Text is never executed as a template, only passed to one."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(folder)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(folder: Path, template: str, fields: Mapping[str, object]) -> str:
    """A template's text with its fields filled in. Raises jinja2.UndefinedError on a missing field."""
    return environment(folder).get_template(template).render(fields)
