"""One batch of programs in a process of its own: `python -m fuzz.worker TARGETS SEED...`.

With `-` in place of seeds it takes the programs themselves from its input.
Each line that it writes is one message, as JSON.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from typing import Any

from fuzz.batch import Batch, seconds_of_cores
from fuzz.program import Program


def main(arguments: Sequence[str]) -> int:
    """Run the batch. Targets are joined by commas; `passes` among them checks every step of the compiler."""
    targets, *seeds = arguments
    batch = Batch(targets.split(","), _say)
    batch.spent["start"] += seconds_of_cores()
    gc.disable()  # a worker keeps most of what it makes, and ends soon
    if seeds == ["-"]:
        batch.run_programs([_program(item) for item in json.load(sys.stdin)])
    else:
        batch.run([int(seed) for seed in seeds])
    return 0


def _program(given: dict[str, Any]) -> Program:
    loops = {key: tuple(map(tuple, given[key])) for key in ("paths", "rounds")}
    return Program(**{**given, **loops})


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
