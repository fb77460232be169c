"""The wheel: the same ninja build as `build.py build`, with the staged package as its content."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from backends.build_generated import BuildOptions, build  # noqa: E402  the path must be set first
from codegen.settings import read_settings  # noqa: E402


class BuildStaged(build_ext):
    """Build every extension at once, and hand the whole package to the wheel."""

    def run(self) -> None:
        settings = read_settings()
        options = BuildOptions(build=Path(self.build_temp).resolve(), jobs=self.parallel or 0)
        staged = build(options, settings) / settings.package
        target = Path(self.build_lib, settings.package)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(staged, target)

    def get_outputs(self) -> list[str]:
        return [str(path) for path in Path(self.build_lib).rglob("*") if path.is_file()]


# Naming one extension makes the wheel a platform wheel; ninja knows what it is built from.
setup(
    ext_modules=[Extension(f"{read_settings().package}._cpu", sources=[])],
    cmdclass={"build_ext": BuildStaged},
)
