"""A seed that is new with every change: from the commit, so that whoever tests it draws the same programs."""

from __future__ import annotations

import functools
import random
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@functools.cache
def fresh_seed() -> int:
    """Below 10^9; of no commit where there is no repository."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return random.SystemRandom().randrange(10**9)
    return int(done.stdout, 16) % 10**9
