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
        "float root(float x); constant float scale = root(2.0f);",
        "constant float scale = 1.5f; constant float2 pair = float2(1, 2);",
    ),
    "derived function constant": (
        "dynamic initialiser",
        "int twice(int n); constant int n [[function_constant(0)]]; constant int m = twice(n);",
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
        "float f(); constant float x{f()};",
        "constant float x{1.0f}; constant float y(2.0f);",
    ),
    "template parameters": (
        "dynamic initialiser",
        "template <class T> T f(T x) { return x; } constant float x = f(1.0f);",
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
    "a buffer named so": (
        "buffers",
        "kernel void f(device int* buffer [[buffer(2)]], device int* y [[buffer(2)]]) { }",
        "kernel void f(device int* buffer, device int* y [[buffer(1)]]) { }",
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
    "a left out part": (
        "refused word",
        "#if 1\ndouble x();\n#else\nfloat x();\n#endif",
        "#if 0\ndouble x();\n#elif 0\ngoto\n#else\nfloat x();\n#endif",
    ),
    "a part for other compilers": (
        "refused word",
        "#ifdef __METAL_VERSION__\ndouble x();\n#endif",
        "#ifndef __METAL_VERSION__\n#define REAL double\n#ifdef A\n#endif\ndouble x();\n#endif\nREAL y();",
    ),
    "a name that is defined": (
        "refused word",
        "#define HOST 1 // or not\n#if defined(HOST) && HOST >= 1 && !defined NONE\ndouble x();\n#endif",
        "#define HOST 1\n#if !defined(HOST) || HOST == 0x2u || NONE\ndouble x();\n#endif",
    ),
    "a name defined no more": (
        "refused word",
        "#define HOST\n#undef HOST\n#ifndef HOST\ndouble x();\n#endif",
        "#define HOST\n#undef HOST\n#ifdef HOST\ndouble x();\n#endif",
    ),
    "a guard": (
        "refused word",
        '#ifndef A_H\n#define A_H\n#include "b.h"\ndouble x();\n#endif',
        '#include "b.h"\n#ifndef A_H\ndouble x();\n#endif',
    ),
    "a version": (
        "refused word",
        "#if __METAL_VERSION__ < 310\nfloat x();\n#endif\ndouble x();",
        "#if __METAL_VERSION__ < 310\ndouble x();\n#else\nauto y = [] { };\n#endif\nfloat z();",
    ),
    "half a function for other compilers": (
        "refused word",
        "#ifdef __A__\nvoid f(double x) {\n#else\nvoid f(int x) {\n#endif\ndouble y; }",
        "#ifdef __A__\nvoid f(double x) {\n#else\nvoid f(int x) {\n#endif\nfloat y; }",
    ),
    "constexpr functions": (
        "dynamic initialiser",
        "int square(int a) { return a * a; } constant int d = square(3);",
        "constexpr int square(int a) { return a * a; } constant int d = square(3);",
    ),
    "functions of the standard library": (
        "dynamic initialiser",
        "int most(int a, int b); constant bool b = true; constant int n = b ? most(1, 2) : 0;",
        "int max(int a, int b); constant bool b = true; constant int n = b ? metal::max(1, 2) : min(1, 2);",
    ),
    "memory of an instance": (
        "threadgroup memory",
        "template <int N> kernel void f(device float* x) { threadgroup float a[N]; }\n"
        'template [[host_name("a")]] kernel void f<9000>(device float* x);',
        "template <int N> kernel void f(device float* x) { threadgroup float a[N]; }\n"
        'template [[host_name("a")]] kernel void f<8192>(constant float* x);',
    ),
    "memory of an instance in short": (
        "threadgroup memory",
        "template <int N> kernel void f(device float* x) { threadgroup float a[N]; }\n"
        'template [[host_name("a")]] [[kernel]] decltype(f<9000>) f<9000>;',
        "template <int N> kernel void f(device float* x) { threadgroup float a[N]; }\n"
        'template [[host_name("a")]] [[kernel]] decltype(f<8192>) f<8192>;',
    ),
    "memory of an instance's type": (
        "threadgroup memory",
        "template <class T, int N = 2048> kernel void f() { constexpr int M = N * 2; threadgroup T a[M]; }\n"
        "template kernel void f<half>(); template kernel void f<float4>();",
        "template <class T, int N = 2048> kernel void f() { constexpr int M = N * 2; threadgroup T a[M]; }\n"
        "template kernel void f<half>(); template kernel void f<metal::float2>();",
    ),
    "memory of a branch": (
        "threadgroup memory",
        "template <int N> kernel void f() { if (N > 4) { threadgroup float a[9000]; } }\n"
        "template kernel void f<5>();",
        "template <int N> kernel void f() { if constexpr (N > 4) { threadgroup float a[9000]; } "
        "else if constexpr (N > 3) { threadgroup float a[9000]; } else threadgroup float a[9000]; }\n"
        "template kernel void f<5>();",
    ),
    "a template's own number": (
        "threadgroup memory",
        "constexpr constant int N = 9000; kernel void f() { threadgroup float a[N]; }",
        "void g() { constexpr int N = 9000; } void h() { constexpr int N = 9; }\n"
        "kernel void f() { threadgroup float a[N]; }",
    ),
    "memory of a named type": (
        "threadgroup memory",
        "typedef float F; kernel void f() { threadgroup F a[9000]; }",
        "typedef float F; kernel void f() { threadgroup F a[8192]; }",
    ),
    "memory of an alias": (
        "threadgroup memory",
        "using F = vec<float, 3>; using G = F; kernel void f() { threadgroup G a[2049]; }",
        "using F = vec<float, 3>; using G = F; kernel void f() { threadgroup G a[2048]; }",
    ),
    "memory of a struct": (
        "threadgroup memory",
        "struct S { float a[1024]; }; kernel void f() { threadgroup S a[9]; }",
        "struct S { float a[1024]; }; kernel void f() { threadgroup S a[8]; }",
    ),
    "memory of an aligned struct": (
        "threadgroup memory",
        "struct S { char a, b; half4 c; }; kernel void f() { threadgroup S a[2049]; }",
        "struct S { char a, b; half4 c; }; kernel void f() { threadgroup S a[2048]; }",
    ),
    "cast of a sum": (
        "address space",
        "void f(device float* x, uint t) { threadgroup half* h = (threadgroup half*)(t + x); }",
        "void f(device float* x, uint t) { threadgroup half* h = (threadgroup half*)(t + x[0]); }",
    ),
    "cast of a sum in words": (
        "address space",
        "void f(device float* x) { auto h = reinterpret_cast<threadgroup half*>(x + 4); }",
        "void f(device float* x) { auto h = reinterpret_cast<device half*>(x + 4); }",
    ),
    "cast of an element": (
        "address space",
        "void f(device ulong* x) { auto h = (constant half*)&x[4]; }",
        "void f(device ulong* x, constant ulong& y) { auto h = (constant half*)x[4]; h = (device half*)y; }",
    ),
    "cast of a pointer's place": (
        "address space",
        "void f(device half* x) { auto y = (thread int*)&x[0]; }",
        "void f(device half* x) { auto y = (thread int*)&x; }",
    ),
    "cast of one of two": (
        "address space",
        "void f() { { device int* y = z; } { device int* x = z; auto w = (threadgroup int*)x; } }",
        "void f() { { device int* y = z; } { threadgroup int* y = z; auto w = (threadgroup int*)y; } }",
    ),
    "parameter with an attribute": (
        "address space",
        "kernel void k(float* x [[buffer(0)]]) { }",
        "kernel void k(device float* x [[buffer(0)]], int n [[thread_index_in_threadgroup]]) { }",
    ),
    "parameter with a product": (
        "address space",
        "void f(thread int* x, int* n) { }",
        "void f(thread int* x, int n = A * 2, DEVICE int* y = 0) { }",
    ),
    "a kernel with a result": (
        "signature",
        "kernel int k() { return 1; }",
        "template <int N> [[kernel, max_total_threads_per_threadgroup(int(N))]] void k(int n) { }",
    ),
    "any number of arguments": (
        "signature",
        "void f(int n, ...) { }",
        "template <class... Args> void f(int n, Args... args) { } int g(int (*f)(int)) { return f(1); }",
    ),
    "one name for two kernels": (
        "repeated name",
        '[[host_name("a")]] kernel void f() { } [[host_name("a")]] kernel void g() { }',
        '[[host_name("a")]] kernel void f() { } [[host_name("b")]] kernel void g() { }',
    ),
    "one name for two instances": (
        "repeated name",
        "template <int N> kernel void f() { }\n"
        'template [[host_name("a")]] kernel void f<1>(); template [[host_name("a")]] kernel void f<2>();',
        "template <int N> kernel void f() { }\n"
        'template [[host_name("a")]] kernel void f<1>(); template [[host_name("b")]] kernel void f<2>();',
    ),
    "one name from a macro": (
        "repeated name",
        "#define MAKE(n) template [[host_name(\"a\" #n)]] kernel decltype(f<n>) f<n>;\n"
        "template <int N> kernel void f() { }\nMAKE(1) MAKE(1)",
        "#define MAKE(n) template [[host_name(\"a\" #n)]] kernel decltype(f<n>) f<n>;\n"
        "template <int N> kernel void f() { }\nMAKE(1) MAKE(2)",
    ),
    "one index for two constants": (
        "repeated name",
        "constant int a [[function_constant(0)]]; constant int b [[function_constant(0)]];",
        "constant int a [[function_constant(0)]]; constant int b [[function_constant(1)]];\n"
        "kernel void k(device int* x [[buffer(0), function_constant(a)]]) { }",
    ),
    "memory outside of kernels": (
        "threadgroup memory",
        "void f() { threadgroup float a[4]; }",
        "void f() { threadgroup float* a = x; } ENTRY void g() { threadgroup int b; }\n"
        "template <int N> void h() { threadgroup int b; } template [[kernel]] void h<1>();",
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
    monkeypatch.setattr(emit, "check_files", lambda *given: None)  # which would see another type first
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
