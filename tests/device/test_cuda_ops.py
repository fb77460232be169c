"""Every shipped op on a GPU, beside what the interpreter gave for the same calls elsewhere.

    PYTHONPATH=tests:. python tests/device/make_cases.py build/device/cases.npz   # where the generator runs
    python -m backends.build_generated                                            # and with a GPU:
    PYTHONPATH=build/python python -m pytest --noconftest tests/device/test_cuda_ops.py
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
if not torch.cuda.is_available():
    pytest.skip("there is no CUDA device", allow_module_level=True)

FILE = Path(os.environ.get("SGL_DEVICE_CASES", "build/device/cases.npz"))
if not FILE.exists():
    pytest.skip(f"{FILE} is not there: make_cases.py writes it", allow_module_level=True)

ops = pytest.importorskip("sgl_kernel.cuda", reason="the package is not built")

DTYPES = {
    "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "f8e4m3": torch.float8_e4m3fn,
    "i8": torch.int8, "u8": torch.uint8, "i32": torch.int32, "i64": torch.int64, "bool": torch.bool,
}  # fmt: skip
STORED = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}  # what torch reads of any storage array
BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass(frozen=True)
class Call:
    """One call of the file: facts and storage arrays by `part/name`."""

    number: int
    facts: Mapping[str, Any]
    parts: Mapping[str, np.ndarray]

    def __str__(self) -> str:
        shapes = {name: value.shape for name, value in self.arrays("given").items()}
        facts = f"{self.facts['kind']}, {self.facts['numbers']}"
        return f"call {self.number} of {self.op} with {shapes} ({facts})"

    @property
    def op(self) -> str:
        return f"{self.facts['op']}-{self.facts['entry']}"

    def arrays(self, part: str) -> dict[str, np.ndarray]:
        head = f"{part}/"
        return {name.removeprefix(head): value for name, value in self.parts.items() if name.startswith(head)}

    def tensor(self, name: str, values: np.ndarray) -> Any:
        """A storage array as a tensor on the GPU."""
        words = torch.from_numpy(np.array(values).view(STORED[values.itemsize]))
        return words.view(DTYPES[self.facts["dtypes"][name]]).cuda()

    def arguments(self) -> dict[str, Any]:
        given = {name: self.tensor(name, value) for name, value in self.arrays("given").items()}
        dtypes = {name: DTYPES[dtype] for name, dtype in self.facts["dtypes"].items()}
        places = {name: unwritten(shape, dtypes[name]) for name, shape in self.facts["places"].items()}
        return {**given, **self.facts["numbers"], **places}

    def run(self, arguments: Mapping[str, Any], function: Any = None) -> dict[str, Any]:
        """Results and mutated arguments after a call of the op, or of what stands for it."""
        public = {self.facts["public"][name]: value for name, value in arguments.items()}
        made = (function or getattr(ops, self.facts["function"]))(**public)
        returned = made if isinstance(made, tuple) else (made,) if self.facts["returns"] else ()
        written = {name: arguments[name] for name in (*self.facts["mutated"], *self.facts["places"])}
        return {**written, **dict(zip(self.facts["returns"], returned, strict=True))}


def unwritten(shape: list[int], dtype: torch.dtype) -> Any:
    """A tensor of ones."""
    return torch.ones(shape, device="cuda").to(dtype)


def cut(facts: Mapping[str, Any], whole: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of some members of a batch."""
    given = {name: values for name, values in whole.items() if name.startswith("given/")}
    for name, count in facts["slices"].items():
        key = f"given/{name}"
        given[key] = given[key][facts["first"] : facts["first"] + count]
    return given


def read_calls() -> Iterator[Call]:
    with np.load(FILE) as file:
        parts: dict[int, dict[str, np.ndarray]] = {}
        for key in file.files:
            number, _, name = key.partition("/")
            if name:
                parts.setdefault(int(number), {})[name] = file[key]
        for number, facts in enumerate(json.loads(str(file["index"]))):
            is_part = "whole" in facts
            yield Call(number, facts, cut(facts, parts[facts["whole"]]) if is_part else parts[number])


