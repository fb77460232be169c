"""Python text that fits its lines."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST_LINE = 110


def bracketed(head: str, items: Sequence[str], tail: str, indent: str = "") -> str:
    """`head(items)tail` on one line, or with an item a line where that would be too long.

    `indent` stands before every line but the first, which the caller places.
    """
    line = f"{head}({', '.join(items)}){tail}"
    if len(indent) + len(line) <= _LONGEST_LINE:
        return line
    inner = "".join(f"\n{indent}    {item}," for item in items)
    return f"{head}({inner}\n{indent}){tail}"
