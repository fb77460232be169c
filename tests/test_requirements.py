"""What a build needs is named, and the same everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"^([\w-]+)(?:\[\w+\])?==([\w.]+)", re.MULTILINE)

# By the import or the program that the build looks for.
NEEDED = {"setuptools", "ninja", "nanobind", "mlx"}


@pytest.fixture
def build_requirements() -> list[str]:
    """`build-system.requires`, read by its shape: Python 3.10 has no reader of TOML."""
    text = (ROOT / "pyproject.toml").read_text()
    found = re.search(r"^\[build-system\]\nrequires = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return re.findall(r'^    "(.+)",$', found[1], re.MULTILINE)


def test_every_build_requirement_is_named(build_requirements: list[str]) -> None:
    names = {re.split(r"[\[=<>; ]", item)[0] for item in build_requirements}
    assert names == NEEDED


@pytest.mark.parametrize("marker", ["sys_platform == 'linux'", "sys_platform == 'darwin'"])
def test_mlx_is_named_for_each_system(build_requirements: list[str], marker: str) -> None:
    assert [item for item in build_requirements if item.startswith("mlx") and marker in item]


def test_the_build_and_the_lock_name_the_same_versions(build_requirements: list[str]) -> None:
    locked = dict(_PIN.findall((ROOT / "requirements" / "project.txt").read_text()))
    pinned = [found for item in build_requirements for found in _PIN.findall(item)]
    assert {name for name, _ in pinned} == {"mlx", "nanobind"}
    assert all(locked[name] == version for name, version in pinned)
