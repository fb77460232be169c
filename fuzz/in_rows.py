"""Any program once for each row of a batch: one more dimension in front of every tensor, one more loop."""

from __future__ import annotations

import re

ROWS, ROW = "rows", "row"

_TENSOR = re.compile(r"^  (\w+):(?: \{|\n    )type: '?\w+\[", re.MULTILINE)
_TYPE = re.compile(r"(type: )'?(\w+)\[\*?([^\]]*)\]'?")
_FUNCTION = re.compile(r"^  def .*\n(?:    .*\n)+(?: *\n)?", re.MULTILINE)


def in_rows(text: str) -> str:
    """A spec as `Signature.spec` writes it, in rows. Dimensions that are collapsed stand for themselves."""
    head, _, body = text.partition("body: |\n")
    tensors = "|".join(_TENSOR.findall(head))
    head = _TYPE.sub(rf"\1'\2[{ROWS}, \3]'", head)
    body = re.sub(rf"\b({tensors})\[", rf"\1[{ROW}, ", body)
    start = max((found.end() for found in _FUNCTION.finditer(body)), default=0)
    inside = "".join(f"    {line}" for line in body[start:].splitlines(keepends=True))
    return f"{head}body: |\n{body[:start]}  for {ROW} in range({ROWS}):\n{inside}"
