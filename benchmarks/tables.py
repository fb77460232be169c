"""Rows of text as a table, for a terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[Sequence[str]]


def render_text(headings: Sequence[str], rows: Rows) -> str:
    """Columns aligned by spaces; numbers to the right."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(_aligned(line, widths).rstrip() for line in lines)


def render_markdown(headings: Sequence[str], rows: Rows) -> str:
    """A pipe table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
        for cell, width in zip(line, widths, strict=True)
    )
