"""`build_ext` for setuptools: generated trees are built by ninja, other extensions as ever.

A project that has this checkout on its path needs no more than this in its setup.py:

    setup(
        ext_modules=[GeneratedPackage("our_kernels", "path/to/generated")],
        cmdclass={"build_ext": BuildMetalExtension},
    )

Nothing is looked for and nothing is made until the command runs.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from setuptools import Extension
from setuptools.command.build_ext import build_ext
from setuptools.errors import ExecError, OptionError

from backends.build_generated import BuildOptions, build
from backends.machine import Machine, this_machine
from backends.metal.toolchain.prepare import MODES
from codegen.failures import Failure
from codegen.settings import read_settings

_UNFINISHED = shutil.ignore_patterns(".*", "__pycache__")


class GeneratedPackage(Extension):
    """A whole package as `build.py generate` writes it: the import name, and the folder with its build.json.

    To setuptools it is one extension, which makes a wheel a platform wheel; ninja knows the others.
    """

    def __init__(self, package: str, tree: str | Path) -> None:
        super().__init__(f"{package}._cpu", sources=[])
        self.package = package
        self.tree = str(tree)


class BuildMetalExtension(build_ext):
    """Builds packages whole, with their shaders where the machine is a Mac."""

    user_options: ClassVar = [
        *build_ext.user_options,
        ("metal=", None, f"how a Mac gets its shaders ({', '.join(MODES)}); --debug means debug"),
    ]
    machine: Machine | None = None

    def initialize_options(self) -> None:
        super().initialize_options()
        self.metal: str | None = None

    def finalize_options(self) -> None:
        super().finalize_options()
        self.metal = self.metal or ("debug" if self.debug and self._machine().has_metal else "auto")
        if self.metal not in MODES:
            raise OptionError(f"--metal={self.metal} is none of {', '.join(MODES)}")

    def build_extension(self, ext: Extension) -> None:
        if not isinstance(ext, GeneratedPackage):
            super().build_extension(ext)
            return
        try:
            staged = self._build(ext)
        except Failure as error:
            raise ExecError(str(error)) from error
        _replace_tree(staged, Path(self.build_lib, ext.package))

    def copy_extensions_to_source(self) -> None:
        """For `--inplace`: packages go where setuptools looks for their Python files."""
        everything: list[Extension] = self.extensions
        packages = self._packages()
        self.extensions: list[Extension] = [item for item in everything if item not in packages]
        super().copy_extensions_to_source()
        self.extensions = everything
        source = self.get_finalized_command("build_py")
        for item in packages:
            target = Path(source.get_package_dir(item.package))
            shutil.copytree(Path(self.build_lib, item.package), target, dirs_exist_ok=True)

    def get_outputs(self) -> list[str]:
        made = {
            str(path) for item in self._packages() for path in Path(self.build_lib, item.package).rglob("*")
        }
        return sorted({*super().get_outputs(), *(path for path in made if Path(path).is_file())})

    def _build(self, package: GeneratedPackage) -> Path:
        """The staged package. Raises Failure."""
        options = BuildOptions(
            generated=Path(package.tree),
            build=Path(self.build_temp).resolve() / package.package,
            jobs=int(self.parallel or 0),
            verbose=bool(self.verbose > 1),
            metal=self.metal or "auto",
            machine=self._machine(),
        )
        return build(options, replace(read_settings(), package=package.package)) / package.package

    def _packages(self) -> list[GeneratedPackage]:
        return [item for item in self.extensions or () if isinstance(item, GeneratedPackage)]

    def _machine(self) -> Machine:
        return self.machine or this_machine()


def _replace_tree(source: Path, target: Path) -> None:
    """Make `target` hold what `source` does; what builds that died left in it stays behind."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=_UNFINISHED)
