"""What a kernel's iterations write and read of each other's: races, stale reads, unwritten results.

All checks take the finished kernel and the facts that hold before its body (sizes and `requires`),
and give diagnostics in program order. What cannot be proven is refused.
"""

from __future__ import annotations

from itertools import combinations_with_replacement, product

from kernel_ir import nodes as ir
from kernel_ir.accesses import Access, Enter, accesses, are_exclusive, common_loops, run_in_different_calls
from kernel_ir.coverage import covers_load, uncovered_results
from kernel_ir.disjoint import Meeting, meeting
from kernel_ir.errors import Diagnostic
from kernel_ir.prove import Facts

__all__ = ["check_mutated", "check_reads_of_results", "check_writes", "uncovered_results"]

MAX_PAIRS = 2000


def check_writes(kernel: ir.Kernel, facts: Facts, unique: frozenset[str] = frozenset()) -> list[Diagnostic]:
    """`write-race`: different iterations of a parallel loop may store to one element.

    An index read from a tensor in `unique` is taken to be different for different elements of it.
    """
    found = []
    stores = [item for item in accesses(kernel, facts) if item.is_store]
    pairs = [(a, b) for a, b in combinations_with_replacement(stores, 2) if a.tensor == b.tensor]
    if len(pairs) > MAX_PAIRS:
        return [_too_many(kernel, pairs[-1][1])]
    shapes = {name: item.shape for name, item in kernel.tensors().items()}
    for first, second in pairs:
        loop = _shared_by_iterations(meeting(first, second, shapes[first.tensor], unique))
        if loop is not None:
            found.append(_write_race(first, second, loop))
    return found


def check_reads_of_results(kernel: ir.Kernel, facts: Facts) -> list[Diagnostic]:
    """`read-before-write`: a result is read where the same iteration has not stored it for sure.

    `read-race`: it is stored for sure, but another iteration may store to the element as well.
    """
    found = []
    items = [item for item in accesses(kernel, facts) if kernel.tensors()[item.tensor].role == "result"]
    if _count_meetings(items) > MAX_PAIRS:
        return [_too_many(kernel, items[-1])]
    for load in items:
        stores = [item for item in items if item.is_store and item.tensor == load.tensor]
        if load.is_store:
            continue
        if not covers_load(stores, load):
            found.append(_read_before_write(load))
            continue
        shape = kernel.tensors()[load.tensor].shape
        for store in stores:
            loop = _shared_by_iterations(meeting(store, load, shape))
            if loop is not None:
                found.append(_read_race(store, load, loop))
                break
    return found


def check_mutated(kernel: ir.Kernel, facts: Facts, unique: frozenset[str] = frozenset()) -> list[Diagnostic]:
    """`stale-read`: a mutated argument is read where something may already have been stored over it."""
    found = []
    items = [item for item in accesses(kernel, facts) if kernel.tensors()[item.tensor].role == "mutated"]
    if _count_meetings(items) > MAX_PAIRS:
        return [_too_many(kernel, items[-1])]
    for load, store in product(items, items):
        if load.is_store or not store.is_store or load.tensor != store.tensor:
            continue
        pair = meeting(store, load, kernel.tensors()[load.tensor].shape, unique)
        reason = _staleness(pair)
        if reason is not None:
            found.append(_stale_read(store, load, reason))
    return found


# ---- which iterations meet ---------------------------------------------------------------------


def _shared_by_iterations(pair: Meeting) -> Enter | None:
    """The outermost parallel loop two of whose iterations may meet in one element."""
    if run_in_different_calls(pair.first, pair.second):
        return None
    for loop in common_loops(pair.first, pair.second):
        if loop.kind == "parallel" and not pair.is_impossible_across(loop):
            return loop
    return None


def _staleness(pair: Meeting) -> str | None:
    """Why the load (the second) may come after the store (the first) to its element."""
    if run_in_different_calls(pair.first, pair.second):
        return None
    loop = _shared_by_iterations(pair)
    if loop is not None:
        return f"another iteration of {_loop(loop)}"
    store, load = pair.first, pair.second
    for ordered in common_loops(store, load):
        if ordered.kind == "ordered" and not pair.is_impossible_across(ordered, both_orders=False):
            return f"an earlier iteration of {_loop(ordered)}"
    comes_first = store.statement < load.statement and not are_exclusive(store, load)
    if comes_first and not pair.is_impossible_within():
        return "an earlier statement"
    return None


def _count_meetings(items: list[Access]) -> int:
    stores = sum(item.is_store for item in items)
    return stores * (len(items) - stores)


# ---- what to say -------------------------------------------------------------------------------


def _loop(loop: Enter) -> str:
    return f"the `{loop.var.partition('.')[0]}` loop (line {loop.span.line})"


def _elsewhere(other: Access, here: Access) -> str:
    return "" if other.span.line == here.span.line else f" on line {other.span.line}"


def _write_race(first: Access, second: Access, loop: Enter) -> Diagnostic:
    if first is second:
        message = f"two iterations of {_loop(loop)} may store to one element of `{first.tensor}`"
    else:
        message = (
            f"two iterations of {_loop(loop)} may store to one element of `{first.tensor}`, "
            f"one on line {first.span.line} and one on line {second.span.line}"
        )
    hint = "index it by the loop's variable, make the loop `sequential`, or list its array under `unique`"
    return Diagnostic("write-race", message, second.span, hint)


def _read_before_write(load: Access) -> Diagnostic:
    message = f"cannot prove that the same iteration stores this element of `{load.tensor}` before it is read"
    hint = "store it earlier in the same loops and under the same conditions, or keep the value under a name"
    return Diagnostic("read-before-write", message, load.span, hint)


def _read_race(store: Access, load: Access, loop: Enter) -> Diagnostic:
    message = (
        f"this element of `{load.tensor}` may be stored{_elsewhere(store, load)} "
        f"by another iteration of {_loop(loop)} while it is read"
    )
    hint = "read what the same iteration stored, or read it in a loop of its own"
    return Diagnostic("read-race", message, load.span, hint)


def _stale_read(store: Access, load: Access, reason: str) -> Diagnostic:
    where = _elsewhere(store, load)
    message = f"`{load.tensor}` is read here after {reason} may have stored to the element{where}"
    hint = "reads of a mutated argument see its value at entry: read it into a name before it is stored"
    return Diagnostic("stale-read", message, load.span, hint)


def _too_many(kernel: ir.Kernel, last: Access) -> Diagnostic:
    message = f"`{kernel.name}` has too many accesses to what it writes (more than {MAX_PAIRS} pairs)"
    return Diagnostic("body-size", message, last.span, "split the kernel")
