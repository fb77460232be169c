"""Every shader that the compiler writes runs on the emulator, agrees with the interpreter, and is clean."""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import replace

import needs_emulator  # noqa: F401
import pytest
from draw_arguments import draw_arguments
from every_spec import NAMES, SHIPPED, load
from test_metal_text import calls

from backends.metal.emulator.dispatch import Choice
from backends.metal.emulator.ops import EmulatedOp, How, Run, emulate_spec
from benchmarks import emulate
from benchmarks.agreement import compare, make_reference
from benchmarks.emulator_traffic import EXCEPTIONS, excess, measure_examples
from codegen.record import Entry

HOWS = {
    "plain, reverse": How(Choice(), "reverse", "in order"),
    "aligned, random": How(Choice(is_aligned=True, has_turns=True), "random", "pairwise"),
    "wide, forward": How(Choice(is_wide=True, has_turns=True), "forward", "pairwise"),
}


@functools.cache
def op(name: str) -> EmulatedOp:
    return emulate_spec(load(name))


@pytest.mark.parametrize("how", HOWS.values(), ids=HOWS.keys())
@pytest.mark.parametrize("name", NAMES)
def test_shader_is_clean_and_agrees_with_the_interpreter(name: str, how: How) -> None:
    ready = op(name)
    for (number, given), entry in itertools.product(enumerate(calls(name)), ready.record.entries):
        types = {variable: dtype.name for variable, dtype in entry.dtypes}
        arguments = draw_arguments(load(name), given, types, seed=number)
        run = ready.run(arguments, entry, how)
        assert not run.findings, "\n".join(map(str, run.findings))
        agreement = compare(ready.record, entry, run.outputs, make_reference(ready.record, entry, arguments))
        assert agreement.is_allowed, f"{entry.suffix} {given}: {agreement}"
        assert_results_were_seen_to_be_written(ready, run)


def assert_results_were_seen_to_be_written(ready: EmulatedOp, run: Run) -> None:
    """The checks cannot have fallen silent."""
    results = [item.name for item in ready.kernel.results if item.name not in ready.zero_filled]
    least = sum(run.outputs[name].nbytes for name in results)
    assert run.total("device_bytes_written") >= least


def test_finding_names_the_line_of_the_spec() -> None:
    """A result's last row is left out of the buffer, so that storing it is out of bounds."""
    ready, how = op("rms_norm"), How(Choice(is_aligned=True))
    entry = ready.record.entries[0]
    arguments = draw_arguments(load("rms_norm"), {"rows": 2, "width": 64}, {"T": "f32"})
    launch = ready.first_launch(arguments, entry, how)
    short = {**launch.buffers, 2: launch.buffers[2][:1]}
    (found, *_) = ready.shader.run(replace(launch, buffers=short)).findings
    spec = SHIPPED["rms_norm"].read_text(encoding="ascii").split("\n")
    number = next(n for n, line in enumerate(spec, 1) if "out[r, c] =" in line)
    origin = ready.with_origin(found).origin
    assert found.kind == "out of bounds"
    assert origin.endswith(f"rms_norm.yaml:{number}") and origin in str(ready.with_origin(found))


@pytest.mark.parametrize("name", NAMES)
def test_every_statement_of_a_shader_has_a_line_in_the_spec(name: str) -> None:
    ready = op(name)
    body = load(name).source.text.split("\n")
    assert ready.spec_lines
    for line in ready.spec_lines.values():
        assert body[line - 1].strip()


@pytest.mark.parametrize("name", SHIPPED)
def test_no_byte_moves_twice_without_a_reason(name: str) -> None:
    """A tensor that has to move more than once is listed in `EXCEPTIONS`, with the reason."""
    if name not in EXCEPTIONS:
        pytest.skip(f"nobody has looked at what {name} moves: `build.py emulate --all {name} --stats`")
    needed = set()
    for example, traffic in measure_examples(op(name)):
        assert not excess(name, traffic), f"{dict(example)}: {excess(name, traffic)}"
        needed |= {item.name for item in traffic.tensors if not item.is_least}
    assert needed == set(EXCEPTIONS[name]), "a reason that is needed no more"


def test_exceptions_are_of_kernels_that_ship() -> None:
    for name, tensors in EXCEPTIONS.items():
        known = op(name)
        scratch = {item.name for record in known.launches for item in record.scratch}
        assert tensors.keys() <= known.kernel.tensors().keys() | scratch, name


def test_sweep_of_one_kernel_is_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert emulate.main(["--all", "silu_and_mul", "-j", "1", "--stats"]) == 0
    table, _, traffic = capsys.readouterr().out.partition("\n\n")
    assert table.count("silu_and_mul") == 3 and table.count("  clean") == 3
    assert re.search(r"rows=1 width=4096 +16384 +1\.00 +8192 +1\.00", traffic)


def test_sweep_fails_where_a_kernel_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Wrong(EmulatedOp):
        def run(self, arguments: dict, entry: Entry, how: How) -> Run:  # type: ignore[override]
            run = super().run(arguments, entry, how)
            for array in run.outputs.values():
                array[...] = 0
            return run

    monkeypatch.setattr(emulate, "emulate_spec", lambda loaded: Wrong(emulate_spec(loaded).compiled))
    assert emulate.main(["--all", "silu_and_mul", "-j", "1"]) == 1
    assert "times what is allowed" in capsys.readouterr().out


def test_sweep_of_an_unknown_kernel_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert emulate.main(["--all", "silu_and_mull"]) == 2
    assert "no spec is called 'silu_and_mull'" in capsys.readouterr().err