CALLS = list(read_calls())
OPS = sorted({call.op for call in CALLS})
EACH = pytest.mark.parametrize("op", OPS)


def calls(op: str, *kinds: str) -> list[Call]:
    found = [call for call in CALLS if call.op == op and call.facts["kind"] in kinds]
    assert found, f"the file has no {kinds} of {op}"
    return found


def batch(op: str) -> Call:
    return calls(op, "batch")[0]


def bits(tensor: Any) -> Any:
    return tensor.contiguous().view(BITS[tensor.itemsize])


def assert_same_bits(got: Mapping[str, Any], want: Mapping[str, Any], note: str) -> None:
    assert got.keys() == want.keys()
    for name in want:
        assert torch.equal(bits(got[name]), bits(want[name])), f"{name} differs: {note}"


def assert_agrees(call: Call, got: Mapping[str, Any]) -> None:
    allowed = call.arrays("allowed")
    for name, storage in call.arrays("want").items():
        want, tensor = call.tensor(name, storage), got[name]
        assert tensor.shape == want.shape and tensor.dtype == want.dtype and tensor.is_cuda, f"{name}: {call}"
        values, exact = tensor.double(), want.double()
        is_same = (values == exact) | (values.isnan() & exact.isnan())
        is_near = (values - exact).abs() <= torch.from_numpy(allowed[name]).cuda()
        off = (~(is_same | is_near)).nonzero()
        assert not len(off), f"{name}{off[0].tolist()} and {len(off) - 1} more differ: {call}"


@EACH
@pytest.mark.parametrize("kind", ["odd", "long", "batch", "hostile", "empty"])
def test_results_are_the_interpreters(op: str, kind: str) -> None:
    for call in calls(op, kind):
        assert_agrees(call, call.run(call.arguments()))


@EACH
def test_every_run_gives_the_same_bits(op: str) -> None:
    call = batch(op)
    first = call.run(call.arguments())
    for _ in range(100):
        assert_same_bits(call.run(call.arguments()), first, str(call))


@EACH
def test_calls_that_look_alike_use_their_own_memory(op: str) -> None:
    call = batch(op)
    want = call.run(call.arguments())
    first, second = call.arguments(), call.arguments()
    earlier = call.run(first)
    for value in earlier.values():
        value.zero_()
    assert_same_bits(call.run(second), want, str(call))
    assert all(not value.double().count_nonzero() for value in earlier.values()), str(call)


@EACH
def test_threads_that_have_not_met_cuda_may_call(op: str) -> None:
    call = batch(op)
    want, arguments = call.run(call.arguments()), call.arguments()
    torch.cuda.synchronize()
    with ThreadPoolExecutor(1) as pool:
        assert_same_bits(pool.submit(call.run, arguments).result(), want, str(call))


@EACH
def test_a_chain_of_calls_waits_for_each(op: str) -> None:
    """Each call reads what the one before it wrote, and may start while that is ending."""
    call = batch(op)
    links = [name for name in call.facts["rows"] if name in call.facts["mutated"] or call.facts["has_out"]]
    results = {False: [], True: []}
    for waits, made in results.items():
        arguments = call.arguments()
        for _ in range(50):
            outputs = call.run(arguments)
            for name in links[:1]:
                like = (value for value in outputs.values() if value.shape == arguments[name].shape)
                arguments[name] = next((x for x in like if x.dtype == arguments[name].dtype), arguments[name])
            if waits:
                torch.cuda.synchronize()
        made.append({name: value.clone() for name, value in outputs.items()})
    assert_same_bits(results[False][0], results[True][0], str(call))


@EACH
def test_a_compiled_call_gives_the_same_bits(op: str) -> None:
    call = batch(op)
    want = call.run(call.arguments())
    torch._dynamo.reset()
    compiled = torch.compile(getattr(ops, call.facts["function"]), fullgraph=True, backend="aot_eager")
    assert_same_bits(call.run(call.arguments(), compiled), want, str(call))


