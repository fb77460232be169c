"""Every op of the CPU extension, on numpy and torch arrays, against the interpreter.

Nothing here knows an op: records say what to draw, and which dimensions there are.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np
import pytest
from built_ops import (
    ODD,
    Op,
    assert_agrees,
    assert_same_bits,
    batch_name,
    batched_outputs,
    broadcast,
    call,
    call_views,
    cases,
    every_op,
    large,
    moderate,
    odd_sizes,
    one_nan,
    package,
    room,
    spoilt,
    spread_out,
    take,
)
from numeric_checks import bits

from benchmarks.agreement import make_reference
from benchmarks.calls import prepare
from benchmarks.frameworks import Framework, Numpy, Torch
from codegen.record import Export
from kernel_ir.dtypes import F32
from kernel_ir.rounding import decode, ulp

HAS_TORCH = importlib.util.find_spec("torch") is not None
FRAMEWORKS: list[Framework] = [Numpy(), *([Torch()] if HAS_TORCH else [])]
BATCHES = (*range(1, 18), 31, 32, 33, 64)


def combinations() -> Iterator[tuple[Op, Framework]]:
    """Every op on the arrays of the framework that has most dtypes, and those of f32 on the others."""
    for framework in FRAMEWORKS:
        for op in cases(framework):
            if framework is FRAMEWORKS[-1] or op.entry.suffix == F32.name:
                yield op, framework


CASES = [pytest.param(*item, id=f"{item[0]}-{item[1].name}") for item in combinations()]
EACH = pytest.mark.parametrize(("op", "framework"), CASES)


@pytest.mark.skipif(not HAS_TORCH, reason="torch is not installed: bfloat16 runs in the tests of MLX only")
def test_torch_runs_every_op() -> None:
    assert cases(Torch()) == every_op()


@EACH
def test_odd_sizes(op: Op, framework: Framework) -> None:
    calls = list(odd_sizes(op))
    assert len(calls) >= len(ODD)
    for number, sizes in enumerate(calls):
        arguments = op.draw(sizes, number)
        assert_agrees(op, arguments, call(op, framework, arguments), f"with {sizes}")


@EACH
def test_special_values(op: Op, framework: Framework) -> None:
    for number, sizes in enumerate(list(odd_sizes(op))[::3]):
        arguments = spoilt(op, op.draw(sizes, number), number)
        assert_agrees(op, arguments, call(op, framework, arguments), f"with {sizes}")


@EACH
def test_no_elements(op: Op, framework: Framework) -> None:
    for name in op.kernel.sizes:
        sizes = op.sizes(**{name: 0})
        if sizes is not None:
            arguments = op.draw(sizes)
            assert_agrees(op, arguments, call(op, framework, arguments), f"with {sizes}")


@EACH
def test_views_give_what_whole_arrays_give(op: Op, framework: Framework) -> None:
    arguments = op.draw(moderate(op))
    wanted = call(op, framework, arguments)
    for item in op.inputs():
        for spread in ("rows", "elements", "offset"):
            view = spread_out(op, framework, item.name, arguments[item.name], spread)
            if item.role == "mutated" and spread == "elements":
                with pytest.raises(ValueError, match=f"'{item.name}' is written to, but its last dimension"):
                    call_views(op, framework, arguments, {item.name: view})
                continue
            got = call_views(op, framework, arguments, {item.name: view})
            assert_same_bits(got, wanted, f"{item.name} with space between its {spread}")


@EACH
def test_one_row_stands_for_many(op: Op, framework: Framework) -> None:
    arguments = op.draw(moderate(op))
    for item in op.inputs():
        if item.role != "input" or not op.entry.resolve(item.dtype).is_float:
            continue
        whole = arguments[item.name]
        repeated = {**arguments, item.name: np.ascontiguousarray(np.broadcast_to(whole[:1], whole.shape))}
        view = broadcast(framework, framework.wrap(whole[:1], op.entry.resolve(item.dtype)), whole.shape)
        got = call_views(op, framework, arguments, {item.name: view})
        assert_same_bits(got, call(op, framework, repeated), f"{item.name} broadcast")


@EACH
def test_every_run_gives_the_same_bits(op: Op, framework: Framework) -> None:
    arguments = op.draw(large(op))
    first = call(op, framework, arguments)
    for _ in range(5):
        assert_same_bits(call(op, framework, arguments), first)


@EACH
def test_a_member_of_a_batch_does_not_see_the_others(op: Op, framework: Framework) -> None:
    most = max(BATCHES)
    arguments = op.draw({**moderate(op), batch_name(op): most, **room(op, most)})
    whole = call(op, framework, take(op, arguments, 0, most))
    for count in BATCHES:
        got = call(op, framework, take(op, arguments, 0, count))
        for name in batched_outputs(op):
            np.testing.assert_array_equal(
                bits(got[name]), bits(whole[name][:count]), err_msg=f"{name} of {count}"
            )
    for position in range(0, most, 7):
        got = call(op, framework, take(op, arguments, position, 1))
        for name in batched_outputs(op):
            np.testing.assert_array_equal(bits(got[name][0]), bits(whole[name][position]), err_msg=name)


@EACH
def test_every_instruction_set_gives_the_same_bits(op: Op, framework: Framework) -> None:
    native = package("cpu")._cpu
    best = native.isa_level()
    calls = [spoilt(op, op.draw(sizes, 1), 1) for sizes in list(odd_sizes(op))[::2]] + [op.draw(large(op))]
    try:
        for arguments in calls:
            found = []
            for level in native.isa_levels():
                native.set_isa_level(level)
                found.append(call(op, framework, arguments))
            for level, got in zip(native.isa_levels(), found, strict=True):
                assert_same_bits(one_nan(op, got), one_nan(op, found[0]), level)
    finally:
        native.set_isa_level(best)


@EACH
def test_rounding_is_to_nearest_and_to_neither_side(op: Op, framework: Framework) -> None:
    """What truncation, a rounded intermediate or a lost term would show: many results off, or off one way."""
    arguments = op.draw(large(op))
    got, want = call(op, framework, arguments), make_reference(op.record, op.entry, arguments)
    for name in got:
        dtype = op.entry.resolve(op.kernel.tensors()[name].dtype)
        if not dtype.is_float:
            continue
        exact = decode(want.outputs[name], dtype)
        moved = want.bounds[name] / ulp(exact, dtype)  # by f32 arithmetic, in units in the last place
        error = (decode(got[name], dtype) - exact) / ulp(exact, dtype)
        side = np.mean(error / (1 + moved))
        assert abs(side) < 0.1, f"{name}: {side:.3g} ulp to one side"
        if dtype == F32:
            continue
        misrounded, allowed = np.mean(error != 0), 0.01 + np.minimum(1, 2 * moved).mean()
        assert misrounded <= allowed, f"{name}: {misrounded:.2%} misrounded, {allowed:.2%} allowed"


def further_names(framework: Framework) -> Iterator[tuple[Op, Export]]:
    for op in cases(framework):
        yield from ((op, export) for export in op.record.exports[1:])


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda item: item.name)
def test_further_names_give_the_same(framework: Framework) -> None:
    """Under each, on the caller's own arrays for results where it takes them."""
    assert list(further_names(framework))
    for op, export in further_names(framework):
        arguments = op.draw(moderate(op))
        wanted = call(op, framework, arguments)
        own = dict(prepare(op.record, op.entry, framework, arguments).arguments)
        dtypes = {name: op.entry.resolve(item.dtype) for name, item in op.kernel.tensors().items()}
        places = {item.name for item in op.kernel.results} & {name for _, name in export.arguments}
        own |= {name: framework.wrap(np.ones_like(wanted[name]), dtypes[name]) for name in places}
        given = {public: own[name] for public, name in export.arguments if name in own}
        result = getattr(package("cpu"), export.name)(**given)
        values = result if isinstance(result, tuple) else (result,) if export.returns else ()
        own |= dict(zip(export.returns, values, strict=True))
        got = {name: framework.unwrap(own[name], dtypes[name]) for name in wanted}
        assert_same_bits(got, wanted, f"as {export.name}")


