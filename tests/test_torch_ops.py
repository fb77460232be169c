"""Every public name under torch.compile, torch.export and fake tensors: a trace gives what a call gives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built_ops
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (make test WITH_TORCH=1)")

from benchmarks.agreement import make_reference  # noqa: E402  torch decides whether there is anything to do
from benchmarks.frameworks import Torch  # noqa: E402
from codegen.host.parameters import Parameter, parameters  # noqa: E402
from codegen.record import Export, OpRecord  # noqa: E402
from codegen.settings import read_settings  # noqa: E402

SEED = 5


@dataclass(frozen=True)
class Name:
    """A public name with one choice of dtypes, and what its calls are given."""

    op: built_ops.Op
    export: Export

    def __str__(self) -> str:
        return f"{self.export.name}-{self.op.entry.suffix}"

    @property
    def record(self) -> OpRecord:
        return self.op.record

    def function(self) -> Any:
        return getattr(built_ops.package("cpu"), self.export.name)

    def destinations(self) -> list[Parameter]:
        return [item for item in parameters(self.record, self.export) if item.kind == "destination"]

    def arguments(self, sizes: Mapping[str, Any] | None = None, given: bool = False) -> dict[str, Any]:
        """New arguments by public name; `given`: with a tensor for every destination."""
        drawn = self.op.draw(sizes or built_ops.moderate(self.op), SEED)
        outputs = make_reference(self.record, self.op.entry, drawn).outputs
        found = {}
        for item in parameters(self.record, self.export):
            if item.kind == "destination":
                if given or item.is_required:
                    found[item.name] = self.wrap(np.zeros_like(outputs[item.item.name]), item)
            elif item.kind == "tensor":
                found[item.name] = self.wrap(drawn[item.item.name], item)
            else:
                found[item.name] = drawn.get(item.item.name, getattr(item.item, "default", None))
        return found

    def wrap(self, storage: Any, item: Parameter) -> Any:
        dtype = self.op.entry.resolve(item.item.dtype)  # type: ignore[union-attr]
        return None if storage is None else Torch().wrap(storage, dtype)


def every_name() -> list[Name]:
    """Each public name of the shipped ops with its last choice of dtypes."""
    ops = {op.record.name: op for op in built_ops.cases(Torch())}
    return [Name(op, export) for op in ops.values() for export in op.record.exports]


EACH = pytest.mark.parametrize("name", every_name(), ids=str)


def tensors_of(values: Any) -> list[Any]:
    flat = values if isinstance(values, tuple) else (values,)
    return [value for value in flat if torch.is_tensor(value)]


def assert_same(got: Any, want: Any) -> None:
    assert type(got) is type(want)
    for one, other in zip(tensors_of(got), tensors_of(want), strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        raw = torch.uint8 if one.dtype == torch.float8_e4m3fn else one.dtype
        assert torch.equal(one.view(raw), other.view(raw))


def compare_calls(traced: Any, plain: Any, arguments: Any) -> None:
    """Run both on the same arguments: results and what has become of the arguments must be the same."""
    ours, theirs = arguments(), arguments()
    got, want = traced(**ours), plain(**theirs)
    assert_same(got, want)
    assert_same(tuple(ours.values()), tuple(theirs.values()))
    for one, other in zip(tensors_of(got), tensors_of(want), strict=True):
        given = [key for key, value in theirs.items() if value is other]
        assert all(ours[key].data_ptr() == one.data_ptr() for key in given)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    torch._dynamo.reset()


@EACH
@pytest.mark.parametrize("given", [False, True], ids=["made", "given"])
def test_a_compiled_call_does_what_a_call_does(name: Name, given: bool) -> None:
    if given and not any(not item.is_required for item in name.destinations()):
        return
    function = name.function()

    def program(**arguments: Any) -> Any:
        return function(**arguments)

    compiled = torch.compile(program, fullgraph=True, backend="aot_eager")
    compare_calls(compiled, function, lambda: name.arguments(given=given))


@EACH
def test_operators_keep_the_rules_of_torch(name: Name) -> None:
    namespace = getattr(torch.ops, read_settings().package)
    built_ops.package("torch_ops")
    packet = getattr(namespace, name.export.name)
    for overload in packet.overloads():
        operator = getattr(packet, overload)
        arguments = name.arguments(given=overload != "default")
        passed = [arguments.get(item.name) for item in operator._schema.arguments]
        # torch cannot compare 8-bit floats, which its own test of schemas does.
        is_float8 = any(value.dtype == torch.float8_e4m3fn for value in tensors_of(tuple(passed)))
        first = () if is_float8 else ("test_schema",)
        tests = ("test_autograd_registration", "test_faketensor", "test_aot_dispatch_dynamic")
        torch.library.opcheck(operator, passed, test_utils=(*first, *tests))


@EACH
def test_one_trace_serves_every_batch(name: Name) -> None:
    function, traces = name.function(), []

    def count(graph: Any, inputs: Any) -> Any:
        traces.append(graph)
        return graph

    compiled = torch.compile(function, fullgraph=True, backend=count, dynamic=True)
    batch = built_ops.batch_name(name.op)
    for members in (7, 64, 33):
        sizes = {**built_ops.moderate(name.op), batch: members, **built_ops.room(name.op, 64)}
        compare_calls(compiled, function, lambda sizes=sizes: name.arguments(sizes))
    assert len(traces) == 1


@EACH
def test_tensors_without_data_give_tensors_without_data(name: Name) -> None:
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

    function = name.function()
    want = function(**name.arguments())
    with FakeTensorMode() as mode:
        fakes = {key: mode.from_tensor(v) if torch.is_tensor(v) else v for key, v in name.arguments().items()}
        got = function(**fakes)
    for fake, real in zip(tensors_of(got), tensors_of(want), strict=True):
        assert isinstance(fake, FakeTensor)
        assert (fake.shape, fake.dtype, fake.stride()) == (real.shape, real.dtype, real.stride())


def first_with_result() -> Name:
    return next(name for name in every_name() if not name.op.updates_arguments() and name.export.returns)


def test_an_exported_program_has_the_operator_in_it() -> None:
    name = first_with_result()
    function, arguments = name.function(), name.arguments()

    class Model(torch.nn.Module):
        def forward(self, tensors: list[Any]) -> Any:
            return function(**{**arguments, **dict(zip(keys, tensors, strict=True))})

    keys = [key for key, value in arguments.items() if torch.is_tensor(value)]
    tensors = [arguments[key] for key in keys]
    for strict in (True, False):
        program = torch.export.export(Model(), (tensors,), strict=strict)
        targets = [str(node.target) for node in program.graph.nodes]
        assert f"{read_settings().package}.{name.export.name}.default" in targets
        assert_same(program.module()(tensors), function(**arguments))


def test_a_gradient_that_would_be_lost_is_refused_while_tracing() -> None:
    name = first_with_result()
    arguments = name.arguments()
    key = next(key for key, value in arguments.items() if torch.is_tensor(value))
    arguments[key].requires_grad_()
    compiled = torch.compile(name.function(), fullgraph=True, backend="aot_eager")
    with pytest.raises(Exception) as caught:
        compiled(**arguments)
    messages = "".join(str(error) for error in chain(caught.value))
    assert f"argument '{key}' requires a gradient" in messages
    with torch.no_grad():
        assert_same(compiled(**arguments), name.function()(**arguments))


def chain(error: BaseException | None) -> list[BaseException]:
    return [] if error is None else [error, *chain(error.__cause__ or error.__context__)]


def test_neither_importing_nor_calling_the_package_imports_torch() -> None:
    folder = Path(str(built_ops.package("cpu").__file__)).parent.parent
    code = f"""
import sys
sys.path.insert(0, {str(folder)!r})
import numpy as np
from {read_settings().package} import cpu
cpu.softmax(np.ones((2, 8), np.float32))
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
