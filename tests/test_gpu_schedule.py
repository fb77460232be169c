"""What host code is told of a launch: teams, widths, chunks and variants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from every_spec import NAMES, SHIPPED, load

from backends.cpu.emit import emit as emit_cpu
from backends.cuda.emit import TARGET, launch_records
from codegen import lowered as low
from codegen.gpu.plan import plan
from codegen.gpu.record import LaunchRecord
from codegen.gpu.schedule import MOST_LANES, SIMD_LANES, Target, choose_schedule
from codegen.gpu.wrap import WIDTH, wrap
from codegen.pipeline import compile_spec
from codegen.work import is_host_known
from kernel_ir import nodes as ir
from kernel_ir.errors import TargetError
from kernel_ir.load import load_file, load_text
from kernel_ir.printer import print_expression
from kernel_ir.traverse import walk

REGRESSIONS = Path(__file__).parent / "regressions"
SPECS = sorted((*SHIPPED.values(), *REGRESSIONS.glob("*.yaml")))
SCALE = """
edition: 1
name: scale
summary: Scale by a factor.
types: {T: [f32, bf16]}
arguments:
  x: {type: "T[*rows, width]"}
TABLE  factor: {type: f32}
results:
  out: {type: "T[*rows, width]"}
body: |
  BODY
schedule: SCHEDULE
examples:
  - {rows: 2, width: 8, factor: 2.0}
