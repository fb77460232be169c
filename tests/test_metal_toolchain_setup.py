"""Somebody else's project builds a generated package through setuptools, beside an extension of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_mac import FakeMac, search_path

from backends.metal.toolchain import LIBRARY, MANIFEST, SOURCES

ROOT = Path(__file__).resolve().parent.parent
SETUP = """\
import sys
sys.path.insert(0, {root!r})
from setuptools import Extension, setup
from backends.build_ext import BuildMetalExtension, GeneratedPackage
from backends.machine import Machine

class OnMac(BuildMetalExtension):
    machine = Machine("darwin", "aarch64")

setup(
    name="theirs",
    packages=[],
    ext_modules=[GeneratedPackage("our_kernels", {tree!r}), Extension("plain", ["plain.c"])],
    cmdclass={{"build_ext": OnMac}},
)
"""
PLAIN = """\
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "plain", 0, -1, 0};
PyMODINIT_FUNC PyInit_plain(void) { return PyModule_Create(&module); }
"""


class Project:
    """Somebody's project in `folder`, whose setup.py runs among fake tools."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        (self.folder / "plain.c").write_text(PLAIN)
        tree = str(ROOT / "tests/build_tree")
        (self.folder / "setup.py").write_text(SETUP.format(root=str(ROOT), tree=tree))
        self.mac = FakeMac(folder / "tools" / "bin")
        self.caches = folder / "caches"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": search_path(self.mac),
            "XDG_CACHE_HOME": str(self.caches),
            "CUDACXX": "no-such-nvcc",
            "SGL_COMPILER_LAUNCHER": "env",
        }
        command = [sys.executable, "setup.py", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def build(self, *arguments: str) -> Path:
        """The folder with what was built."""
        target = self.folder / "out"
        done = self.run(
            "build_ext", f"--build-lib={target}", f"--build-temp={self.folder / 'temp'}", *arguments
        )
        assert done.returncode == 0, done.stderr
        return target


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def names(folder: Path) -> set[str]:
    return {path.name.split(".cpython")[0] for path in folder.iterdir()}


def test_a_package_is_built_whole_beside_a_plain_extension(project: Project) -> None:
    target = project.build()
    assert names(target) == {"our_kernels", "plain"}
    wanted = {"__init__.py", "py.typed", "_build_info.py", "_cpu", "_cuda", "_metal", LIBRARY, MANIFEST}
    assert names(target / "our_kernels") == wanted


def test_in_place_the_package_stands_in_the_project(project: Project) -> None:
    project.build("--inplace")
    assert {"_metal", LIBRARY, MANIFEST} <= names(project.folder / "our_kernels")
    assert "plain" in names(project.folder)


@pytest.mark.parametrize(
    ("option", "recorded", "staged"),
    [("--debug", True, LIBRARY), ("--metal=debug", True, LIBRARY), ("--metal=source", False, SOURCES)],
)
def test_the_flavour_is_an_option(project: Project, option: str, recorded: bool, staged: str) -> None:
    target = project.build(option)
    assert any("-frecord-sources" in call for call in project.mac.calls("metal")) == recorded
    assert staged in names(target / "our_kernels")


def test_the_flavour_may_stand_in_setup_cfg(project: Project) -> None:
    (project.folder / "setup.cfg").write_text("[build_ext]\nmetal = source\n")
    assert SOURCES in names(project.build() / "our_kernels")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--metal=library", "found no xcrun; to mend it: xcode-select --install"),
        ("--metal=fast", "--metal=fast is none of auto, library, debug, source"),
    ],
)
def test_a_failure_is_one_line(project: Project, option: str, message: str) -> None:
    project.mac.without("xcrun")
    done = project.run("build_ext", option)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert done.stderr.strip().endswith(message)


@pytest.mark.parametrize("arguments", [("--help",), ("--name",), ("build_ext", "--help")])
def test_nothing_happens_before_a_build(project: Project, arguments: tuple[str, ...]) -> None:
    before = sorted(project.folder.iterdir())
    assert project.run(*arguments).returncode == 0
    assert sorted(project.folder.iterdir()) == before
    assert not project.mac.log.exists()
    assert not project.caches.exists()
