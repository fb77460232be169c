"""What the pages show of the compiler's forms and files: a marker, and the fenced block below it.

    <!-- shown: stage rms_norm lower -->      the kernel after that step of `build.py explain`
    <!-- shown: source metal rms_norm -->     what a back end writes
    <!-- shown: file specs/norm/rms_norm.yaml -->
    <!-- shown: function FILE.py NAME -->     one Python function of a file
    <!-- shown: passes -->                    the pass lists, with their reasons

`from "..." to "..."` after any of them keeps the lines from the first that starts with the one text to the
next that starts with the other, both without the first line's indentation.
"""

from __future__ import annotations

import ast
import functools
import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.pipeline import LOWERED_PASSES, PASSES, Compiled, compile_spec, explain
from kernel_ir.load import LoadedSpec, load_bytes

ROOT = Path(__file__).resolve().parent.parent

_BLOCK = re.compile(
    r"<!-- shown: (?P<what>.+?) -->\n```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
_EXCERPT = re.compile(r'^(?P<what>.+?) from "(?P<first>.+?)" to "(?P<last>.+?)"$')


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page: what it shows, the text that stands there, and where that starts and ends."""

    what: str
    text: str
    start: int
    end: int


def find_blocks(page: str) -> list[Block]:
    """Every marked block of a page, in order."""
    return [
        Block(found["what"], found["text"], found.start("text"), found.end("text"))
        for found in _BLOCK.finditer(page)
    ]


def refreshed(page: str) -> str:
    """The page with every block as it should be."""
    for block in reversed(find_blocks(page)):
        page = page[: block.start] + shown(block.what) + page[block.end :]
    return page


def shown(what: str) -> str:
    """The text that a marker asks for, ending with a newline. Raises KeyError for what there is not."""
    excerpt = _EXCERPT.match(what)
    if excerpt:
        return _excerpt(shown(excerpt["what"]), excerpt["first"], excerpt["last"])
    kind, *arguments = what.split()
    return _KINDS[kind](*arguments).rstrip("\n") + "\n"


def _excerpt(text: str, first: str, last: str) -> str:
    lines = text.splitlines(keepends=True)
    start = next(index for index, line in enumerate(lines) if line.lstrip().startswith(first))
    indent = len(lines[start]) - len(lines[start].lstrip())
    rest = [line[indent:] if line.strip() else line for line in lines[start:]]
    end = next(index for index, line in enumerate(rest) if line.startswith(last))
    return "".join(rest[: end + 1])


@functools.cache
def _load(kernel: str) -> LoadedSpec:
    (path,) = (ROOT / "specs").rglob(f"{kernel}.yaml")
    return load_bytes(path.read_bytes(), path.relative_to(ROOT).as_posix())


@functools.cache
def _stages(kernel: str) -> Mapping[str, str]:
    """The forms of a kernel by the step that gave them; of a step that runs twice, the last."""
    parts = re.split(r"^== (\w+): .*\n", explain(_load(kernel)), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@functools.cache
def _compile(kernel: str) -> Compiled:
    return compile_spec(_load(kernel))


def _stage(kernel: str, step: str) -> str:
    return _stages(kernel)[step]


def _source(target: str, kernel: str) -> str:
    compiled = _compile(kernel)
    emit = importlib.import_module(f"backends.{target}.emit").emit
    return str(next(iter(emit(compiled.program, compiled.record).values())))


def _file(path: str) -> str:
    return (ROOT / path).read_text()


def _function(path: str, name: str) -> str:
    source = _file(path)
    nodes = (item for item in ast.walk(ast.parse(source)) if isinstance(item, ast.FunctionDef))
    text = ast.get_source_segment(source, next(item for item in nodes if item.name == name))
    assert text is not None
    return text


def _passes() -> str:
    typed = [(item.run.__name__, item.reason) for item in PASSES]
    lowered = [(item.run.__name__, item.reason) for item in LOWERED_PASSES]
    rows = [*typed, ("lower", "from the typed IR to launches, loops and folds"), *lowered]
    return "\n".join(f"{name:16}{reason}" for name, reason in rows)


_KINDS: Mapping[str, Callable[..., str]] = {
    "stage": _stage,
    "source": _source,
    "file": _file,
    "function": _function,
    "passes": _passes,
}
