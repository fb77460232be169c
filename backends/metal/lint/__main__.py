"""`python -m backends.metal.lint FILE.metal ...`: prints what Metal would refuse; 1 where there is any."""

from __future__ import annotations

import sys
from pathlib import Path

from backends.metal.lint import lint


def main(paths: list[str]) -> int:
    if not paths:
        print("usage: python -m backends.metal.lint FILE.metal ...", file=sys.stderr)
        return 2
    count = 0
    for path in paths:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            print(f"error: cannot read {path}: {error}", file=sys.stderr)
            return 2
        for finding in lint(text):
            print(f"{path}:{finding.line}: {finding.rule}: {finding.message}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
