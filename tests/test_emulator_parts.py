"""Parts of a team, one of which goes on behind a stream with what all have read: clean on the emulator."""

from __future__ import annotations

from pathlib import Path

import needs_emulator  # noqa: F401
import pytest
from draw_arguments import draw_arguments

from backends.metal.emulator.dispatch import Choice
from backends.metal.emulator.ops import How, emulate_spec
from benchmarks.agreement import compare, make_reference
from kernel_ir.load import load_file

REGRESSIONS = Path(__file__).parent / "regressions"
SPECS = {
    "in_place_behind_a_stream": {"rows": 2, "width": 96},
    "running_row_behind_a_stream": {"rows": 2, "width": 96, "depth": 33},
}


@pytest.mark.parametrize("order", ["forward", "reverse"])
@pytest.mark.parametrize("name", SPECS)
def test_what_follows_a_stream_waits_for_all_of_its_parts(name: str, order: str) -> None:
    loaded = load_file(REGRESSIONS / f"{name}.yaml")
    op = emulate_spec(loaded)
    (entry,) = op.record.entries
    arguments = draw_arguments(loaded, SPECS[name], {}, seed=1)
    run = op.run(arguments, entry, How(Choice(has_turns=True), order))
    assert all(step.dispatch.kernel.variant.turns and step.dispatch.lanes > 32 for step in run.steps)
    assert not run.findings, "\n".join(map(str, run.findings))
    agreement = compare(op.record, entry, run.outputs, make_reference(op.record, entry, arguments))
    assert agreement.is_allowed, str(agreement)
