"""`python -m benchmarks [cpu | generate | emulator]`: measure the built kernels, or one of the tools."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen.failures import Failure

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark; the exit status."""
    parser = argparse.ArgumentParser(prog="build.py bench", description=(__doc__ or "").split(": ")[1])
    parser.add_argument("what", nargs="?", choices=("cpu", "generate", "emulator"), default="cpu")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks/results", help="where to write")
    parsed = parser.parse_args(arguments)
    try:
        if parsed.what == "cpu":
            from benchmarks import cpu

            cpu.main(ROOT / "specs", parsed.results, "python build.py bench")
        elif parsed.what == "emulator":
            from benchmarks import emulator

            emulator.main(parsed.results, "python build.py bench emulator")
        else:
            from benchmarks import generate

            generate.main(ROOT, parsed.results, "python build.py bench generate")
    except Failure as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
