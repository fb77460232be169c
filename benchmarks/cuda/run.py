"""Measure every op at every number of rows: `python build.py bench --target cuda`.

The package built from `generated/` must have a name of its own (`SGL_PACKAGE_NAME`) where the peer is to
stand beside it, for that is called `sgl_kernel` too. A number is kept only for a runner whose results are
right.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from benchmarks.cuda.cases import OPS, Arguments, Draw, Op, Sizes
from benchmarks.cuda.check import WrongResult, check, copied, reference
from benchmarks.cuda.timing import calls_for, host_cost, record, replay
from codegen.failures import Failure
from codegen.settings import DEFAULT_PACKAGE, read_settings

ROWS = (1, 16, 256, 4096, 16384)
AGAINST = ("peer", "torch", "compile", "triton")
_OURS = "ours"
_COPIES = (64, 1024)  # MiB read by a copy
_SEED = 7

# A runner gives back what it computed from the arguments of a call, or None where it wrote to them.
Runner = Callable[[Arguments], Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be measured, and where the peer lies."""

    against: tuple[str, ...] = AGAINST
    rows: tuple[int, ...] = ROWS
    ops: tuple[str, ...] = ()
    peer: Path = Path("build/peer")

    def chosen_ops(self) -> tuple[Op, ...]:
        return tuple(op for op in OPS if not self.ops or op.name in self.ops)

    def cells(self) -> Iterator[tuple[Op, Sizes]]:
        for op in self.chosen_ops():
            for sizes in op.sizes:
                yield from ((op, {"rows": rows, **sizes}) for rows in op.rows or self.rows)


@dataclass(slots=True)
class Cell:
    """One op at one size: by runner, microseconds and the share of the allowed error, or what went wrong."""

    op: str
    sizes: Sizes
    bytes: int
    calls: int
    exceeds_cache: bool
    us: dict[str, float] = field(default_factory=dict)
    error: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def measure(options: Options, results: Path, command: str) -> dict[str, Any]:
    """Everything, written to `results/cuda.json` as it comes: the document."""
    if not torch.cuda.is_available():
        raise Failure("there is no CUDA device that torch can use")
    modules = _modules(options)
    _warm(options)
    results.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "command": command,
        "machine": _machine(),
        "copy": _copy_bandwidth(),
        "host_us": _host_costs(modules),
        "cells": [],
    }
    for op, sizes in options.cells():
        started = time.perf_counter()
        cell = _measure_cell(op, sizes, _runners(op, modules, options))
        document["cells"].append(asdict(cell))
        (results / "cuda.json").write_text(json.dumps(document, indent=1) + "\n")
        _print_progress(cell, time.perf_counter() - started)
    return document


def _print_progress(cell: Cell, seconds: float) -> None:
    times = ", ".join(f"{name} {us:.2f}" for name, us in cell.us.items())
    failures = "".join(f"; {name}: {why}" for name, why in cell.failed.items())
    print(f"{cell.op} {dict(cell.sizes)}: {times}{failures} ({seconds:.1f} s)", flush=True)


# ---- who runs ------------------------------------------------------------------------------------


def _modules(options: Options) -> dict[str, ModuleType]:
    """Our package, and the peer's where it is asked for."""
    name = read_settings().package
    if "peer" in options.against and name == DEFAULT_PACKAGE:
        raise Failure(f"the peer is called {name} too: build and run with SGL_PACKAGE_NAME=sgl_kernel_ir")
    try:
        modules = {_OURS: importlib.import_module(f"{name}.cuda")}
    except ModuleNotFoundError as error:
        raise Failure(f"{error.name} is not there; run `python build.py build` first") from error
    if not modules[_OURS].is_available():
        raise Failure(f"{name}.cuda was built without CUDA")
    if "peer" in options.against:
        if not (options.peer / DEFAULT_PACKAGE).is_dir():
            raise Failure(f"{options.peer} has no {DEFAULT_PACKAGE}: unpack the peer's wheel there")
        sys.path.insert(0, str(options.peer))
        modules["peer"] = importlib.import_module(DEFAULT_PACKAGE)
    return modules


def _runners(op: Op, modules: dict[str, ModuleType], options: Options) -> dict[str, Runner]:
    """Those that have the op, ours first."""
    found: dict[str, Runner] = {}
    for name, module in modules.items():
        if name == _OURS or hasattr(module, op.name):
            found[name] = _caller(op, module)
    if "torch" in options.against:
        found["torch"] = op.plain
    if "compile" in options.against:
        torch._dynamo.reset()
        found["compile"] = torch.compile(op.plain, dynamic=False)
    if "triton" in options.against:
        from benchmarks.cuda.fused import FUSED

        if op.name in FUSED:
            found["triton"] = FUSED[op.name]
    return found


