"""The emulator's command and its fixture: what they print, and how they fail."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import needs_emulator  # noqa: F401
import numpy as np
import pytest
from emulated_shaders import LIBRARY_STYLE

from backends.metal import ziglang
from backends.metal.emulator import EmulatorUnavailable, Launch, LaunchError, ShaderError, load
from backends.metal.emulator import __main__ as front_door
from backends.metal.emulator.__main__ import main as command
from backends.metal.emulator.check import Checker
from backends.metal.emulator.compile import SHIM, require
from backends.metal.emulator.pytest_plugin import MetalEmulator, metal_emulator
from backends.metal.emulator.rewrite import rewrite

__all__ = ["metal_emulator"]  # the fixture

ROOT = Path(__file__).resolve().parent.parent
SCALE = """#include <metal_stdlib>
kernel void scale(device const float* x [[buffer(0)]], device float* y [[buffer(1)]],
                  uint i [[thread_position_in_grid]]) {
  y[i] = 2 * x[i];
}
"""
CONSTANTS = """#include <metal_stdlib>
constant int factor [[function_constant(0)]];
constant bool is_on [[function_constant(1)]];
constant float bias [[function_constant(2)]];
"""
WHOLE = ("--arg", "0=float:32", "--arg", "1=float:32:blank")
X = np.arange(100, dtype=np.float32)


def launch(threads: int = 100) -> Launch:
    return Launch("scale", {0: X, 1: np.zeros_like(X)}, threads=threads, threadgroup=64, blank={1})


def test_fixture_gives_the_buffers(metal_emulator: MetalEmulator) -> None:
    np.testing.assert_array_equal(metal_emulator.run(SCALE, launch())[1], 2 * X)


def test_fixture_fails_the_test_with_the_finding(metal_emulator: MetalEmulator) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"out of bounds.*shader\.metal:4"):
        metal_emulator.run(SCALE, launch(threads=101))


def emulate(folder: Path, *arguments: str, shader: str = SCALE) -> subprocess.CompletedProcess[str]:
    (folder / "scale.metal").write_text(shader, encoding="ascii")
    command = [sys.executable, str(ROOT / "build.py"), "emulate", "scale.metal", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


BUFFERS = ("--arg", "0=float:100:range", "--arg", "1=float:100:blank", "--threadgroup", "64")


def test_command_runs_a_shader_by_its_path(tmp_path: Path) -> None:
    done = emulate(tmp_path, "scale", *BUFFERS, "--threads", "100", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert "random (seed 7), sums in order: clean" in done.stdout
    assert "buffer 1: [ 0.  2.  4." in done.stdout


def test_command_counts_bytes(tmp_path: Path) -> None:
    done = emulate(tmp_path, "scale", *BUFFERS, "--threads", "100", "--stats")
    assert "device_bytes_read: 400\n" in done.stdout
    assert "buffer 0: 400 bytes read, 400 different (400 by threadgroup); 0 written" in done.stdout


def test_command_exits_1_with_the_line_of_a_finding(tmp_path: Path) -> None:
    done = emulate(tmp_path, "scale", *BUFFERS, "--grid", "2")
    assert done.returncode == 1
    assert "out of bounds" in done.stdout and "scale.metal:4" in done.stdout


# Each gives one message: what must stand in it, by the arguments behind the shader's name.
REFUSED = {
    "no kernel is called 'scales'; the shader has scale": ("scales",),
    "kernel scale has no buffer 7; it has 0, 1": ("scale", "--arg", "7=int:1"),
    "without a buffer for x [[buffer(0)]], y [[buffer(1)]]": ("scale",),
    "without a buffer for y [[buffer(1)]]": ("scale", "--arg", "0=float:4"),
    "--arg 0=... is given twice": ("scale", "--arg", "0=float:4", "--arg", "0=float:4"),
    "'doubles' is no type; expected one of float": ("scale", "--arg", "0=doubles:1"),
    "expected N=...": ("scale", "--arg", "float:1"),
    "expected TYPE:COUNT[:FILL]": ("scale", "--arg", "0=float"),
    "'float:1:2:3': expected TYPE:COUNT[:FILL]": ("scale", "--arg", "0=float:1:2:3"),
    "'float:-4': expected TYPE:COUNT[:FILL]": ("scale", "--arg", "0=float:-4"),
    "expected at most 268435456 elements": ("scale", "--arg", "0=float:1000000000000"),
    "'some': expected FILL to be a number": ("scale", "--arg", "0=float:1:some"),
    "'-1': expected values that uint holds": ("scale", "--arg", "0=uint:1:-1"),
    "'2.5': expected values that int holds": ("scale", "--arg", "0=int:1:2.5"),
    "'nan': expected values that char holds": ("scale", "--arg", "0=char:1:nan"),
    "'1e6': expected values that half holds": ("scale", "--arg", "0=half:1:1e6"),
    "'range': expected values that uchar holds": ("scale", "--arg", "0=uchar:257:range"),
    "'yes': expected a number, true or false": ("scale", "--constant", "0=yes"),
    "function constant 0 (factor) cannot be nan: it is an integer of 32 bits": (
        "scale",
        "--constant",
        "0=nan",
    ),
    "(factor) cannot be inf: it is an integer": ("scale", "--constant", "0=inf"),
    "(factor) cannot be 0.5: it is an integer": ("scale", "--constant", "0=0.5"),
    "(factor) cannot be 2147483648: it is an integer": ("scale", "--constant", "0=2147483648"),
    "(is_on) cannot be 2: it is true or false": ("scale", "--constant", "1=2"),
    "no function constant 9; it has 0 (factor), 1 (is_on), 2 (bias)": ("scale", "--constant", "9=1"),
    "expected a number of bytes": ("scale", "--memory", "0=-1"),
    "no threadgroup argument 0; it has none": ("scale", "--memory", "0=64"),
    "expected one to three numbers": ("scale", "--grid", "two"),
    "'1,2,3,4': expected one to three numbers": ("scale", "--grid", "1,2,3,4"),
    "--grid and --threads both": ("scale", "--grid", "1", "--threads", "4"),
    "a threadgroup of (2048, 1, 1) threads": ("scale", *WHOLE, "--threadgroup", "2048"),
    "'-1': expected a number, 0 or more": ("scale", "--seed=-1"),
    "expected a number below 2^64": ("scale", "--seed=18446744073709551616"),
    "'0': expected a number from 1 to 2^64 - 1": ("scale", "--most-accesses", "0"),
    "'-3': expected a number, 0 or more": ("scale", "--show=-3"),
    "missing.npy: No such file": ("scale", "--arg", "0=missing.npy"),
    "folder.npy: Is a directory": ("scale", "--arg", "0=folder.npy"),
    "strings.npy: buffer 0 holds <U1, which Metal does not have": ("scale", "--arg", "0=strings.npy"),
    "objects.npy: expected an array that numpy.save wrote": ("scale", "--arg", "0=objects.npy"),
    "cut.npy: expected an array that numpy.save wrote": ("scale", "--arg", "0=cut.npy"),
    "text.npy: expected an array that numpy.save wrote": ("scale", "--arg", "0=text.npy"),
    "empty.npy: expected an array that numpy.save wrote": ("scale", "--arg", "0=empty.npy"),
    "doubles.npy: buffer 0 holds float64": ("scale", "--arg", "0=doubles.npy"),
    "--include expects a folder": ("scale", "--include", "elsewhere"),
}


def arrays(folder: Path) -> None:
    """Files that are no arrays, or none that Metal has."""
    np.save(folder / "strings.npy", np.array(["a"]))
    np.save(folder / "objects.npy", np.array([None]), allow_pickle=True)
    np.save(folder / "doubles.npy", np.zeros(4))
    np.save(folder / "cut.npy", np.zeros(400, np.float32))
    cut = (folder / "cut.npy").read_bytes()
    (folder / "cut.npy").write_bytes(cut[:200])
    (folder / "text.npy").write_text("1 2 3")
    (folder / "empty.npy").write_bytes(b"")
    (folder / "folder.npy").mkdir()


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit status of the command and what it says on its error stream."""
    try:
        status = command([*arguments])
    except SystemExit as stopped:  # as argparse refuses
        status = int(str(stopped.code))
    return status, capsys.readouterr().err


