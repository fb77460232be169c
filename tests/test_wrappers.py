"""The generated Python: signatures, docstrings, exports, stubs."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import host_ops
import host_package
import numpy as np
import pytest

from codegen.host import generate_host

PYTHON = "python/sgl_kernel/"


@pytest.fixture(scope="module")
def cpu() -> ModuleType:
    return host_package.load("cpu")


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("scaled_add", "(x, y, alpha=1.0, out=None)"),
        ("add_scaled", "(input, other, out=None, enable_pdl=None, mask=None, is_fused=False, *, factor=1.0)"),
        ("sum_and_difference", "(a, b)"),
        ("pick_heads", "(table, slots, bias=None, limit=7, flag=False, *, head_dim)"),
    ],
)
def test_signatures(cpu: ModuleType, name: str, signature: str) -> None:
    assert str(inspect.signature(getattr(cpu, name))) == signature


def test_calls_go_straight_to_the_extension_where_python_allows_it(cpu: ModuleType) -> None:
    x, entered = np.ones((2, 8), np.float32), []
    sys.setprofile(lambda frame, event, argument: entered.append(frame.f_code.co_name))
    try:
        out = cpu.add_scaled(x, other=x, factor=2.0)
    finally:
        sys.setprofile(None)
    assert out.sum() == 48
    assert ("add_scaled" in entered) == (sys.version_info < (3, 12))


def test_metal_functions_take_a_stream() -> None:
    metal = host_package.load("metal")
    assert str(inspect.signature(metal.scaled_add)) == "(x, y, alpha=1.0, out=None, *, stream=None)"


def test_a_docstring_says_everything(cpu: ModuleType) -> None:
    assert inspect.getdoc(cpu.pick_heads) == inspect.cleandoc(
        """
        Gather rows of a table, add a bias, and mark the slots in range.

        T is float32 or float8_e4m3fn.
        I is int32 or int64.

        Arguments:
            table: T[pool, heads * head_dim]. Rows to pick from.
            slots: I[tokens]. Row of each token.
            bias: float32[head_dim]. Added to each head. May be None.
            limit: int (int32), default 7.
            flag: bool, default False.
            head_dim: int. Must agree with the shapes.

        Returns:
            out: T[tokens, heads, head_dim].
            marks: int32[tokens, 2].

        Raises:
            TypeError: an argument is missing, unknown, of the wrong type or on another device.
            ValueError: dtypes or shapes do not agree, or a value is out of range. Requires
                `head_dim % 2 == 0`.
        """
    )


def test_in_place_updates_are_documented(cpu: ModuleType) -> None:
    assert "a: N[*rows, width]. Updated in place." in cpu.sum_and_difference.__doc__
    metal = host_package.load("metal")
    assert "Its buffer is updated in place when the returned array is" in metal.sum_and_difference.__doc__
    assert "Returns:" in metal.sum_and_difference.__doc__


HOSTILE = ['"""', 'ends with "', "\\", "\\n{{ name }}", "*/ //", "{% raw %}", "'''", "a\nb", "é\0\x1b[2J"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_spec_becomes_code(text: str) -> None:
    record = host_ops.records()[0]
    hostile = dataclasses.replace(record, summary=text, description=text, reference=text, spec_path=text)
    files = generate_host((hostile,))
    for path, content in files.items():
        if path.endswith((".py", ".pyi")):
            tree = ast.parse(content)
            assert [ast.dump(node) for node in tree.body if not isinstance(node, ast.FunctionDef)]
            functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
            assert all(
                ast.get_docstring(node) is not None or path.endswith((".pyi", "torch_ops.py"))
                for node in functions
                if node.name == "scaled_add"
            )
    safe = generate_host((record,))
    for path in safe:
        if path.endswith((".cpp", ".h")):
            assert strip_comments(files[path]) == strip_comments(safe[path]), path


def strip_comments(source: bytes) -> list[bytes]:
    return [line.partition(b"//")[0] for line in source.splitlines()]


def test_generation_does_not_depend_on_the_order_of_records() -> None:
    records = host_ops.records()
    assert generate_host(records) == generate_host(records[::-1])


def test_generated_python_uses_relative_imports_only() -> None:
    for path, content in host_package.generated().items():
        if path.startswith(PYTHON):
            assert b"sgl_kernel" not in content.replace(b"sgl_kernel_", b"").replace(
                b"sgl_metal_kernels", b""
            ), path


PROGRAM = """
import numpy as np
import numpy.typing as npt
from host_ops_kernel import cpu, cuda
import host_ops_kernel

x: npt.NDArray[np.float32] = np.zeros((2, 8), np.float32)
i: npt.NDArray[np.int32] = np.zeros(3, np.int32)

def f() -> npt.NDArray[np.float32]:
    return cpu.scaled_add(x, x, 2.0, out=x)

g: npt.NDArray[np.float32] = host_ops_kernel.add_scaled(x, x, enable_pdl=True, factor=1)
out, marks = cuda.pick_heads(x, i, None, limit=3, head_dim=4)
cpu.sum_and_difference(i, i)
ok: bool = cpu.is_available()
"""

MISTAKES = [
    ("cpu.scaled_add(x)", "Missing positional argument"),
    ("cpu.scaled_add(x, 1)", "incompatible type"),
    ("cpu.scaled_add(x, x, 'a')", "incompatible type"),
    ("cpu.pick_heads(x, i)", "Missing named argument"),
    ("cpu.no_such_op(x)", "no attribute"),
]


def run_mypy(folder: Path, program: str) -> str:
    pytest.importorskip("mypy", reason="mypy is not installed")
    (folder / "program.py").write_text(program)
    environment = {"MYPYPATH": str(host_package.package_folder()), "PATH": ""}
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(folder.parent / "mypy"),
        "program.py",
    ]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    ).stdout


def test_stubs_serve_a_strict_program(tmp_path: Path) -> None:
    assert run_mypy(tmp_path, PROGRAM) == "Success: no issues found in 1 source file\n"


def test_stubs_refuse_mistakes(tmp_path: Path) -> None:
    printed = run_mypy(tmp_path, PROGRAM + "".join(f"{call}\n" for call, _ in MISTAKES))
    lines = {line.split(":")[1]: line for line in printed.splitlines() if ": error: " in line}
    first = PROGRAM.count("\n") + 1
    for offset, (call, text) in enumerate(MISTAKES):
        assert text in lines[str(first + offset)], call
    assert len(lines) == len(MISTAKES)
