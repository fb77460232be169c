"""`pip wheel .` runs the ninja build and packs the staged package, with what the metadata promises."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kernel_ir.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("backends", "codegen", "kernel_ir", "pyproject.toml", "setup.py", "LICENSE", "README.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this project with the small tree of test_build as what was generated."""
    folder = tmp_path_factory.mktemp("wheel")
    project = folder / "project"
    project.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    shutil.copytree(ROOT / "tests/build_tree", project / "generated")
    offline = ("--no-build-isolation", "--no-deps", "--no-index")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", *offline]
    environment = {**os.environ, "CUDACXX": "no-such-nvcc"}
    subprocess.run([*command, f"--wheel-dir={folder}", str(project)], env=environment, check=True)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_is_for_this_platform(wheel: Path) -> None:
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert wheel.name.startswith(f"sgl_kernel_ir-{VERSION}-{tag}-{tag}-")


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    package = {name.split("/")[1].split(".")[0] for name in names if name.startswith("sgl_kernel/")}
    assert package == {"__init__", "_build_info", "_cpu", "_cuda", "_metal", "py"}
    assert {name.split("/")[0] for name in names} == {"sgl_kernel", f"sgl_kernel_ir-{VERSION}.dist-info"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_package_runs(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from sgl_kernel import _cpu, _cuda; print(_cpu.twice(4), _cuda.is_stub)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    isolated = ("-P",) if sys.version_info >= (3, 11) else ()
    command = [sys.executable, *isolated, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "8 1\n"
