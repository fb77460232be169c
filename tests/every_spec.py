"""The specs that tests run over: those that ship, and those worked out in docs/language.md."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from codegen.pipeline import Stage, compile_stages
from kernel_ir.load import LoadedSpec, load_file, load_text

ROOT = Path(__file__).resolve().parent.parent
_PAGE = ROOT / "docs" / "language.md"
SHIPPED = {path.stem: path for path in sorted((ROOT / "specs").rglob("*.yaml"))}
_BLOCKS = re.findall(r"^```yaml\n(edition: .*?)^```$", _PAGE.read_text(encoding="ascii"), re.M | re.S)
WORKED = {re.findall(r"^name: (\w+)$", text, re.M)[0]: text for text in _BLOCKS}
NAMES = [*SHIPPED, *WORKED]


@cache
def load(name: str) -> LoadedSpec:
    return load_file(SHIPPED[name]) if name in SHIPPED else load_text(WORKED[name], f"{name}.yaml")


@cache
def stages(name: str) -> tuple[Stage, ...]:
    """Every form that a spec takes on its way through the compiler."""
    return tuple(compile_stages(load(name)))