def _caller(op: Op, module: ModuleType) -> Runner:
    def run(arguments: Arguments) -> None:
        op.call(module, arguments)

    return run


# ---- one cell --------------------------------------------------------------------------------------


def _measure_cell(op: Op, sizes: Sizes, runners: dict[str, Runner]) -> Cell:
    torch.manual_seed(_SEED)
    arguments = op.make(Draw("cuda", sizes))
    moved = op.bytes_moved(arguments)
    calls = calls_for(moved)
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    cell = Cell(op.name, dict(sizes), moved, calls, calls * moved > cache)
    right = {name: run for name, run in runners.items() if _is_right(op, arguments, name, run, cell)}
    sets = [arguments, *(op.make(Draw("cuda", sizes)) for _ in range(calls - 1))]
    graphs: dict[str, torch.cuda.CUDAGraph] = {}
    stream = torch.cuda.Stream()
    for name, run in right.items():
        try:
            graphs[name] = record([_bound(run, own) for own in sets], stream)
        except Exception as error:  # whatever a runner raises is its result
            cell.failed[name] = _short(error)
    cell.us = dict(zip(graphs, replay(list(graphs.values()), calls), strict=True))
    del graphs, sets
    torch.cuda.empty_cache()
    return cell


def _is_right(op: Op, arguments: Arguments, name: str, run: Runner, cell: Cell) -> bool:
    """Whether a run gives the right results; kept in the cell either way."""
    own = copied(arguments)
    try:
        wanted = reference(op, own)
        given = run(own)
        written = given if given is not None else tuple(own[output] for output in op.outputs)
        torch.cuda.synchronize()
        cell.error[name] = check(op, written, wanted)
    except Exception as error:  # whatever a runner raises is its result
        cell.failed[name] = _short(error)
        return False
    return True


def _bound(run: Runner, arguments: Arguments) -> Callable[[], object]:
    return lambda: run(arguments)


def _short(error: Exception) -> str:
    text = str(error) if isinstance(error, WrongResult) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:200]


# ---- what the cells are compared with ----------------------------------------------------------------


def _copy_bandwidth() -> dict[str, float]:
    """GB/s of copies, bytes read and written counted, by MiB read."""
    found = {}
    for size in _COPIES:
        moved = 2 * size * 2**20
        pairs = [[torch.randn(moved // 8, device="cuda") for _ in range(2)] for _ in range(calls_for(moved))]
        graph = record([lambda pair=pair: pair[0].copy_(pair[1]) for pair in pairs], torch.cuda.Stream())
        found[str(size)] = round(moved / replay([graph], len(pairs))[0] / 1e3, 1)
    return found


def _host_costs(modules: dict[str, ModuleType]) -> dict[str, float]:
    """Microseconds of the host for a call whose result is given a place."""
    op = OPS[0]
    arguments = op.make(Draw("cuda", {"rows": 1, "width": 4096}))
    return {
        name: round(host_cost(_bound(_caller(op, module), arguments)), 3) for name, module in modules.items()
    }


def _machine() -> dict[str, str]:
    driver = "nvidia-smi --query-gpu=driver_version --format=csv,noheader"
    return {
        "gpu": torch.cuda.get_device_name(),
        "driver": subprocess.run(driver.split(), capture_output=True, text=True, check=False).stdout.strip(),
        "torch": torch.__version__,
        "cuda": str(torch.version.cuda),
        "python": sys.version.split()[0],
    }


# ---- compiling ahead of time ---------------------------------------------------------------------------


def _warm(options: Options) -> None:
    """Let every op's kernels be compiled into their caches by a process each, all at once."""
    kinds = [kind for kind in ("compile", "triton") if kind in options.against]
    if not kinds:
        return
    rows = ",".join(map(str, options.rows))
    environment = {**os.environ, "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    code = "from benchmarks.cuda.run import compile_op; import sys; compile_op(*sys.argv[1:])"
    commands = [[sys.executable, "-c", code, op.name, rows, ",".join(kinds)] for op in options.chosen_ops()]
    running = [subprocess.Popen(command, env=environment) for command in commands]
    for process in running:
        process.wait()


def compile_op(name: str, rows: str, kinds: str) -> None:
    """What a process of `_warm` does."""
    options = Options(tuple(kinds.split(",")), tuple(map(int, rows.split(","))), (name,))
    for op, sizes in options.cells():
        arguments = op.make(Draw("cuda", sizes))
        for run in _runners(op, {}, options).values():
            try:
                run(arguments)
            except Exception as error:  # the measurement will say so
                print(f"{name}: {_short(error)}", file=sys.stderr)
        torch.cuda.synchronize()


def parse_names(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """A list by commas. Raises Failure for a name that is not known."""
    names = tuple(part for part in text.split(",") if part)
    for name in names:
        if name not in known:
            raise Failure(f"{name!r} is not one of {', '.join(known)}")
    return names
