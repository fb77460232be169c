"""Missing and lying tools: each is found out, and named with the command that mends it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backends import cxx, doctor, libraries, tools
from backends.cuda.toolchain import find_cuda_compiler
from backends.cxx import find_compiler
from backends.doctor import Finding, can_build, examine, render
from backends.machine import Machine, this_machine
from backends.metal import ziglang
from backends.tools import ProbeCache, ToolError
from codegen.settings import SettingError, Settings, read_settings

Fake = Callable[[str, str], Path]


@pytest.fixture
def cache(tmp_path: Path) -> ProbeCache:
    return ProbeCache(tmp_path / "probes.json")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a shell script on PATH under a tool's name; nothing else is on PATH but the system."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(sys, "executable", str(folder / "python"))

    def make(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


def finding(name: str, settings: Settings | None = None) -> Finding:
    return next(item for item in examine(settings or Settings(), this_machine()) if item.tool == name)


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("exit 0", "cannot build a C++20 program"),
        ("echo 'old 4.8'; exit 0", "old 4.8; cannot build a C++20 program"),
        ('[ "$1" = --version ] && echo new 99 && exit 0; kill -9 $$', "new 99; cannot build"),
        ("echo no licence; exit 1", "--version failed: no licence; cannot build"),
    ],
)
def test_a_compiler_that_lies_is_found_out(fake: Fake, cache: ProbeCache, script: str, found: str) -> None:
    fake("strange++", script)
    with pytest.raises(ToolError, match=found.replace("+", r"\+")):
        find_compiler(("strange++",), cache, this_machine())


def test_a_missing_compiler_names_what_was_tried_and_the_mending_command(
    monkeypatch: pytest.MonkeyPatch, cache: ProbeCache
) -> None:
    monkeypatch.setattr(cxx, "CANDIDATES", ("no-c++", "no-g++"))
    with pytest.raises(ToolError) as error:
        find_compiler((), cache, this_machine())
    assert error.value.found == "no-c++ (not found), no-g++ (not found)"
    assert error.value.mend == this_machine().platform.install


def test_a_compiler_without_openmp_still_builds(fake: Fake, cache: ProbeCache) -> None:
    fake("plain++", 'for word in "$@"; do [ "$word" = -fopenmp ] && exit 1; done\nexec c++ "$@"')
    assert find_compiler(("plain++",), cache, this_machine()).openmp is False


def test_missing_python_headers_name_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cxx.sysconfig, "get_path", lambda name: str(tmp_path))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert finding("Python headers").mend == f"apt-get install python{version}-dev"


@pytest.mark.parametrize("script", ["exit 0", "echo nvcc of yore", "echo release 12.8; exit 3"])
def test_an_nvcc_that_does_not_answer_is_none(fake: Fake, cache: ProbeCache, script: str) -> None:
    fake("fake-nvcc", script)
    assert find_cuda_compiler(("fake-nvcc",), cache) is None


def test_an_nvcc_that_answers_is_asked_once(fake: Fake, cache: ProbeCache, tmp_path: Path) -> None:
    fake(
        "fake-nvcc", f"echo asked >> '{tmp_path}/log'\necho 'Cuda compilation tools, release 12.8, V12.8.93'"
    )
    versions = [compiler and compiler.version for compiler in [find_cuda_compiler(("fake-nvcc",), cache)] * 2]
    find_cuda_compiler(("fake-nvcc",), cache)
    assert versions == ["12.8", "12.8"]
    assert (tmp_path / "log").read_text() == "asked\n"


def test_an_mlx_of_another_abi_is_named_with_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "read_key", lambda module: {"key": "v17_system", "internals": "17"})
    row = finding("MLX/nanobind pair")
    assert not row.works
    assert "looked for a nanobind with internals version 17, as MLX" in row.found


def test_without_nanobind_nothing_can_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries.importlib.util, "find_spec", lambda name: None)
    findings = examine(Settings(), this_machine())
    assert not can_build(findings)
    table = render(findings)
    assert "nanobind           MISSING  no such package in this Python" in table
    assert "  nanobind: pip install nanobind" in table
    assert "MLX                absent   none" in table


def test_a_variable_that_names_no_nvcc_is_named() -> None:
    rows = {row.tool: row for row in examine(Settings(cuda_compiler=("no-such",)), this_machine())}
    assert rows["nvcc"].found == "none: CUDACXX=no-such does not answer as nvcc, and _cuda is not built"


@pytest.mark.parametrize("there", ["", "0.1.0", None])
def test_the_emulators_compiler_has_a_row(monkeypatch: pytest.MonkeyPatch, there: str | None) -> None:
    wanted = ziglang.locked_version()
    monkeypatch.setattr(ziglang, "installed_version", lambda: wanted if there is None else there)
    row = look_for_ziglang(Machine("linux", "x86_64"))
    assert row.works is (there is None)
    assert row.found == (wanted if row.works else f"{there or 'none'}: the Metal emulator needs {wanted}")
    assert row.mend == f"python -m pip install ziglang=={wanted}"
    assert not look_for_ziglang(Machine("darwin", "aarch64")).works


def look_for_ziglang(machine: Machine) -> Finding:
    return next(item for item in examine(Settings(), machine) if item.tool == "ziglang")


def test_only_what_is_required_decides() -> None:
    optional, required = Finding("nvcc", False, "none"), Finding("ninja", False, "none", required=True)
    assert can_build((optional,))
    assert not can_build((optional, required))


def test_the_launcher_is_the_one_that_is_set(fake: Fake) -> None:
    path = fake("sccache", "exit 0")
    assert finding("compiler launcher", Settings(launcher=("sccache",))).found == str(path)


def test_a_program_beside_this_python_comes_first(fake: Fake) -> None:
    path = fake("ninja", "echo 1.13")
    assert tools.find_program("ninja") == str(path)
    assert finding("ninja").found == f"{path} 1.13"


def test_settings_are_split_as_a_shell_would() -> None:
    environment = {"CXX": "ccache 'my c++' -m64", "SGL_COMPILER_LAUNCHER": "", "CUDACXX": "/opt/nvcc"}
    settings = read_settings(environment)
    assert settings == Settings(compiler=("ccache", "my c++", "-m64"), cuda_compiler=("/opt/nvcc",))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"CXX": "'c++"}, "CXX is not a command line"),
        ({"SGL_PACKAGE_NAME": "Sgl-Kernel"}, "SGL_PACKAGE_NAME"),
    ],
)
def test_a_wrong_setting_names_its_variable(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        read_settings(environment)


def test_every_tool_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [item.tool for item in examine(Settings(), this_machine())]
    assert rows == [
        "Python",
        "Python headers",
        "C++ compiler",
        "ninja",
        "compiler launcher",
        "nanobind",
        "MLX",
        "MLX/nanobind pair",
        "nvcc",
        "CUDA GPUs",
        "ziglang",
        "Metal compiler",
    ]
    assert doctor.render(examine(Settings(), this_machine())).count("\n") >= len(rows) - 1
