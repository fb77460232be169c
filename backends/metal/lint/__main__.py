"""`python -m backends.metal.lint FILE.metal ...`: prints what Metal would refuse; 1 where there is any."""

from __future__ import annotations

import sys
from pathlib import Path

from backends.metal.lint import lint

USAGE = """usage: python -m backends.metal.lint FILE.metal ...

Prints what Metal would refuse, a line each, and nothing of a shader that it would take. The exit status is 1
where there is any, and 2 where a file cannot be read."""


def main(paths: list[str]) -> int:
    is_asked = bool({"-h", "--help"} & set(paths))
    if not paths or is_asked:
        print(USAGE, file=sys.stdout if is_asked else sys.stderr)
        return 0 if is_asked else 2
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
