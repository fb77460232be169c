"""One batch of programs in a process of its own: `python -m fuzz.worker TARGETS SEED...`.

Each line that it writes is one message, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any


def main(arguments: Sequence[str]) -> int:
    """Run the batch. Targets are joined by commas; `passes` among them checks every step of the compiler."""
    from fuzz.batch import Batch

    targets, *seeds = arguments
    Batch(targets.split(","), _say).run([int(seed) for seed in seeds])
    return 0


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
