"""Every spec under `bad_specs` is refused with exactly the text beside it.

`pytest tests/test_bad_specs.py --refresh` rewrites the texts.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kernel_ir.errors import SpecError
from kernel_ir.typecheck.check import check_text

FOLDER = Path(__file__).parent / "bad_specs"
SPECS = sorted(FOLDER.glob("*.yaml"))


def read(path: Path) -> str:
    """The text with its line ends as they are: some specs are wrong because of them."""
    return path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_refused_with_exact_text(path: Path, refresh: bool) -> None:
    with pytest.raises(SpecError) as caught:
        check_text(read(path), path.name)
    expected = path.with_suffix(".txt")
    if refresh:
        expected.write_text(f"{caught.value}\n", encoding="ascii", newline="\n")
    assert f"{caught.value}\n" == read(expected)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_file_is_named_after_a_code_it_raises(path: Path) -> None:
    code = path.stem.rpartition("_")[0].replace("_", "-")
    with pytest.raises(SpecError) as caught:
        check_text(read(path), path.name)
    codes = {item.code for item in caught.value.diagnostics}
    assert code in codes or (code == "several-problems" and len(codes) > 2)


def test_no_expected_text_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {path.stem for path in SPECS}


def test_every_code_that_a_body_can_raise_has_a_spec() -> None:
    """The codes stand in the reference, which `test_language` compares with the checker's source."""
    page = (FOLDER.parent.parent / "docs" / "language.md").read_text(encoding="ascii")
    table = page.partition("## What is refused")[2].partition("## Limits")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.M)
    explained = {code for row in rows for code in re.findall(r"`([a-z-]+)`", row)}
    assert explained <= {path.stem.rpartition("_")[0].replace("_", "-") for path in SPECS}
