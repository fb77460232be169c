"""The machine that measurements are taken on: what it is, how busy, and how fast it copies memory."""

from __future__ import annotations

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from backends.machine import core_count, processor_name

_COPY_BYTES = 64 * 2**20
_REPEATS = 15


@dataclass(frozen=True, slots=True)
class Machine:
    """`load` counts runnable processes over the last minute, ours included; bandwidth is in GB/s."""

    processor: str
    cores: int
    system: str
    python: str
    load: float
    copy_bandwidth: float


def describe_machine() -> Machine:
    """This machine, with its copy bandwidth measured now."""
    return Machine(
        processor=processor_name(),
        cores=core_count(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 1),
        copy_bandwidth=round(copy_bandwidth(), 1),
    )


def copy_bandwidth() -> float:
    """GB/s of a copy of 64 MiB over all cores, read and written bytes counted; the best of a few."""
    threads = core_count()
    source = np.ones(_COPY_BYTES // 4 // threads * threads, np.float32)
    target = np.zeros_like(source)
    parts = list(zip(np.split(target, threads), np.split(source, threads), strict=True))
    seconds = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(_REPEATS):
            start = time.perf_counter()
            list(pool.map(lambda part: np.copyto(*part), parts))
            seconds.append(time.perf_counter() - start)
    return 2 * source.nbytes / min(seconds) / 1e9
