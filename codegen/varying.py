"""What differs between the lanes of a dealt loop, and whether the loop can run in packs of lanes."""

from __future__ import annotations

from codegen import lowered as low
from kernel_ir import nodes as ir
from kernel_ir.traverse import walk


def varying_names(body: tuple[low.Stmt, ...], var: str) -> frozenset[str]:
    """Every name whose value may differ between iterations of the loop over `var` with this body."""
    found = {var}
    while True:
        before = len(found)
        _spread(body, found, False)
        if len(found) == before:
            return frozenset(found)


def is_varying(expr: ir.Expr, names: frozenset[str] | set[str]) -> bool:
    """Whether an expression's value may differ between lanes."""
    return any(
        (isinstance(item, ir.Var) and item.name in names) or (isinstance(item, ir.At) and item.row in names)
        for item in walk(expr)
    )


def _spread(body: tuple[low.Stmt, ...], found: set[str], is_masked: bool) -> None:
    for statement in body:
        match statement:
            case ir.Let(name, value):
                if is_varying(value, found):
                    found.add(name)
            case ir.Update(name, value):
                if is_masked or is_varying(value, found):
                    found.add(name)
            case low.Put(row, index, value):
                if is_varying(value, found) and not is_varying(index, found):
                    found.add(row)
            case low.If(condition, then, orelse):
                masked = is_masked or is_varying(condition, found)
                _spread(then, found, masked)
                _spread(orelse, found, masked)
            case low.Loop(_, first, end, _, inner):
                _spread(inner, found, is_masked or is_varying(first, found) or is_varying(end, found))
            case low.Fold(accumulators, _, first, end, _, inner):
                bounds = is_varying(first, found) or is_varying(end, found)
                _spread(inner, found, is_masked or bounds)
                for item in accumulators:
                    parts = [part for part in (item.where, item.value) if part is not None]
                    if bounds or any(is_varying(part, found) for part in parts):
                        found.update(item.names)
            case _:
                pass


def fits_packs(body: tuple[low.Stmt, ...], names: frozenset[str], is_masked: bool = False) -> bool:
    """Whether the body runs on a pack of lanes at once: its loops are the same for all lanes."""
    return all(_fits(statement, names, is_masked) for statement in body)


def _fits(statement: low.Stmt, names: frozenset[str], is_masked: bool) -> bool:
    match statement:
        case ir.Let() | ir.Update() | ir.Store() | low.Put():
            return True
        case low.If(condition, then, orelse):
            masked = is_masked or is_varying(condition, names)
            return fits_packs(then, names, masked) and fits_packs(orelse, names, masked)
        case low.Loop(_, first, end, _, body):
            uniform = not (is_varying(first, names) or is_varying(end, names))
            return uniform and not is_masked and fits_packs(body, names)
        case low.Fold(_, _, first, end, _, body):
            uniform = not (is_varying(first, names) or is_varying(end, names))
            return uniform and not is_masked and fits_packs(body, names)
        case low.Allocate() | low.Barrier():
            return False
