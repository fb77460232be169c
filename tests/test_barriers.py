"""Barriers stand where lanes exchange data, and nowhere else."""

from __future__ import annotations

import pytest
from body_text import read

from codegen import lowered as low
from codegen.gpu.barriers import place_barriers
from codegen.print_program import print_block
from kernel_ir import nodes as ir
from kernel_ir.dtypes import F32, I64


def lanes(var: str, high: str, *body: low.Stmt) -> low.Loop:
    return low.Loop(var, read("0"), read(high), "lanes", body)


def serial(var: str, high: str, *body: low.Stmt) -> low.Loop:
    return low.Loop(var, read("0"), read(high), "serial", body)


def put(index: str, value: ir.Expr | str = "1") -> low.Put:
    return low.Put("row", read(index), read(value) if isinstance(value, str) else value)


def at(index: str) -> ir.At:
    return ir.At("row", read(index), F32)


def let(name: str, value: ir.Expr, *, mutable: bool = False) -> ir.Let:
    return ir.Let(name, value, mutable)


def total(var: str, value: ir.Expr, *body: low.Stmt, kind: low.LoopKind = "lanes") -> low.Fold:
    folded = low.Accumulator((f"sum_{var}",), "sum", F32, None, value)
    return low.Fold((folded,), var, read("0"), read("width"), kind, body)


def placed(*body: low.Stmt, chunked: frozenset[str] = frozenset()) -> str:
    return print_block(place_barriers(body, frozenset({"row", "out"}), chunked))


def barriers(*body: low.Stmt, chunked: frozenset[str] = frozenset()) -> int:
    return placed(*body, chunked=chunked).count("barrier")


def test_what_lanes_wrote_is_read_by_all_after_a_barrier() -> None:
    assert placed(lanes("c", "width", put("c")), let("m", at("0"))) == (
        "for c in range(width), over lanes:\n"
        "    row[c] = 1\n"
        "barrier\n"
        "m: f32 = row[0]"
    )


def test_a_lane_reads_what_it_wrote_itself_without_one() -> None:
    assert barriers(lanes("c", "width", put("c")), lanes("d", "width", put("d", at("d")))) == 0


@pytest.mark.parametrize(
    "later",
    [
        lanes("d", "width", put("d", at("d + 1"))),
        lanes("d", "width", put("d", at("0"))),
        lanes("d", "half", put("d", at("d"))),
        lanes("d", "width", serial("k", "taps", let("v", at("k")))),
        total("d", at("width - d")),
    ],
    ids=["shifted", "one for all", "another range", "any element", "backwards"],
)
def test_a_lane_that_reads_what_others_wrote_waits(later: low.Stmt) -> None:
    assert barriers(lanes("c", "width", put("c")), later) == 1


def test_loops_dealt_in_chunks_go_to_other_lanes_than_loops_that_are_not() -> None:
    body = (lanes("c", "width", put("c")), lanes("d", "width", let("v", at("d"))))
    assert barriers(*body, chunked=frozenset({"c", "d"})) == 0
    assert barriers(*body, chunked=frozenset({"d"})) == 1


def test_the_first_lane_does_not_wait_for_itself() -> None:
    assert barriers(put("0"), put("1"), put("0", at("0"))) == 0


def test_all_lanes_have_read_before_the_first_writes_again() -> None:
    assert placed(let("m", at("0")), put("0")) == "m: f32 = row[0]\nbarrier\nrow[0] = 1"


def test_reads_need_no_barrier_between_them() -> None:
    assert barriers(let("a", at("0")), let("b", at("1")), total("c", at("c"))) == 0


def test_one_barrier_serves_all_that_follows() -> None:
    reads = [lanes("d", "width", let("v", at("0"))), let("m", at("1"))]
    assert barriers(lanes("c", "width", put("c")), *reads) == 1


def test_the_end_of_a_loop_meets_its_beginning() -> None:
    assert placed(serial("t", "tokens", lanes("c", "width", put("c")), let("m", at("0")))) == (
        "for t in range(tokens), in order:\n"
        "    barrier\n"
        "    for c in range(width), over lanes:\n"
        "        row[c] = 1\n"
        "    barrier\n"
        "    m: f32 = row[0]"
    )


def test_what_only_the_first_iteration_waits_for_is_waited_for_in_front() -> None:
    step = serial("t", "tokens", lanes("d", "width", let("b", at("d + t"))))
    assert placed(serial("r", "width", put("r")), step, let("m", at("0"))) == (
        "for r in range(width), in order:\n"
        "    row[r] = 1\n"
        "barrier\n"
        "for t in range(tokens), in order:\n"
        "    for d in range(width), over lanes:\n"
        "        b: f32 = row[d + t]\n"
        "m: f32 = row[0]"
    )


def test_barriers_inside_a_loop_that_may_not_run_do_not_serve_what_follows() -> None:
    one = ir.Store("out", (read("0"),), read("1"))
    step = serial("t", "tokens", one, let("b", ir.Load("out", (read("0"),), F32)))
    text = placed(lanes("c", "width", put("c")), step, let("m", at("0")))
    assert text.count("    barrier") == 2
    assert text.split("\n")[-2:] == ["barrier", "m: f32 = row[0]"]


def test_a_row_that_each_lane_keeps_to_itself_needs_none_in_a_loop() -> None:
    step = serial("t", "tokens", lanes("d", "width", put("d", at("d"))))
    assert barriers(lanes("c", "width", put("c")), step, lanes("e", "width", let("v", at("e")))) == 0


def test_an_index_that_moves_from_one_iteration_to_the_next_goes_to_another_lane() -> None:
    assert barriers(serial("t", "tokens", lanes("c", "width", put("c + t")))) == 1


def test_an_index_by_a_name_that_changes_proves_nothing() -> None:
    start = let("n", ir.Const(0, I64), mutable=True)
    step = ir.Update("n", ir.Const(1, I64))
    body = (lanes("c", "width", put("c + n")), step, lanes("d", "width", let("v", at("d + n"))))
    assert barriers(start, *body) == 1


def test_a_branch_counts_whether_it_is_taken_or_not() -> None:
    guarded = low.If(ir.Apply("less", (read("0"), read("width")), I64), (lanes("c", "width", put("c")),))
    assert barriers(guarded, let("m", at("0"))) == 1


def test_a_barrier_inside_a_branch_stands_where_all_lanes_are() -> None:
    guarded = low.If(ir.Apply("less", (read("0"), read("width")), I64), (let("m", at("0")),))
    assert placed(lanes("c", "width", put("c")), guarded).split("\n")[2:4] == ["if 0 < width:", "    barrier"]


def test_what_a_reduction_in_order_reads_is_written_before() -> None:
    fold = total("c", at("0"), lanes("d", "width", put("d")), kind="serial")
    assert placed(fold).split("\n") == [
        "fold c in range(width), in order:",
        "    barrier",
        "    for d in range(width), over lanes:",
        "        row[d] = 1",
        "    barrier",
        "    sum_c = sum(row[0])",
    ]


def test_nothing_is_placed_inside_dealt_loops() -> None:
    inner = serial("k", "taps", put("k"), let("v", at("k")))
    text = placed(lanes("c", "width", inner), let("m", at("0")))
    assert [line for line in text.split("\n") if "barrier" in line] == ["barrier"]


def test_memory_that_is_not_shared_is_left_alone() -> None:
    body = (lanes("c", "width", put("c")), let("m", at("0")))
    assert "barrier" not in print_block(place_barriers(body, frozenset()))
