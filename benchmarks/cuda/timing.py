"""Device time of a call by replay of CUDA graphs, and the time that a call takes on the host.

A graph holds one call for each of many sets of arguments, so many that together they exceed the cache, or as
many as a graph may hold. All runners of a cell are recorded first and then replayed in turn, round by round:
what the chip's clock does befalls them alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

import torch

ROUNDS = 9
MOST_CALLS = 2048  # in a graph
FEWEST_CALLS = 8
CACHES = 2.5  # what a graph's calls touch, in units of the second-level cache

Run = Callable[[], object]


def calls_for(bytes_a_call: int) -> int:
    """How many sets of arguments make a graph."""
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    wanted = int(CACHES * cache / max(bytes_a_call, 1)) + 1
    return max(FEWEST_CALLS, min(MOST_CALLS, wanted))


def record(calls: Sequence[Run], stream: torch.cuda.Stream) -> torch.cuda.CUDAGraph:
    """The calls as one graph, after a few of them have run, which loads and compiles what they need.

    What calls give back is kept until all are recorded: results have memory of their own then, as those have
    for which the caller gives a place.
    """
    with torch.cuda.stream(stream):
        for call in calls[:3]:
            call()
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            results = [call() for call in calls]
        del results
    return graph


def replay(graphs: Sequence[torch.cuda.CUDAGraph], calls: int) -> list[float]:
    """Median microseconds of a call of each graph."""
    found: list[list[float]] = [[] for _ in graphs]
    for number in range(ROUNDS + 1):
        for graph, times in zip(graphs, found, strict=True):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            graph.replay()
            end.record()
            end.synchronize()
            if number:  # the first round warms up
                times.append(start.elapsed_time(end) * 1e3 / calls)
    return [median(times) for times in found]


def host_cost(call: Run, calls: int = 500, rounds: int = 9) -> float:
    """Median microseconds until a call returns, with the device kept from falling behind."""
    for _ in range(100):
        call()
    torch.cuda.synchronize()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        times.append((time.perf_counter() - start) / calls * 1e6)
        torch.cuda.synchronize()
    return median(times)
