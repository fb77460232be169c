"""The runtime's headers with what computes floats replaced, and the texts that include them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
IN_PLACE = "in_place.h"
_END = re.compile(r"^\}.*\n", re.MULTILINE)
_LITERAL = re.compile(r"(?<![\w.])\d+(?:\.\d*)?(?:e[+-]?\d+)?f\b")


def with_ring_literals(text: str) -> str:
    """The text with each float literal an element: what is computed of literals alone is too."""
    return _LITERAL.sub(lambda found: f"float({found[0]})", text)


def lay_over(shipped: Sequence[Path], replaced: Path, folder: Path) -> Path:
    """A folder of the shipped headers in which some are replaced; those are there too, `as_shipped_`.

    What `in_place.h` defines takes the place of single definitions.
    """
    if folder.exists():
        return folder
    for item in shipped:
        shutil.copytree(item, folder, dirs_exist_ok=True)
    for path in replaced.iterdir():
        if path.name == IN_PLACE:
            continue
        if (folder / path.name).exists():
            (folder / path.name).rename(folder / f"as_shipped_{path.name}")
        shutil.copy(path, folder)
    shutil.copy(HERE / "ring.h", folder)
    if (replaced / IN_PLACE).exists():
        _, *definitions = (replaced / IN_PLACE).read_text().split("\n\n")
        for definition in definitions:
            _put_in_place(definition.rstrip() + "\n", folder)
    return folder


def _put_in_place(definition: str, folder: Path) -> None:
    """Let a definition stand for the one that begins alike, but where the emulator checks pointers.

    Raises ValueError where no header has one.
    """
    start = definition[: definition.index("{\n") + 2]
    for path in folder.iterdir():
        text = path.read_text()
        first = text.find(start)
        end = _END.search(text, first)
        if first >= 0 and end is not None:
            both = f"#ifdef EMU_CHECK\n{text[first : end.end()]}#else\n{definition}#endif\n"
            path.write_text(text[:first] + both + text[end.end() :])
            return
    raise ValueError(f"no header defines {start.strip()}")