def test_arrays_for_results_say_how_many_are_wanted() -> None:
    logits = np.random.default_rng(3).normal(size=(4, 8)).astype(np.float32)
    weights, ids = np.zeros((4, 3), np.float32), np.zeros((4, 3), np.int32)
    package("cpu").topk_softmax(weights, ids, logits)
    np.testing.assert_array_equal(ids, np.argsort(-logits, axis=1)[:, :3])
    with pytest.raises(ValueError, match=r"'topk_ids' has shape \(4, 2\), expected .*because 'topk_weights'"):
        package("cpu").topk_softmax(weights, np.zeros((4, 2), np.int32), logits)
    with pytest.raises(ValueError, match="expected k <= experts, given k = 3, experts = 2"):
        package("cpu").topk_softmax(weights, ids, logits[:, :2].copy())


def test_none_stands_for_an_array_in_front_of_required_arguments() -> None:
    query, table = np.array([[1, 2, 3, 4]], np.float32), np.array([[0, 1]], np.float32)
    package("cpu").rotary_embedding(np.zeros(1, np.int64), query, None, 4, table)
    np.testing.assert_array_equal(query, [[-2, 1, 3, 4]])
    with pytest.raises(TypeError, match="missing"):
        package("cpu").rotary_embedding(np.zeros(1, np.int64), query, head_size=4, cos_sin_cache=table)


def test_countless_rows_without_elements_return_at_once() -> None:
    rows = np.lib.stride_tricks.as_strided(np.ones(1, np.float32), (2**36, 0), (0, 0))
    assert package("cpu").softmax(rows).shape == (2**36, 0)
