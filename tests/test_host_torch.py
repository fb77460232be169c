"""The CPU extension on torch tensors."""

from __future__ import annotations

from types import ModuleType

import host_package
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (make test WITH_TORCH=1)")


@pytest.fixture(scope="module")
def cpu() -> ModuleType:
    return host_package.load("cpu")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_results_are_tensors_of_the_same_dtype(cpu: ModuleType, dtype: torch.dtype) -> None:
    x, y = torch.randn(2, 3, 8).to(dtype), torch.randn(2, 3, 8).to(dtype)
    out = cpu.scaled_add(x, y, 2.0)
    assert isinstance(out, torch.Tensor)
    assert torch.equal(out, (x.float() + 2 * y.float()).to(dtype))


def test_strided_and_transposed_tensors(cpu: ModuleType) -> None:
    x = torch.randn(6, 4, 8)
    for view in (x[::2], x.transpose(0, 1), x[..., 1:5], x.transpose(1, 2), x[:1].expand(6, 4, 8)):
        assert torch.equal(cpu.scaled_add(view, view), 2 * view)


def test_float8_results(cpu: ModuleType) -> None:
    table = torch.arange(40, dtype=torch.uint8).view(torch.float8_e4m3fn).reshape(5, 8)
    out, marks = cpu.pick_heads(table, torch.tensor([3]), head_dim=4)
    assert out.dtype == torch.float8_e4m3fn
    assert torch.equal(out.view(torch.uint8).reshape(1, 8), table.view(torch.uint8)[3:4])
    assert marks.tolist() == [[1, 0]]


def test_out_is_the_tensor_given(cpu: ModuleType) -> None:
    x, out = torch.randn(3, 8), torch.empty(3, 8)
    assert cpu.scaled_add(x, x, out=out) is out
    assert torch.equal(out, 2 * x)


def test_parameters_serve_where_no_gradient_is_recorded(cpu: ModuleType) -> None:
    weight = torch.nn.Parameter(torch.randn(3, 8))
    with torch.no_grad():
        assert torch.equal(cpu.scaled_add(weight, weight), 2 * weight)
    with torch.inference_mode():
        assert torch.equal(cpu.scaled_add(weight, weight), 2 * weight)


def test_a_gradient_that_would_be_lost_is_refused(cpu: ModuleType) -> None:
    x = torch.randn(3, 8, requires_grad=True)
    with pytest.raises(ValueError, match=r"argument 'x' requires a gradient.*detach\(\)"):
        cpu.scaled_add(x, x)
    assert torch.equal(cpu.scaled_add(x.detach(), x.detach()), 2 * x.detach())


def test_tensors_elsewhere_are_refused(cpu: ModuleType) -> None:
    x = torch.empty(3, 8, device="meta")
    with pytest.raises(TypeError, match="scaled_add: argument 'x'"):
        cpu.scaled_add(x, x)


def test_sparse_tensors_are_refused(cpu: ModuleType) -> None:
    x = torch.eye(8).to_sparse()
    with pytest.raises(TypeError, match="scaled_add: argument 'x' cannot be read"):
        cpu.scaled_add(x, x)


def test_the_first_argument_says_which_framework_results_are_of(cpu: ModuleType) -> None:
    x = torch.randn(3, 8)
    assert isinstance(cpu.scaled_add(x, x.numpy()), torch.Tensor)
    assert not isinstance(cpu.scaled_add(x.numpy(), x), torch.Tensor)
