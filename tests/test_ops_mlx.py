"""Every op of the MLX extension against the interpreter: lazy, in any stream, compiled into others."""

from __future__ import annotations

import numpy as np
import pytest

mx = pytest.importorskip("mlx.core", reason="MLX is not installed")

from built_ops import (  # noqa: E402  # after the check that MLX is there
    Op,
    assert_agrees,
    assert_same_bits,
    batch_name,
    batched_outputs,
    call,
    call_views,
    every_op,
    large,
    moderate,
    odd_sizes,
    room,
    spoilt,
    spread_out,
    take,
)
from numeric_checks import bits  # noqa: E402

from benchmarks.calls import prepare  # noqa: E402
from benchmarks.frameworks import Mlx  # noqa: E402

MLX = Mlx()
EACH = pytest.mark.parametrize("op", every_op(), ids=str)


@EACH
def test_odd_sizes(op: Op) -> None:
    for number, sizes in enumerate(list(odd_sizes(op))[number_of(op) % 2 :: 2]):
        arguments = op.draw(sizes, number)
        assert_agrees(op, arguments, call(op, MLX, arguments), f"with {sizes}")


@EACH
def test_special_values(op: Op) -> None:
    for number, sizes in enumerate(list(odd_sizes(op))[::4]):
        arguments = spoilt(op, op.draw(sizes, number), number)
        assert_agrees(op, arguments, call(op, MLX, arguments), f"with {sizes}")


@EACH
def test_no_elements(op: Op) -> None:
    for name in op.kernel.sizes:
        sizes = op.sizes(**{name: 0})
        if sizes is not None:
            arguments = op.draw(sizes)
            assert_agrees(op, arguments, call(op, MLX, arguments), f"with {sizes}")


@EACH
def test_views_give_what_whole_arrays_give(op: Op) -> None:
    arguments = op.draw(moderate(op))
    wanted = call(op, MLX, arguments)
    for item in op.inputs():
        if item.role == "mutated":  # a slice is a new array once it is evaluated; nothing would be updated
            continue
        for spread in ("rows", "elements", "offset"):
            view = spread_out(op, MLX, item.name, arguments[item.name], spread)
            got = call_views(op, MLX, arguments, {item.name: view})
            assert_same_bits(got, wanted, f"{item.name} with space between its {spread}")


@EACH
def test_every_run_and_every_stream_give_the_same_bits(op: Op) -> None:
    arguments = op.draw(large(op))
    first = call(op, MLX, arguments)
    for stream in (None, mx.cpu, mx.new_stream(mx.cpu), mx.default_stream(mx.cpu)):
        prepared = prepare(op.record, op.entry, MLX, arguments)
        given = prepared.start(prepared.arguments, stream=stream)
        assert_same_bits(prepared.outputs(given), first, f"in {stream}")


@EACH
def test_a_member_of_a_batch_does_not_see_the_others(op: Op) -> None:
    arguments = op.draw({**moderate(op), batch_name(op): 33, **room(op, 33)})
    whole = call(op, MLX, take(op, arguments, 0, 33))
    for count in (1, 2, 7, 31, 32):
        got = call(op, MLX, take(op, arguments, 0, count))
        for name in batched_outputs(op):
            np.testing.assert_array_equal(
                bits(got[name]), bits(whole[name][:count]), err_msg=f"{name} of {count}"
            )


@EACH
def test_a_call_evaluates_nothing(op: Op) -> None:
    prepared = prepare(op.record, op.entry, MLX, op.draw(large(op)))
    arguments = prepared.arguments.items()
    lazy = {name: value + 0 if isinstance(value, mx.array) else value for name, value in arguments}
    before = mx.get_active_memory()
    results = prepared.start(lazy)
    assert mx.get_active_memory() == before
    mx.eval(results)
    assert mx.get_active_memory() > before


def pure_ops() -> list[Op]:
    return [op for op in every_op() if not op.updates_arguments() and not op.takes_places()]


@pytest.mark.parametrize("op", pure_ops(), ids=str)
def test_compiled_functions_give_the_same_bits(op: Op) -> None:
    prepared = prepare(op.record, op.entry, MLX, op.draw(moderate(op)))
    tensors = {name: value for name, value in prepared.arguments.items() if isinstance(value, mx.array)}
    others = {name: value for name, value in prepared.arguments.items() if name not in tensors}
    compiled = mx.compile(lambda *given: prepared.start({**dict(zip(tensors, given, strict=True)), **others}))
    assert_same_bits(prepared.outputs(compiled(*tensors.values())), prepared.outputs(prepared.run()))


def number_of(op: Op) -> int:
    return every_op().index(op)
