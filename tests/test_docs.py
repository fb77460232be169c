"""The pages say what is true: links lead somewhere, commands exist and run, dumps are the compiler's own.

`pytest tests/test_docs.py --refresh` rewrites the dumps.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from doc_blocks import ROOT, Block, find_blocks, refreshed, shown

import build as cli

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]

# Commands that are run as they stand; the others are only looked up.
CHEAP = ("explain", "check", "--help")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_RUN = re.compile(r"<!-- run -->\n```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"build\.py ([a-z]+)")
_MAKE = re.compile(r"`make ([a-z]+)`|^make ([a-z]+)", re.MULTILINE)
_PATH = re.compile(r"`((?:specs|kernel_ir|codegen|backends|generated|tests|benchmarks|docs)/[\w./*-]*)`")


@pytest.fixture(params=PAGES, ids=NAMES)
def page(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if "://" in link:
            continue
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if heading:
            assert heading in headings(target), f"{link}: no such heading"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_paths_that_are_named_exist(page: Path) -> None:
    for path in _PATH.findall(_FENCE.sub("", page.read_text())):
        assert list(ROOT.glob(path.rstrip("/"))), f"{path} is not there"


def test_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text()
    for command in _COMMAND.findall(text):
        assert callable(getattr(cli, command, None)), f"build.py has no command {command}"
    rules = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for quoted, bare in _MAKE.findall(text):
        assert (quoted or bare) in rules, f"make has no rule {quoted or bare}"


def shell_commands() -> list[str]:
    """Every cheap `build.py` command in the pages' shell blocks, once."""
    lines = [
        line for page in PAGES for block in _SHELL.findall(page.read_text()) for line in block.splitlines()
    ]
    commands = {line.partition("#")[0].strip() for line in lines}
    return sorted(item for item in commands if "build.py" in item and set(item.split()) & set(CHEAP))


@pytest.mark.parametrize("command", shell_commands())
def test_cheap_commands_run(command: str) -> None:
    words = [sys.executable if Path(word).name == "python" else word for word in shlex.split(command)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def blocks() -> list[tuple[str, Block]]:
    return [(name, item) for name in NAMES for item in find_blocks((ROOT / name).read_text())]


@pytest.mark.parametrize(("name", "block"), blocks(), ids=lambda item: getattr(item, "what", item))
def test_dumps_are_fresh(name: str, block: Block, refresh: bool) -> None:
    if refresh:
        path = ROOT / name
        path.write_text(refreshed(path.read_text()))
        return
    assert block.text == shown(block.what), "run pytest tests/test_docs.py --refresh and read the diff"


def python_examples() -> list[str]:
    return [code for page in PAGES for code in _RUN.findall(page.read_text())]


@pytest.mark.parametrize("code", python_examples())
def test_examples_run_on_the_built_package(code: str) -> None:
    if not (ROOT / "build/python/sgl_kernel").is_dir():
        pytest.skip("nothing is built: run `python build.py build`")
    script = f"import sys; sys.path.insert(0, {str(ROOT / 'build/python')!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_tour_shows_a_kernel_whole() -> None:
    """Each marker is found: a page whose markers are misspelt would otherwise pass unread."""
    tour = (ROOT / "docs/tour.md").read_text()
    assert tour.count("<!-- shown:") == len(find_blocks(tour)) >= 8
