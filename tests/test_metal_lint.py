"""What Apple's compiler refuses is found in a shader's text, and what it takes is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from every_spec import load

from backends.metal import emit
from backends.metal.lint import lint
from backends.metal.lint.__main__ import main
from codegen.pipeline import compile_spec
from kernel_ir.errors import TargetError

ROOT = Path(__file__).resolve().parent.parent

# Each fault beside its clean twin, and the rule that tells them apart.
TWINS: dict[str, tuple[str, str, str]] = {
    "double": ("refused word", "void f() { double x = 1.0; }", "void f() { float x = 1.0f; }"),
    "double vector": ("refused word", "double2 f();", "float2 f();"),
    "behind a macro": ("refused word", "#define REAL double\nREAL f();", "// double\nint f();"),
    "behind a macro with parameters": (
        "refused word",
        "#define AS(type, x) type(x)\nfloat f(float x) { return AS(double, x); }",
        "#define AS(type, x) type(x)\nfloat f(float x) { return AS(float, x); }",
    ),
    "in a macro with parameters": (
        "refused word",
        "#define WIDE(x) \\\n  (double)(x)\n#define TWO(x) 2 * WIDE(x)\nfloat f(float x) { return TWO(x); }",
        "#define WIDE(x) (double)(x)\nfloat f(float x) { return x; }",
    ),
    "joined by a macro": (
        "refused word",
        "#define JOIN(a, b, ...) a##b x; int y[] = {__VA_ARGS__}\nvoid f() { JOIN(dou, ble, 1, 2); }",
        "#define JOIN(a, b, ...) a##b x; int y[] = {__VA_ARGS__}\nvoid f() { JOIN(flo, at, 1, 2); }",
    ),
    "goto": ("refused word", "void f() { goto end; end: return; }", "void f() { return; }"),
    "new": ("refused word", "void f() { thread int* x = new int; }", "void f(int renew) { }"),
    "exceptions": ("refused word", "void f() { throw 1; }", "void f() { /* throw */ }"),
    "standard library": ("refused word", "float f(float x) { return std::abs(x); }", "float f(float stdx);"),
    "virtual": ("refused word", "struct A { virtual int f(); };", "struct A { int f(); };"),
    "delete": ("refused word", "void f(thread int* x) { delete x; }", "struct A { A() = delete; };"),
    "recursion": (
        "recursion",
        "int f(int n) { return n < 2 ? 1 : n * f(n - 1); }",
        "int f(int n) { return metal::f(n - 1); }",
    ),
    "mutual recursion": (
        "recursion",
        "int g(int n); int f(int n) { return g(n); } int g(int n) { return f(n); }",
        "int g(int n); int f(int n) { return g(n); } int g(int n) { return n; }",
    ),
    "recursion in a class": (
        "recursion",
        "struct A { int f(int n) { return f(n - 1); } };",
        "struct A { int f(int n) { return B::f(n - 1); } };",
    ),
    "an overload": ("recursion", "int f(int n) { return f(n); }", "int f(int n) { return f(n, 0); }"),
    "dynamic initialiser": (
        "dynamic initialiser",
        "constant float scale = metal::sqrt(2.0f);",
        "constant float scale = 1.5f; constant float2 pair = float2(1, 2);",
    ),
    "derived function constant": (
        "dynamic initialiser",
        "constant int n [[function_constant(0)]]; constant int m = twice(n);",
        "constant int n [[function_constant(0)]]; constant int m = is_function_constant_defined(n) ? n : 2;",
    ),
    "program scope": ("program scope", "float scale = 2.0f;", "constant float scale = 2.0f;"),
    "static local": (
        "program scope",
        "int f() { static int calls = 0; return calls; }",
        "int f() { static constexpr constant int calls = 0; return calls; }",
    ),
    "lambda": ("lambda", "void f() { auto g = [](int x) { return x; }; }", "void f() { int x = y[0](1); }"),
    "lambda with captures": ("lambda", "void f() { run([&] { }); }", "[[kernel]] void f() { x[0] = 1; }"),
    "parameter without a space": ("address space", "void f(float* x) { }", "void f(device float* x) { }"),
    "reference without a space": ("address space", "void f(int& x) { }", "void f(thread int& x, int y) { }"),
    "cast to another space": (
        "address space",
        "void f(device int* x) { auto y = reinterpret_cast<threadgroup float*>(x); }",
        "void f(device int* x) { auto y = reinterpret_cast<device float*>(x); }",
    ),
    "C cast to another space": (
        "address space",
        "void f(constant int& x) { auto y = (device int*)&x; }",
        "void f(constant int& x) { auto y = (constant int*)&x; int z = (x)*2; }",
    ),
    "cast without a space": (
        "address space",
        "void f(device int* x) { auto y = reinterpret_cast<float*>(x); }",
        "void f(device int* x) { auto y = reinterpret_cast<const device float*>(x); }",
    ),
    "vector cast": (
        "vector cast",
        "float4 f(int4 x) { return (float4)x; }",
        "float4 f(int4 x) { return float4(x); }",
    ),
    "reserved name": (
        "reserved name",
        "void f() { float kernel = 1; }",
        "void f() { half x = 1; const half y = 2; }",
    ),
    "many buffers": (
        "buffers",
        f"[[kernel]] void f({', '.join(f'device int* x{n}' for n in range(32))}) {{ }}",
        f"[[kernel]] void f({', '.join(f'device int* x{n}' for n in range(31))}) {{ }}",
    ),
    "overloads": (
        "recursion",
        "half f(half x) { return f(x); }",
        "float f(float x); half f(half x) { return half(f(float(x))); }",
    ),
    "recursion through this": (
        "recursion",
        "struct A { int f(int n) { return this->f(n); } };",
        "struct A { int f(int n) { return other->f(n); } };",
    ),
    "braced initialiser": (
        "dynamic initialiser",
        "constant float x{f()};",
        "constant float x{1.0f}; constant float y(2.0f);",
    ),
    "template parameters": (
        "dynamic initialiser",
        "constant float x = f();",
        "template <class T, typename = enable_if_t<is_small<T>>> inline T f(T x) { return x; }",
    ),
    "cast of a local pointer": (
        "address space",
        "void f(device int* x) { threadgroup int* y = z; auto w = (device int*)y; }",
        "void f(device int* x) { device int* y = x; auto w = (device int*)y; }",
    ),
    "cast of a threadgroup array": (
        "address space",
        "kernel void f() { threadgroup float t[4]; auto w = reinterpret_cast<device float*>(t); }",
        "kernel void f() { threadgroup float t[4]; auto w = reinterpret_cast<threadgroup float2*>(t); }",
    ),
    "vector cast in the namespace": (
        "vector cast",
        "float4 f(int4 x) { return x + (metal::float4)-x + (vec<float, 4>)x; }",
        "float4 f(int4 x) { return metal::float4(-x) + vec<float, 4>(x); }",
    ),
    "reserved parameter": (
        "reserved name",
        "void f(int kernel) { }",
        "using namespace metal; void f(half kernels) { }",
    ),
    "one buffer twice": (
        "buffers",
        "kernel void f(device int* x [[buffer(1)]], device int* y [[buffer(1)]]) { }",
        "kernel void f(device int* x [[buffer(1)]], device int* y [[buffer(2)]]) { }",
    ),
    "a computed buffer": (
        "buffers",
        "constexpr constant int B = 30; kernel void f(device int* x [[buffer(B + 1)]]) { }",
        "constexpr constant int B = 30; kernel void f(device int* x [[buffer(B)]]) { }",
    ),
    "computed threadgroup memory": (
        "threadgroup memory",
        "kernel void f() { threadgroup float a[1024 * 10]; }",
        "kernel void f() { threadgroup float a[0x800u][4]; threadgroup float* b = a; }",
    ),
    "computed threads": (
        "threads",
        "constexpr constant int W = 64; [[kernel, max_total_threads_per_threadgroup(W * 32)]] void f() { }",
        "[[kernel, max_total_threads_per_threadgroup(WM * WN * 32)]] void f(device int* x) { }",
    ),
    "a high buffer": (
        "buffers",
        "[[kernel]] void f(device int* x [[buffer(31)]]) { }",
        "[[kernel]] void f(device int* x [[buffer(30)]], uint i [[thread_position_in_grid]]) { }",
    ),
    "threadgroup memory": (
        "threadgroup memory",
        "kernel void f() { threadgroup float4 a[2048], b[1]; }",
        "kernel void f() { threadgroup float4 a[1024]; threadgroup half b[8192]; }",
    ),
    "threads": (
        "threads",
        "[[kernel, max_total_threads_per_threadgroup(1025)]] void f() { }",
        "[[kernel, max_total_threads_per_threadgroup(1024)]] void f() { }",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "fault", "twin"), TWINS.values(), ids=TWINS.keys())
def test_faults_are_told_from_their_twins(rule: str, fault: str, twin: str) -> None:
    assert {item.rule for item in lint(fault)} == {rule}
    assert lint(twin) == []


def test_a_finding_names_its_line() -> None:
    (finding,) = lint('#include "a.h"\n/* two\nlines */\nvoid f() {\n  double x;\n}\n')
    assert finding.line == 5
    (finding,) = lint("#define WIDE(x) \\\n  double(x)\nfloat f(float x) {\n  return WIDE(\n    x);\n}\n")
    assert finding.line == 4


@pytest.mark.parametrize(
    "path",
    [
        *sorted((ROOT / "generated/metal").glob("*.metal")),
        *sorted(p for it in emit.RUNTIME for p in it.glob("*.h")),
    ],
    ids=lambda path: path.name,
)
def test_what_ships_is_clean(path: Path) -> None:
    assert lint(path.read_text(), emit.header_macros()) == []


def test_the_headers_of_mlx_are_clean() -> None:
    """Those for older versions of the language: the others need lambdas, which came later. One recurses."""
    mlx = pytest.importorskip("mlx", reason="MLX is not installed")
    folder = Path(next(iter(mlx.__path__))) / "include/mlx/backend/metal/kernels"
    if not folder.exists():
        pytest.skip("this MLX has no Metal headers")
    for path in sorted(folder.rglob("*.h")):
        if "nax" not in path.name:
            found = [item for item in lint(path.read_text()) if item.rule != "recursion"]
            assert found == [], path.name


def test_a_finding_stops_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile_spec(load("silu_and_mul"))
    assert emit.emit(compiled.program, compiled.record)
    monkeypatch.setattr(emit, "STORAGE", {**emit.STORAGE, "f32": "double"})
    with pytest.raises(TargetError, match=r"refused word at line .*Metal has no double"):
        emit.emit(compiled.program, compiled.record)


def test_the_command_prints_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shader = tmp_path / "a.metal"
    shader.write_text("float x = 1;\n")
    assert main([str(shader)]) == 1
    assert f"{shader}:1: program scope: " in capsys.readouterr().out
    shader.write_text("constant float x = 1;\n")
    assert main([str(shader)]) == 0
    assert main([str(tmp_path / "none.metal")]) == 2
    assert main([]) == 2
