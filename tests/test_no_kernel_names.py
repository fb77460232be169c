"""The compiler knows no kernel by its name: what one may do, every one may."""

from __future__ import annotations

import re
from pathlib import Path

import every_spec
import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("kernel_ir", "codegen", "backends")
TEXT = (".py", ".j2", ".h", ".cpp", ".cu", ".cuh", ".metal", ".yaml")
# A kernel that has the name of a construct of the language: the word stands for the construct.
CONSTRUCTS = {"softmax"}


def public_names() -> list[str]:
    """The names of all shipped kernels and of their exports."""
    specs = [every_spec.load(name).spec for name in every_spec.SHIPPED]
    names = {name for spec in specs for name in (spec.name, *(export.name for export in spec.exports))}
    return sorted(names - CONSTRUCTS)


def sources() -> list[Path]:
    return [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in TEXT]


@pytest.mark.parametrize("name", public_names())
def test_no_source_of_the_compiler_names_a_kernel(name: str) -> None:
    word = re.compile(rf"(?<![a-z0-9_]){re.escape(name)}(?![a-z0-9_])", re.IGNORECASE)
    found = [
        str(path.relative_to(ROOT)) for path in sources() if word.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_search_looks_somewhere() -> None:
    assert len(sources()) > 50
    assert any("def lower(" in path.read_text(encoding="utf-8") for path in sources())
