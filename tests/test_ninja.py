"""The ninja file says what the build is made of, whatever the paths hold."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from backends.ninja import Edge, NinjaFile, Rule, render
from backends.tools import find_program

COPY = Rule("copy", "cp $in $out", "copy $out", restat=True)
COMPILE = Rule("cxx", "c++ -MMD -MF $out.d $flags -c $in -o $out", "compile $out", depfile="$out.d")


def test_the_text_of_a_build() -> None:
    edge = Edge("cxx", ("build/a.o",), ("src/a.cpp",), ("stamp",), (("flags", "-O3 '-Wl,-rpath,$ORIGIN'"),))
    assert render(NinjaFile("build", (COMPILE, COPY), (edge, Edge("copy", ("b",), ("c",))))) == (
        "ninja_required_version = 1.5\n"
        "builddir = build\n"
        "\n"
        "rule cxx\n"
        "  command = c++ -MMD -MF $out.d $flags -c $in -o $out\n"
        "  description = compile $out\n"
        "  depfile = $out.d\n"
        "  deps = gcc\n"
        "\n"
        "rule copy\n"
        "  command = cp $in $out\n"
        "  description = copy $out\n"
        "  restat = 1\n"
        "\n"
        "build build/a.o: cxx src/a.cpp | stamp\n"
        "  flags = -O3 '-Wl,-rpath,$$ORIGIN'\n"
        "\n"
        "build b: copy c\n"
    )


@pytest.mark.parametrize(
    "name", ["plain", "a space", "a:colon", "do$$lar", "quo'te", "ünicode", "semi;colon"]
)
def test_ninja_makes_files_of_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("content")
    build = NinjaFile("logs", (COPY,), (Edge("copy", (f"{name}.copy",), (name,)),))
    (tmp_path / "build.ninja").write_text(render(build))
    subprocess.run([find_program("ninja") or "ninja", "--quiet"], cwd=tmp_path, check=True)
    assert (tmp_path / f"{name}.copy").read_text() == "content"


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ((Edge("copy", ("out",), ("a",)), Edge("copy", ("out",), ("b",))), r"files made twice: \['out'\]"),
        ((Edge("link", ("out",), ("a",)),), r"rules that are not there: \['link'\]"),
        ((Edge("copy", ("out\nbuild evil: copy x",), ("a",)),), "cannot name the path"),
        ((Edge("copy", ("out",), ("a",), (), (("flags", "-O3\nrule evil"),)),), "cannot hold the value"),
    ],
)
def test_a_build_that_ninja_would_misread_is_refused(edges: tuple[Edge, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render(NinjaFile("build", (COPY,), edges))
