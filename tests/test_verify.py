"""Broken IR is refused, each kind of fault by the rule made for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hand_built import (
    apply,
    c,
    compare,
    integer,
    kernel,
    load,
    loop,
    r,
    real,
    reduce,
    result,
    row,
    size,
    tensor,
    var,
)

from codegen import lowered as low
from codegen.verify_program import RULES as PROGRAM_RULES
from codegen.verify_program import verify_program
from kernel_ir import nodes as ir
from kernel_ir.dtypes import BOOL, DTYPES, F32, I32
from kernel_ir.errors import CompilerBug
from kernel_ir.verify import RULES, verify_kernel


@dataclass(frozen=True)
class Fault:
    """A body, the rule that refuses it, and words of the message."""

    name: str
    rule: str
    says: str
    body: tuple[Any, ...]

    def __str__(self) -> str:
        return self.name


X = tensor("x", "T", "rows", "width")
ROW = ir.Load("x", (r, c), F32)
TRUE = ir.Const(True, BOOL)


def store(value: ir.Expr, *index: ir.Expr, to: str = "out", policy: Any = None) -> ir.Store:
    return ir.Store(to, index or (r, c), value, policy)


def nest(*body: Any) -> ir.For:
    """`body` inside a loop over rows and one over columns."""
    return loop("r", size("rows"), loop("c", size("width"), *body))


# ---- the typed form ----------------------------------------------------------------------------

TYPED = [
    Fault(
        "let_twice", "names_are_unique", "`v` is bound 2 times", (nest(ir.Let("v", ROW), ir.Let("v", ROW)),)
    ),
    Fault("loop_hides_size", "names_are_unique", "`width` hides", (loop("width", size("rows")),)),
    Fault("let_hides_tensor", "names_are_unique", "`x` hides", (nest(ir.Let("x", ROW)),)),
    Fault(
        "row_named_twice",
        "names_are_unique",
        "`p` is bound 2 times",
        (row("p", "each", "k", size("width"), real(1.0)), row("p", "each", "j", size("width"), real(1.0))),
    ),
    Fault("unbound_name", "names_are_bound", "`v` is used", (nest(store(var("v", F32))),)),
    Fault(
        "loop_variable_outside", "names_are_bound", "`c` is used", (nest(), store(real(0.0), integer(0), c))
    ),
    Fault(
        "let_of_other_branch",
        "names_are_bound",
        "`v` is used",
        (nest(ir.If(TRUE, (ir.Let("v", ROW),), (store(var("v", F32)),))),),
    ),
    Fault("loop_variable_in_bound", "names_are_bound", "`k` is used", (loop("k", var("k")),)),
    Fault(
        "row_variable_in_bound",
        "names_are_bound",
        "`k` is used",
        (row("p", "each", "k", var("k"), real(1.0)),),
    ),
    Fault(
        "reduction_variable_in_bound",
        "names_are_bound",
        "`k` is used",
        (nest(store(reduce("sum", "k", var("k"), ROW))),),
    ),
    Fault("row_before_it_is_made", "names_are_bound", "`p` is used", (nest(store(ir.At("p", c, F32))),)),
    Fault(
        "bind_outside_its_body",
        "names_are_bound",
        "`b` is used",
        (nest(store(apply("add", ir.Bind("b", ROW, var("b", F32), F32), var("b", F32)))),),
    ),
    Fault("update_before_let", "names_are_bound", "`v` is updated", (nest(ir.Update("v", ROW)),)),
    Fault("unknown_op", "operands_fit", "`cube` with 1", (nest(store(ir.Apply("cube", (ROW,), F32))),)),
    Fault("too_few_operands", "operands_fit", "`add` with 1", (nest(store(ir.Apply("add", (ROW,), F32))),)),
    Fault(
        "mixed_operands", "operands_fit", "`add` of f32, i64", (nest(store(ir.Apply("add", (ROW, c), F32))),)
    ),
    Fault("sine_of_integer", "operands_fit", "`sin` of i64", (nest(store(ir.Apply("sin", (c,), F32))),)),
    Fault(
        "comparison_not_bool", "operands_fit", "`less` of", (nest(store(ir.Apply("less", (ROW, ROW), F32))),)
    ),
    Fault(
        "select_of_two_types",
        "operands_fit",
        "`select` of",
        (nest(store(ir.Apply("select", (TRUE, ROW, c), F32))),),
    ),
    Fault(
        "storage_type_inside",
        "operands_fit",
        "not a compute type",
        (nest(store(ir.Apply("add", (ROW, ROW), DTYPES["f16"]))),),
    ),
    Fault("unknown_tensor", "accesses_fit", "`y` is no tensor", (nest(store(load("y", c))),)),
    Fault("too_few_indices", "accesses_fit", "2 dimensions and 1 indices", (nest(store(load("x", c))),)),
    Fault(
        "narrow_index",
        "accesses_fit",
        "other than i64",
        (nest(store(load("x", r, apply("i32", c, dtype=I32)))),),
    ),
    Fault("store_to_input", "accesses_fit", "input `x` is stored to", (nest(store(ROW, to="x")),)),
    Fault("guard_is_a_number", "conditions_are_bool", "a guard of type f32", (nest(ir.If(ROW, ())),)),
    Fault("float_bound", "conditions_are_bool", "bounds are not i64", (loop("r", real(3.0)),)),
    Fault(
        "filter_is_a_number",
        "conditions_are_bool",
        "a filter of type i64",
        (nest(store(reduce("sum", "k", size("width"), ROW, where=c))),),
    ),
    Fault(
        "update_of_fixed_name",
        "updates_stay_in_iteration",
        "`v` is updated",
        (nest(ir.Let("v", ROW), ir.Update("v", ROW)),),
    ),
    Fault(
        "update_across_parallel_loop",
        "updates_stay_in_iteration",
        "`v` is updated",
        (ir.Let("v", real(0.0), True), nest(ir.Update("v", real(1.0)))),
    ),
    Fault(
        "skipped_read", "policies_fit", "cannot be skipped", (nest(store(load("x", r, c, policy="skip"))),)
    ),
    Fault("store_gives_nan", "policies_fit", "cannot give NaN", (nest(store(ROW, policy="nan")),)),
]


def typed(*body: Any) -> ir.Kernel:
    return kernel([X], [result("out", "T", "rows", "width")], *body)


@pytest.mark.parametrize("fault", TYPED, ids=str)
def test_kernel_is_refused(fault: Fault) -> None:
    assert_refused(lambda: verify_kernel(typed(*fault.body), "a step"), fault)


def test_sound_kernel_passes() -> None:
    ordered = loop("t", size("width"), ir.Update("v", ROW), ordered=True)
    verify_kernel(typed(nest(ir.Let("v", ROW, True), ordered, store(var("v", F32), policy="skip"))), "a step")


def test_every_broken_rule_is_told() -> None:
    with pytest.raises(CompilerBug) as caught:
        verify_kernel(typed(nest(store(load("y", c)), store(var("v", F32)))), "a step")
    assert "accesses_fit" in str(caught.value)
    assert "names_are_bound" in str(caught.value)


# ---- the lowered form --------------------------------------------------------------------------


def lanes(var: str, *body: Any) -> low.Loop:
    return low.Loop(var, integer(0), size("width"), "lanes", body)


def serial(var: str, *body: Any) -> low.Loop:
    return low.Loop(var, integer(0), size("width"), "serial", body)


def fold(
    name: str, *body: Any, kind: low.LoopKind = "lanes", value: ir.Expr = ROW, where: Any = None
) -> low.Fold:
    folded = low.Accumulator((name,), "sum", F32, where, value)
    return low.Fold((folded,), "c", integer(0), size("width"), kind, body)


SUM = reduce("sum", "k", size("width"), real(1.0))
ADD_ROWS = ir.Apply("add", (ROW, c), F32)

LOWERED = [
    Fault("reduction_left", "nothing_is_left_to_lower", "Reduce", (lanes("c", store(SUM)),)),
    Fault(
        "binding_left", "nothing_is_left_to_lower", "Bind", (lanes("c", store(ir.Bind("b", ROW, ROW, F32))),)
    ),
    Fault(
        "policy_left_on_load",
        "nothing_is_left_to_lower",
        "policy nan",
        (lanes("c", store(load("x", r, c, policy="nan"))),),
    ),
    Fault(
        "policy_left_on_store",
        "nothing_is_left_to_lower",
        "policy skip",
        (lanes("c", store(ROW, policy="skip")),),
    ),
    Fault("mixed_operands", "operands_fit", "`add` of f32, i64", (lanes("c", store(ADD_ROWS)),)),
    Fault("mixed_operands_in_fold", "operands_fit", "`add` of f32, i64", (fold("s", value=ADD_ROWS),)),
    Fault("loop_variable_outside", "names_are_bound", "`c` is used", (lanes("c"), store(ROW))),
    Fault("fold_variable_outside", "names_are_bound", "`c` is used", (fold("s"), store(var("s", F32)))),
    Fault(
        "let_leaves_fold",
        "names_are_bound",
        "`v` is used",
        (fold("s", ir.Let("v", ROW)), store(var("v", F32), r, integer(0))),
    ),
    Fault(
        "let_leaves_guard",
        "names_are_bound",
        "`v` is used",
        (lanes("c", low.If(TRUE, (ir.Let("v", ROW),)), store(var("v", F32))),),
    ),
    Fault(
        "result_before_fold",
        "names_are_bound",
        "`s` is used",
        (store(var("s", F32), r, integer(0)), fold("s")),
    ),
    Fault("put_before_scratch", "names_are_bound", "`y` is written", (lanes("c", low.Put("y", c, ROW)),)),
    Fault(
        "element_before_scratch", "names_are_bound", "`y` is used", (lanes("c", store(ir.At("y", c, F32))),)
    ),
    Fault("update_before_let", "names_are_bound", "`v` is written", (ir.Update("v", real(1.0)),)),
    Fault("bound_of_fold", "names_are_bound", "`v` is used", (replace(fold("s"), high=var("v")),)),
    Fault("lanes_in_lanes", "lanes_do_not_nest", "inside a loop over lanes", (lanes("c", lanes("d")),)),
    Fault("fold_in_lanes", "lanes_do_not_nest", "inside a loop over lanes", (lanes("d", fold("s")),)),
    Fault(
        "lanes_deep_in_lanes",
        "lanes_do_not_nest",
        "inside a loop over lanes",
        (lanes("c", serial("t", low.If(TRUE, (lanes("d"),)))),),
    ),
    Fault("barrier_in_lanes", "lanes_do_not_nest", "a barrier", (lanes("c", low.Barrier()),)),
    Fault("barrier_in_fold", "lanes_do_not_nest", "a barrier", (fold("s", low.Barrier()),)),
    Fault(
        "team_name_changed_on_lane",
        "team_names_stay_uniform",
        "`v` belongs to the team",
        (ir.Let("v", real(0.0), True), lanes("c", ir.Update("v", ROW))),
    ),
    Fault(
        "team_name_changed_in_fold",
        "team_names_stay_uniform",
        "`v` belongs to the team",
        (ir.Let("v", real(0.0), True), fold("s", serial("t", ir.Update("v", ROW)))),
    ),
    Fault("store_to_input", "stores_fit", "a store to `x`", (lanes("c", store(ROW, to="x")),)),
    Fault("store_to_nothing", "stores_fit", "a store to `y`", (lanes("c", store(ROW, to="y")),)),
    Fault("too_few_indices", "stores_fit", "a store to `out`", (lanes("c", store(ROW, c)),)),
]


def lowered(*body: Any) -> low.Program:
    launch = low.Launch((low.GridAxis("r", integer(0), size("rows")),), body)
    return low.Program(typed(nest(store(ROW))), (launch,))


@pytest.mark.parametrize("fault", LOWERED, ids=str)
def test_program_is_refused(fault: Fault) -> None:
    assert_refused(lambda: verify_program(lowered(*fault.body), "a step"), fault)


def test_sound_program_passes() -> None:
    body = (
        ir.Let("v", real(0.0), True),
        serial("t", fold("s", ir.Let("w", ROW), value=var("w", F32)), ir.Update("v", var("s", F32))),
        low.Allocate("y", F32, size("width")),
        lanes("i", low.Put("y", var("i"), var("v", F32))),
        low.Barrier(),
        lanes("c", low.If(compare("less", c, size("width")), (store(ir.At("y", c, F32)),))),
    )
    verify_program(lowered(*body), "a step")


def test_names_of_a_grid_do_not_reach_later_launches() -> None:
    program = lowered(ir.Let("v", real(1.0)))
    later = low.Launch((), (lanes("c", store(var("v", F32), integer(0), c)),))
    fault = Fault("", "names_are_bound", "`v` is used", ())
    hidden = replace(program, launches=(*program.launches, later))
    assert_refused(lambda: verify_program(hidden, "a step"), fault)
    once = replace(program.launches[0], grid=())
    verify_program(replace(program, launches=(once, later)), "a step")


# ---- all rules ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("faults", "rules"), [(TYPED, RULES), (LOWERED, PROGRAM_RULES)])
def test_every_rule_refuses_something(faults: list[Fault], rules: tuple[Any, ...]) -> None:
    assert {fault.rule for fault in faults} == {rule.__name__ for rule in rules}


def assert_refused(verify: Callable[[], None], fault: Fault) -> None:
    with pytest.raises(CompilerBug, match="is not well formed after a step") as caught:
        verify()
    told = re.findall(r"^  (\w+): (.*)$", str(caught.value), re.M)
    assert any(rule == fault.rule and fault.says in message for rule, message in told), str(caught.value)