@EACH
def test_a_member_of_a_batch_does_not_see_the_others(op: str) -> None:
    whole = batch(op).run(batch(op).arguments())
    for part in calls(op, "part"):
        first, count = part.facts["first"], part.facts["count"]
        got = part.run(part.arguments())
        for name in part.facts["batched"]:
            assert torch.equal(bits(got[name]), bits(whole[name][first : first + count])), str(part)


@EACH
@pytest.mark.parametrize("spread", ["rows", "elements", "offset"])
def test_views_give_what_whole_tensors_give(op: str, spread: str) -> None:
    call = batch(op)
    whole = call.run(call.arguments())
    for name in call.arrays("given"):
        arguments = call.arguments()
        arguments[name] = view_of(arguments[name], spread)
        if spread == "elements" and name in call.facts["mutated"]:
            with pytest.raises(ValueError, match=f"'{name}'"):
                call.run(arguments)
            continue
        assert_same_bits(call.run(arguments), whole, f"{name} with space between its {spread}: {call}")


def view_of(tensor: Any, spread: str) -> Any:
    """A tensor with the same elements and space between its rows or elements, or in front of them."""
    last = tensor.shape[-1]
    shapes = {"rows": (*tensor.shape[:-1], last + 3), "elements": (*tensor.shape[:-1], 2 * last)}
    if spread == "offset":
        memory = tensor.new_zeros(tensor.numel() + 1)
        return memory[1:].view(tensor.shape).copy_(tensor)
    memory = tensor.new_zeros(shapes[spread])
    view = memory[..., :last] if spread == "rows" else memory[..., ::2]
    return view.copy_(tensor)


@EACH
def test_out_is_written_and_given_back(op: str) -> None:
    call = batch(op)
    if not call.facts["has_out"]:
        return
    (name,) = call.facts["returns"]
    want = call.run(call.arguments())[name]
    for out in (torch.empty_like(want), view_of(want.clone().zero_(), "rows")):
        given = getattr(ops, call.facts["op"])(**call.arguments(), out=out)
        assert given is out
        assert torch.equal(bits(out), bits(want)), str(call)


@EACH
def test_a_graph_replays_the_call(op: str) -> None:
    call = batch(op)
    want = call.run(call.arguments())
    arguments, fresh = call.arguments(), call.arguments()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        recorded = call.run(arguments)
    for _ in range(3):
        for name in call.facts["mutated"]:
            arguments[name].copy_(fresh[name])
        for name in set(recorded) - set(call.facts["mutated"]):
            recorded[name].zero_()
        graph.replay()
        torch.cuda.synchronize()
        assert_same_bits(recorded, want, str(call))


@EACH
def test_a_call_follows_its_stream_and_does_not_wait(op: str) -> None:
    call = batch(op)
    want = call.run(call.arguments())
    arguments = call.arguments()
    late = {name: value for name, value in arguments.items() if torch.is_tensor(value)}
    held = {name: value.clone() for name, value in late.items()}
    for value in late.values():
        value.zero_()
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(200_000_000)
        for name, value in late.items():
            value.copy_(held[name])
        got = call.run(arguments)
        is_waiting = not stream.query()
    stream.synchronize()
    assert is_waiting, "the call waited for its stream"
    assert_same_bits(got, want, str(call))


@EACH
def test_more_elements_than_32_bits_count(op: str) -> None:
    call = batch(op)
    if not call.facts["rows"] or not op.endswith("bf16"):
        return
    whole, arguments = call.run(call.arguments()), call.arguments()
    copies = 2**31 // max(arguments[name].numel() for name in call.facts["rows"]) + 1
    for name in call.facts["rows"]:
        arguments[name] = arguments[name].repeat(copies, *[1] * (arguments[name].ndim - 1))
    assert any(arguments[name].numel() > 2**31 for name in call.facts["rows"])
    for name, (rows, *rest) in call.facts["places"].items():
        arguments[name] = unwritten([rows * copies, *rest], arguments[name].dtype)
    got = call.run(arguments)
    for name, want in whole.items():
        assert torch.equal(bits(got[name]).view(copies, *want.shape), bits(want).expand(copies, *want.shape))


# ---- refusals ----------------------------------------------------------------------------------