"""
PLAIN = "for r in range(rows):\n      for c in range(width):\n          out[r, c] = x[r, c] * factor"


def records(body: str = PLAIN, table: str = "i32", schedule: str = "{}") -> tuple[LaunchRecord, ...]:
    more = f'  table: {{type: "{table}[rows]"}}\n' if "table" in body else ""
    text = SCALE.replace("BODY", body).replace("TABLE", more).replace("SCHEDULE", schedule)
    compiled = compile_spec(load_text(text, "scale.yaml"))
    return launch_records(compiled.program, compiled.record)


@pytest.mark.parametrize("name", NAMES)
def test_team_size_does_not_follow_from_the_grid(name: str) -> None:
    compiled = compile_spec(load(name))
    collapsed = {item.leading for item in compiled.kernel.tensors().values() if item.leading}
    for record in launch_records(compiled.program, compiled.record):
        over = {item.name for item in walk(record.longest) if isinstance(item, ir.Size)}
        assert record.tiled is not None or not record.grid or not over & collapsed


@pytest.mark.parametrize("name", NAMES)
def test_every_schedule_ends_with_a_row_for_all_sizes(name: str) -> None:
    compiled = compile_spec(load(name))
    for item in plan(compiled.program, compiled.record, TARGET):
        rows = item.record.schedule.teams
        assert rows[-1].longest is None
        assert [row.longest for row in rows[:-1]] == sorted(row.longest or 0 for row in rows[:-1])
        assert all(row.lanes % SIMD_LANES == 0 or SIMD_LANES % row.lanes == 0 for row in rows)
        assert all(TARGET.least_lanes <= row.lanes <= MOST_LANES for row in rows)


def meetings(body: tuple[low.Stmt, ...], is_known: bool = True) -> Iterator[bool]:
    """Of each place where lanes meet, whether host code knows how often a team comes there."""
    for statement in body:
        match statement:
            case low.Barrier() | low.Fold(kind="lanes"):
                yield is_known
                continue
            case low.Loop(_, first, end, "serial") | low.Fold(_, _, first, end, "serial"):
                asked = (first, end)
            case low.If(condition):
                asked = (condition,)
            case _:
                continue
        for block in low.blocks(statement):
            yield from meetings(block, is_known and all(map(is_host_known, asked)))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_teams_that_share_a_warp_meet_equally_often(path: Path) -> None:
    compiled = compile_spec(load_file(path))
    for item in plan(compiled.program, compiled.record, TARGET):
        shares = any(row.lanes < SIMD_LANES for row in item.record.schedule.teams)
        assert not shares or all(meetings(item.launch.body))


def test_teams_share_a_warp_where_host_code_knows_how_often_they_meet() -> None:
    body = (
        "for r in range(rows):\n"
        "      for c in range(width):\n"
        "          out[r, c] = x[r, c] * factor\n"
        "      if factor > 0.0:\n"
        "          row = [out[r, width - 1 - c] + 1.0 for c in range(width)]\n"
        "          for c in range(width):\n"
        "              out[r, c] = row[c]"
    )
    for condition, shares in (("factor > 0.0", True), ("table[r] > 0", False)):
        (record,) = records(body.replace("factor > 0.0", condition))
        assert (record.schedule.teams[0].lanes < SIMD_LANES) is shares


def test_a_dealt_loop_alone_is_cut_into_tiles() -> None:
    (record,) = records()
    assert record.tiled == ir.Size("width", record.tiled.type)
    assert [print_expression(extent) for extent in record.grid] == ["rows"]


def test_chunks_are_sixteen_bytes_of_the_smallest_dtype_moved() -> None:
    (record,) = records()
    assert {kernel.entry: kernel.chunk for kernel in record.kernels} == {"f32": 4, "bf16": 8}
    assert record.moved == ("x", "out")
    assert [print_expression(extent) for extent in record.multiples] == ["width"]


def test_an_offset_inside_a_row_must_be_whole_chunks_too() -> None:
    body = PLAIN.replace("range(width)", "range(width // 2)").replace("x[r, c]", "x[r, c + width // 2]")
    (record,) = records(body)
    assert [print_expression(extent) for extent in record.multiples] == ["width // 2"]


def test_a_loop_inside_goes_with_the_chunk_where_all_of_it_agrees_on_the_range() -> None:
    body = PLAIN.replace("x[r, c]", "sum(x[k, c] for k in range(rows))")
    (record,) = records(body)
    assert record.moved == ("x", "out") and {kernel.chunk for kernel in record.kernels} == {4, 8}
    (record,) = records(body.replace("range(rows))", "range(c % rows))"))
    assert not record.has_chunks and {kernel.chunk for kernel in record.kernels} == {1}


def test_data_of_64_bits_bounds_nothing() -> None:
    body = PLAIN.replace("x[r, c] *", "x[table[r] * 2 + 1, c] *")
    for dtype in ("i32", "i64"):
        bounds = records(body, dtype)[0].bounds
        assert {print_expression(bound) for bound in bounds} == {"rows", "width"}


def test_bounds_hold_products_of_sizes() -> None:
    body = "for r in range(rows * width):\n      out[r // width, r % width] = x[r // width, 0] * factor"
    (record,) = records(body)
    assert "rows * width" in {print_expression(bound) for bound in record.bounds}


def test_a_spec_may_override_its_team() -> None:
    (record,) = records(schedule="{cuda: {team: 64}}")
    assert [(row.longest, row.lanes) for row in record.schedule.teams] == [(None, 64)]
    (record,) = records(schedule="{metal: {team: 64}}")
    assert len(record.schedule.teams) > 1


@pytest.mark.parametrize("wrong", ["team: 33", "team: 0", "team: 4096", "teams_per_group: 0", "size: 32"])
def test_an_override_that_cannot_be_followed_names_itself(wrong: str) -> None:
    name = wrong.split(":")[0]
    with pytest.raises(TargetError, match=f"scale: target cuda cannot compile schedule '{name}'"):
        records(schedule=f"{{cuda: {{{wrong}}}}}")


def test_schedules_are_chosen_from_the_launch_alone() -> None:
    launch = compile_spec(load("rms_norm")).program.launches[0]
    schedules = TARGET.schedules
    targets = ((Target("cuda", 9, schedules), "one"), (Target("metal", 31, schedules), "another"))
    first, second = (choose_schedule(launch, frozenset(), {}, *where) for where in targets)
    assert first == second


def test_a_row_of_a_length_that_only_data_knows_is_refused() -> None:
    body = (
        "for r in range(rows):\n"
        "      running = cumsum(factor for c in range(table[r]))\n"
        "      for c in range(width):\n"
        "          out[r, c] = x[r, c] * running[c] if c < table[r] else 0.0"
    )
    with pytest.raises(TargetError, match="scale: target cuda cannot compile the row 'running': its length"):
        records(body)


def test_long_lines_break_before_operators_and_after_commas() -> None:
    line = "    const float y = f(" + ", ".join(f"argument_{n}" for n in range(12)) + ") + x;"
    pieces = wrap(line)
    assert all(len(piece) <= WIDTH for piece in pieces) and len(pieces) > 1
    assert "".join(piece.strip() for piece in pieces).replace(" ", "") == line.replace(" ", "")
    assert wrap("// " + "x " * 80) == ("// " + "x " * 80,)


def test_a_cpu_kernel_has_no_schedule_to_override() -> None:
    text = SCALE.replace("BODY", PLAIN).replace("TABLE", "").replace("SCHEDULE", "{cpu: {team: 64}}")
    compiled = compile_spec(load_text(text, "scale.yaml"))
    with pytest.raises(TargetError, match="scale: target cpu cannot compile schedule 'team': a CPU kernel"):
        emit_cpu(compiled.program, compiled.record)


# ---- what lanes hold -----------------------------------------------------------------------------


def held(body: str) -> list[tuple[str, ...]]:
    """The tensors that a launch over `SCALE` holds, load by load."""
    text = SCALE.replace("BODY", body).replace("TABLE", "").replace("SCHEDULE", "{}")
    compiled = compile_spec(load_text(text, "scale.yaml"))
    (item,) = plan(compiled.program, compiled.record, TARGET)
    return [tuple(chunk.tensor for chunk in hold.chunks) for hold in item.holding.all(item.launch.body)]


NORM = (
    "for r in range(rows):\n"
    "      total = sum(x[r, c] for c in range(width))\n"
    "      for c in range(width):\n"
    "          out[r, c] = x[r, c] * factor / total"
)


def test_what_two_loops_read_is_loaded_once() -> None:
    assert held(NORM) == [("x",)]
    (record,) = records(NORM)
    assert [print_expression(extent) for extent in record.dealt] == ["width"]
    assert {kernel.variant.turns for kernel in record.kernels} == {0, 1, 2, 4, 8}


def test_loops_over_different_ranges_hold_their_own() -> None:
    assert held(NORM.replace("for c in range(width))", "for c in range(1, width))")) == [("x",), ("x",)]


def test_results_that_are_read_again_are_not_held() -> None:
    body = (
        NORM + "\n      most = max(out[r, c] for c in range(width))\n"
        "      if most > 1.0 and width > 0:\n          out[r, 0] = most"
    )
    assert held(body) == [("x",)]


def test_what_only_a_loop_behind_a_reduction_reads_is_loaded_while_lanes_exchange() -> None:
    text = SHIPPED["rms_norm"].read_text()
    compiled = compile_spec(load_text(text, "rms_norm.yaml"))
    (item,) = plan(compiled.program, compiled.record, TARGET)
    holds = item.holding.all(item.launch.body)
    assert {(chunk.tensor, hold.is_late) for hold in holds for chunk in hold.chunks} == {
        ("x", False),
        ("weight", True),
    }


def test_one_load_serves_loops_on_different_conditions_where_none_is_needed() -> None:
    body = NORM.replace("x[r, c] for", "(x[r, c] if width > 1 else 0.0) for").replace(
        "x[r, c] * factor / total", "x[r, c] * factor if total > 0.0 else 0.0"
    )
    assert held(body) == [("x",)]


NEST = (
    "for r in range(rows):\n"
    "      for h in range(4):\n"
    "          for c in range(width // 4):\n"
    "              out[r, h * (width // 4) + c] = x[r, h * (width // 4) + c] * factor\n"
    "      for c in range(width // 4 * 4, width):\n"
    "          out[r, c] = x[r, c]"
)


def test_a_parallel_loop_around_a_dealt_one_goes_to_parts_of_the_team() -> None:
    text = SCALE.replace("BODY", NEST).replace("TABLE", "").replace("SCHEDULE", "{}")
    compiled = compile_spec(load_text(text, "scale.yaml"))
    (item,) = plan(compiled.program, compiled.record, TARGET)
    assert item.shared_out == {"h"}
    assert "4 * (width // 4)" in print_expression(item.record.longest)
    total = "m = sum(x[r, k] for k in range(width))\n          "
    summed = NEST.replace("for c in range(width // 4):", total + "for c in range(width // 4):")
    text = SCALE.replace("BODY", summed).replace("TABLE", "").replace("SCHEDULE", "{}")
    compiled = compile_spec(load_text(text.replace("* factor", "* factor * m"), "scale.yaml"))
    (item,) = plan(compiled.program, compiled.record, TARGET)
    assert not item.shared_out


def test_constant_rows_that_are_no_whole_chunks_have_no_aligned_kernels() -> None:
    for width, aligned in ((16, {"f32", "bf16"}), (12, {"f32"}), (10, set())):
        text = SCALE.replace("BODY", NORM.replace("width", str(width))).replace("width]", f"{width}]")
        text = text.replace("TABLE", "").replace("SCHEDULE", "{}").replace("width: 8, ", "")
        compiled = compile_spec(load_text(text, "scale.yaml"))
        (record,) = launch_records(compiled.program, compiled.record)
        found = {kernel.entry for kernel in record.kernels if kernel.variant.is_aligned}
        assert found == aligned
