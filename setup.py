"""The wheel: the same ninja build as `build.py build`, with the staged package as its content."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from backends.build_ext import BuildMetalExtension, GeneratedPackage  # noqa: E402  the path must be set first
from codegen.settings import SettingError, read_settings  # noqa: E402

try:
    package = read_settings().package
except SettingError as error:
    sys.exit(f"error: {error}")

setup(
    ext_modules=[GeneratedPackage(package, ROOT / "generated")],
    cmdclass={"build_ext": BuildMetalExtension},
)