@pytest.mark.parametrize("message", REFUSED)
def test_command_refuses_with_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arrays(tmp_path)
    Path("scale.metal").write_text(CONSTANTS + SCALE, encoding="ascii")
    status, text = said(capsys, "scale.metal", *REFUSED[message])
    assert status == 2
    assert message in text and text.count("error: ") == 1


BUFFER_IN = "[[buffer(0)]]"
BROKEN = {
    "scale.metal:2: error: '(' is not closed before '}'": SCALE.replace(") {", "", 1),
    "scale.metal:4: error: '[' is never closed": SCALE.replace("= 2", "[ = 2").split("}")[0],
    "scale.metal:5: error: '}' closes nothing": SCALE.replace("{", ";"),
    "scale.metal:2: error: expected in [[buffer(...)]] a number, or a constant integer's name, not `B`":
        SCALE.replace(BUFFER_IN, "[[buffer(B)]]"),
    "scale.metal:2: error: [[buffer(31)]]: indices are 0 to 30": SCALE.replace(BUFFER_IN, "[[buffer(31)]]"),
    "scale.metal:2: error: kernel scale: x and y are both [[buffer(1)]]":
        SCALE.replace(BUFFER_IN, "[[buffer(1)]]"),
    "scale.metal:2: error: kernel scale: on in the attribute of x is no function constant":
        SCALE.replace(BUFFER_IN, "[[buffer(0), function_constant(on)]]"),
    "scale.metal:6: error: the instantiation of \"a\" has no ';'":
        SCALE + 'template [[host_name("a")]] [[kernel]] void scale',
    "scale.metal:6: error: the instantiation of \"a\" names no `kernel<arguments>`":
        SCALE + 'template [[host_name("a")]] [[kernel]] void scale;',
    "scale.metal:6: error: \"a\" instantiates other, which is no kernel":
        SCALE + 'template [[host_name("a")]] [[kernel]] decltype(other<int>) other<int>;',
    "scale.metal:1: error: nothing of Metal's is included; add #include <metal_stdlib>":
        SCALE.split("\n", 1)[1],
    "scale.metal:1: fatal error: 'nowhere.h' file not found":
        SCALE.replace("<metal_stdlib>", '"nowhere.h"'),
    "scale.metal has no kernel": SCALE.split("\n")[0],
    "scale.metal:6: error: a variable has a type and a name": SCALE + "threadgroup float;",
    "scale.metal:6: error: a function constant has a type and a name":
        SCALE + "constant [[function_constant(0)]];",
    "scale.metal:1: error: nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("message", BROKEN)
def test_broken_shader_is_refused_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scale.metal").write_text(BROKEN[message], encoding="ascii")
    status, text = said(capsys, "scale.metal", "scale")
    assert status == 2
    assert message in text


FILES = {
    "elsewhere.metal: No such file or directory": lambda folder: folder / "elsewhere.metal",
    "Is a directory": lambda folder: folder,
    "binary.metal: byte 1 is no UTF-8 text": lambda folder: folder / "binary.metal",
}


@pytest.mark.parametrize("message", FILES)
def test_file_that_is_no_shader_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    (tmp_path / "binary.metal").write_bytes(b"\x00\xff\xfe")
    status, text = said(capsys, str(FILES[message](tmp_path)), "scale")
    assert status == 2
    assert message in text and text.count("\n") == 1


ODD = {
    "a quote in its name": ('sc"a\\le.metal', SCALE),
    "a name like the compiler's own": ("<built-in>.metal", SCALE),
    "a name in another script": ("größe — 2.metal", SCALE),
    "a byte-order mark": ("scale.metal", "\ufeff" + SCALE),
    "lines as on Windows": ("scale.metal", SCALE.replace("\n", "\r\n")),
    "indices with names": (
        "scale.metal",
        "#define FIRST 0\nconstant constexpr int kY = 1;\n"
        + SCALE.replace("[[buffer(0)]]", "[[buffer(FIRST)]]").replace("[[buffer(1)]]", "[[buffer(kY)]]"),
    ),
    "indices that are enumerated": (
        "scale.metal",
        "enum Places { kX, kNone = 4, kY = kNone - 3 };\n"
        + SCALE.replace("[[buffer(0)]]", "[[buffer(kX)]]").replace("[[buffer(1)]]", "[[buffer(kY)]]"),
    ),
    "a header beside it": ("scale.metal", SCALE.replace("<metal_stdlib>", '"beside.h"')),
    "a header of shaders that ship": ("scale.metal", SCALE.replace("<metal_stdlib>", '"sgl_metal.h"')),
}


@pytest.mark.parametrize("case", ODD)
def test_shader_runs_with(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, text = ODD[case]
    (tmp_path / "beside.h").write_text("#include <metal_stdlib>\n")
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    status = command([str(tmp_path / name), "scale", *WHOLE, "--threadgroup", "4"])
    assert status == 0, capsys.readouterr().err


CHOSEN = """#include <metal_stdlib>
constant int kind [[function_constant(3)]];
constant bool has_factors = kind == 1;
constant bool has_factor = kind == 2;
kernel void scale(device const float* factors [[buffer(0), function_constant(has_factors)]],
                  constant float& factor [[buffer(0), function_constant(has_factor)]],
                  device float* y [[buffer(1)]], uint i [[thread_position_in_grid]]) {
  y[i] = has_factors ? factors[i] : has_factor ? factor : 7;
}
"""


@pytest.mark.parametrize(("kind", "want"), [(0, 7), (1, 3), (2, 3)])
def test_a_function_constant_leaves_a_parameter_out(kind: int, want: int) -> None:
    buffers = {1: np.zeros(4, np.float32)}
    if kind:
        with pytest.raises(LaunchError, match=r"without a buffer for factors? \[\[buffer\(0\)\]\]$"):
            load(CHOSEN).run(Launch("scale", buffers, threadgroup=4, constants={3: kind}))
        buffers[0] = np.full(4, 3, np.float32)
    outcome = load(CHOSEN).run(Launch("scale", buffers, threadgroup=4, constants={3: kind}))
    assert not outcome.findings
    assert (outcome.buffers[1] == want).all()


def broken_texts() -> Iterator[str]:
    """A shader cut short and with tokens missing, doubled and exchanged: the same ones each time."""
    shader = re.sub(r"#define instantiate.*\n.*\n", "", LIBRARY_STYLE)  # no preprocessor runs here
    whole = re.findall(r"\w+|\s+|.", shader)
    random = Random(3)
    for _ in range(60):
        tokens = list(whole)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(tokens))
            tokens[at : at + 1] = random.choice(([], [tokens[at]] * 2, [random.choice(whole)]))
        yield "".join(tokens)
    yield from (shader[:size] for size in range(0, len(shader), 50))


def test_broken_text_is_rewritten_or_refused() -> None:
    """Whatever stands in a shader, the rewriter ends, and all that it raises is a message."""
    rewritten = refused = 0
    for text in broken_texts():
        for step in (rewrite, lambda text, library: Checker(text, library).run()):
            try:
                step(f'# 1 "broken.metal"\n{text}', SHIM)
                rewritten += 1
            except ShaderError as error:
                refused += 1
                assert re.match(r"broken\.metal:\d+: error: ", str(error))
    assert min(rewritten, refused) > 20  # both happen


def test_another_ziglang_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, said_of_it in (("", "has none"), ("0.1.0", "has 0.1.0")):
        monkeypatch.setattr(ziglang, "installed_version", lambda there=there: there)
        with pytest.raises(EmulatorUnavailable, match=said_of_it) as refused:
            require()
        assert str(refused.value).endswith(f"python -m pip install ziglang=={ziglang.locked_version()}")


def test_command_shows_the_line_of_a_shader_that_does_not_compile(tmp_path: Path) -> None:
    done = emulate(tmp_path, "scale", shader=SCALE.replace("2 * x", "2 * xx"))
    assert done.returncode == 2
    assert "scale.metal:4" in done.stderr and "xx" in done.stderr


@pytest.mark.parametrize(("grid", "is_quick"), [("4", True), ("100000", False)])
def test_small_launches_run_soon_and_large_ones_fast(
    grid: str, is_quick: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def refuse(*_: object, is_quick: bool) -> None:
        seen.append(is_quick)
        raise ShaderError("seen")

    monkeypatch.setattr(front_door, "load", refuse)
    path = tmp_path / "scale.metal"
    path.write_text(SCALE)
    assert command([str(path), "scale", "--grid", grid, "--threadgroup", "256"]) == front_door.EXIT_WRONG
    assert seen == [is_quick]
