"""Teams that work on several points of a grid: the same bits, and only where points share elements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numeric_checks import bits

from backends.cuda.emit import TARGET, emit
from codegen import lowered as low
from codegen.gpu.jam import POINTS, jam
from codegen.gpu.plan import plan
from codegen.pipeline import Compiled, compile_spec
from fuzz.lowered_interpreter import ORDERS, run_program
from kernel_ir import nodes as ir
from kernel_ir.load import load_file, load_text
from kernel_ir.traverse import walk

HEAD = """edition: 1
name: grouped
summary: What rows and the table of their group give.
arguments:
  x: {type: "f32[rows, width]"}
  table: {type: "f32[groups, width]"}
results:
  out: {type: "f32[rows]"}
requires: ["groups >= 1", "rows % groups == 0"]
examples:
  - {rows: 8, groups: 2, width: 5}
body: |
  for r in range(rows):
      g = r // (rows // groups)
      top = max(x[r, c] * table[g, c] for c in range(width))
      total = sum(x[r, c] * table[g, c] for c in range(width))
      if total > 0.0:
          out[r] = total - top
      else:
          out[r] = top
"""
NOT_JAMMED = {
    "nothing in common": HEAD.replace("table[g, c]", "table[g, (r + c) % width]"),
    "loops of other lengths": HEAD.replace("range(width)", "range(min(r, width))"),
    "two ways to share": HEAD.replace("= total - top", "= total - r // (groups + 1)"),
    "no quotient": HEAD.replace("r // (rows // groups)", "r % groups"),
}
DECODE = "specs/attention/paged_attention_decode.yaml"
RUNNING = """\
          for t in sequential(head_dim):
              before = run[b, h, t - 1] if t > 0 else 1.0
              run[b, h, t] = 0.5 * before + 1.0
"""


def compiled(text: str) -> Compiled:
    return compile_spec(load_text(text, "grouped.yaml"))


@pytest.mark.parametrize("order", ORDERS)
def test_jammed_points_have_the_bits_that_each_has_alone(order: object) -> None:
    program = compiled(HEAD).program
    (launch,) = program.launches
    jammed = jam(launch)
    assert jammed is not None
    draw = np.random.default_rng(7)
    arguments = {
        "x": draw.normal(size=(2 * POINTS * 3, 5)).astype(np.float32),
        "table": draw.normal(size=(3, 5)).astype(np.float32),
    }
    both = (program, replace(program, launches=(jammed.launch,)))
    alone, together = (run_program(form, arguments, {}, order)["out"] for form in both)  # type: ignore[arg-type]
    assert len(np.unique(alone)) > POINTS
    assert np.array_equal(bits(alone), bits(together))


def test_what_points_share_is_read_once_for_all_of_them() -> None:
    (launch,) = compiled(HEAD).program.launches
    jammed = jam(launch)
    assert jammed is not None

    def loads(body: tuple[low.Stmt, ...], tensor: str) -> int:
        exprs = (item for part in low.walk(body) for expr in low.expressions(part) for item in walk(expr))
        return len({item for item in exprs if isinstance(item, ir.Load) and item.tensor == tensor})

    assert loads(jammed.launch.body, "table") == loads(launch.body, "table")
    assert loads(jammed.launch.body, "x") == POINTS * loads(launch.body, "x")
    assert len(jammed.alike) == 2


def test_a_stream_copies_ahead_where_a_lane_has_room_for_it() -> None:
    made = compile_spec(load_file(DECODE))
    source = emit(made.program, made.record)[f"cuda/{made.record.name}.cu"]
    text = source[source.index("_points_kernel(") :]
    assert text.count("fetch<chunk>(") == 4  # keys and values, of the first round and of each next one
    assert "using Ahead = sgl::Ahead<is_aligned && turns == 1 && sizeof(T) * chunk <= 16, 256, 8>;" in text
    assert "sgl::add_parts(team, ahead, ahead_memory, p_acc_0, p_acc_1, p_acc_2, p_acc_3);" in text


def points_kernel(text: str) -> str:
    made = compile_spec(load_text(text, "decode.yaml"))
    source = emit(made.program, made.record)[f"cuda/{made.record.name}.cu"]
    return source[source.index("_points_kernel(") :]


def test_each_lane_of_a_part_weighs_one_term_for_one_point() -> None:
    text = points_kernel(Path(DECODE).read_text())
    assert text.count("sgl::own_sum(") == 1 and ".combine(" not in text
    assert text.count("sgl::exp(") == 3  # of a rise, of a weight, and of what a part's sums are scaled by
    assert "float p_max_own = " in text and "float p_max_1 = " not in text


def test_points_whose_scores_differ_by_more_than_a_sum_have_all_scores_in_every_lane() -> None:
    text = Path(DECODE).read_text()
    text = text.replace("  kv_indptr: {", '  slope: {type: "f32[num_qo_heads]"}\n  kv_indptr: {', 1)
    text = text.replace("for d in range(head_dim))\n", "for d in range(head_dim)) * slope[h]\n", 1)
    kernel = points_kernel(text)
    assert "own_sum(" not in kernel and kernel.count(".combine(team);") == POINTS


@pytest.mark.parametrize("text", NOT_JAMMED.values(), ids=NOT_JAMMED)
def test_points_that_cannot_go_together_stay_apart(text: str) -> None:
    assert all(jam(launch) is None for launch in compiled(text).program.launches)


def test_host_code_learns_which_sizes_have_to_be_multiples() -> None:
    made = compile_spec(load_file(DECODE))
    (found,) = plan(made.program, made.record, TARGET)
    heads, ratio = found.record.alike
    assert heads == ir.Size("num_qo_heads", heads.type)
    assert isinstance(ratio, ir.Apply) and ratio.op == "floor_divide"
    several = [item for item in found.record.kernels if item.variant.points > 1]
    assert several and all(item.variant.turns and item.variant.is_aligned for item in several)
    assert not any(item.variant.is_wide for item in several)


def test_the_kernel_of_several_points_loads_a_group_once() -> None:
    made = compile_spec(load_file(DECODE))
    source = emit(made.program, made.record)[f"cuda/{made.record.name}.cu"]
    text = source[source.index("_points_kernel(") :]
    assert text.count(", k_pool_held[term], ") == 1
    assert text.count(".load(turn, q,") == POINTS


def test_points_wait_for_what_one_lane_stores_for_all_others() -> None:
    text = Path(DECODE).read_text()
    text = text.replace("\nin_range:", '\n  run: {type: "f32[batch, num_qo_heads, head_dim]"}\nin_range:', 1)
    text = text.replace("\nexamples:", f"\n{RUNNING}examples:", 1)
    assert points_kernel(Path(DECODE).read_text()).count("team.barrier();") == 0
    assert points_kernel(text).count("team.barrier();") == 2