@EACH
def test_tensors_elsewhere_are_refused_by_name(op: str) -> None:
    call = batch(op)
    for name in call.arrays("given"):
        arguments = call.arguments()
        arguments[name] = arguments[name].cpu()
        public = call.facts["public"][name]
        message = f"{call.facts['function']}: argument '{public}' is on the CPU, expected CUDA"
        with pytest.raises(TypeError, match=message):
            call.run(arguments)


@EACH
def test_other_dtypes_and_shapes_are_refused_by_name(op: str) -> None:
    call = batch(op)
    for name in call.arrays("given"):
        right = call.arguments()
        for wrong in (right[name].to(torch.complex64), right[name].flatten()[0]):
            with pytest.raises(ValueError, match=f"^{call.facts['function']}: "):
                call.run({**right, name: wrong})


@EACH
def test_a_gradient_that_would_be_lost_is_refused(op: str) -> None:
    call = batch(op)
    for name in call.arrays("given"):
        arguments = call.arguments()
        if arguments[name].is_floating_point():
            arguments[name].requires_grad_()
            with pytest.raises(ValueError, match=f"argument '{name}' requires a gradient"):
                call.run(arguments)


@EACH
def test_an_out_that_overlaps_an_input_is_refused(op: str) -> None:
    call = batch(op)
    if not call.facts["has_out"]:
        return
    (name,) = call.facts["returns"]
    want = call.run(call.arguments())[name]
    getattr(ops, call.facts["op"])(**call.arguments(), out=torch.empty_like(want))
    for given, value in call.arguments().items():
        if torch.is_tensor(value) and value.shape == want.shape and value.dtype == want.dtype:
            memory = want.new_zeros((len(want) + 1, *want.shape[1:]))
            for taken, out in ((want, want), (memory[1:], memory[:-1])):
                with pytest.raises(ValueError, match="out"):
                    getattr(ops, call.facts["op"])(**{**call.arguments(), given: taken}, out=out)


@EACH
def test_meta_tensors_are_refused_by_name(op: str) -> None:
    call = batch(op)
    for name in call.arrays("given"):
        arguments = call.arguments()
        arguments[name] = arguments[name].to("meta")
        public = call.facts["public"][name]
        with pytest.raises(TypeError, match=f"^{call.facts['function']}: argument '{public}' "):
            call.run(arguments)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one GPU")
@EACH
def test_a_call_runs_where_its_tensors_are(op: str) -> None:
    call = batch(op)
    want = call.run(call.arguments())
    there = call.arguments()
    there |= {name: value.to("cuda:1") for name, value in there.items() if torch.is_tensor(value)}
    got = call.run(there)
    assert torch.cuda.current_device() == 0
    assert all(value.device.index == 1 for value in got.values())
    assert_same_bits({name: value.cuda(0) for name, value in got.items()}, want, str(call))
    alone = len(call.arrays("given")) == 1
    for name in () if alone else call.arrays("given"):
        mixed = {**there, name: call.arguments()[name]}
        with pytest.raises(TypeError, match=r"is on CUDA device \d, expected device \d"):
            call.run(mixed)


@EACH
def test_a_failed_launch_names_its_kernel(op: str) -> None:
    call = batch(op)
    if not call.facts["has_out"]:
        return
    (result,) = call.facts["returns"]
    arguments = call.arguments()
    arguments["out"] = call.run(arguments)[result]
    handle = ctypes.c_uint64()
    torch.cuda.cudart().cudaStreamCreate(ctypes.addressof(handle))
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(torch.cuda.ExternalStream(handle.value)):
        graph.capture_begin()  # the default stream may not work while a stream that waits for it is recorded
        with torch.cuda.stream(torch.cuda.default_stream()):
            name = call.facts["op"]
            what = rf"(launching {name}_kernel|allocating \d+ bytes of scratch)"
            with pytest.raises(RuntimeError, match=f"^{name}: {what} failed: operation "):
                getattr(ops, name)(**arguments)
        with pytest.raises(RuntimeError):
            graph.capture_end()
    torch.cuda.cudart().cudaStreamDestroy(handle.value)
    del arguments["out"]
    assert_agrees(call, call.run(arguments))
