"""The steps that ninja runs for shaders."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from backends.metal.toolchain import LIBRARY, MANIFEST, SOURCES
from backends.metal.toolchain.prepare import MetalBuild
from backends.ninja import Edge, Rule


@dataclass(frozen=True, slots=True)
class MetalPlace:
    """Where shaders' steps find and leave things, and what the manifest says of the extension.

    `build` is a folder for what is made on the way, `staged` the package, `headers` the folders of includes.
    """

    build: str
    staged: str
    headers: tuple[str, ...]
    mlx: str
    nanobind: str

    @property
    def tools(self) -> str:
        """The file that holds `MetalTools`; a new compiler changes it."""
        return f"{self.build}/tools.json"


def metal_rules() -> tuple[Rule, ...]:
    """`air` compiles a shader, `stage-metal` makes what stands beside the extension."""
    python = f"PYTHONPATH=. {shlex.quote(sys.executable)} -m backends.metal.toolchain".replace("$", "$$")
    air = Rule("air", f"{python}.compile $tools $in $out $flags", "compile $out", "$out.d", restat=True)
    return (air, Rule("stage-metal", f"{python}.stage $flags", "stage $out", restat=True))


def metal_edges(sources: Sequence[str], build: MetalBuild, place: MetalPlace) -> tuple[Edge, ...]:
    """Every shader compiled and linked into the library, or every shader staged as source."""
    if not sources:
        return ()
    if build.tools is None:
        return (_source_edge(sources, build, place),)
    airs = tuple(f"{place.build}/{PurePosixPath(source).stem}.air" for source in sources)
    compiled = (_air_edge(*pair, build, place) for pair in zip(sources, airs, strict=True))
    return (*compiled, _library_edge(airs, build, place))


def _air_edge(source: str, air: str, build: MetalBuild, place: MetalPlace) -> Edge:
    flags = shlex.join((*place.headers, "--", *build.flags.compiling))
    variables = (("tools", shlex.quote(place.tools)), ("flags", flags))
    return Edge("air", (air,), (source,), (place.tools,), variables)


def _library_edge(airs: tuple[str, ...], build: MetalBuild, place: MetalPlace) -> Edge:
    options = ("--tools", place.tools, "--linker", build.flags.linker, *_about(build, place))
    words = ("library", place.staged, *airs, *options, "--", *build.flags.linking)
    outputs = (f"{place.staged}/{LIBRARY}", f"{place.staged}/{MANIFEST}")
    return Edge("stage-metal", outputs, airs, (place.tools,), (("flags", shlex.join(words)),))


def _source_edge(sources: Sequence[str], build: MetalBuild, place: MetalPlace) -> Edge:
    folders = (word for folder in place.headers for word in ("-I", folder))
    words = ("source", place.staged, *sources, *folders, *_about(build, place))
    staged = (f"{place.staged}/{SOURCES}/{PurePosixPath(source).name}" for source in sources)
    outputs = (*staged, f"{place.staged}/{MANIFEST}")
    return Edge("stage-metal", outputs, tuple(sources), (), (("flags", shlex.join(words)),))


def _about(build: MetalBuild, place: MetalPlace) -> tuple[str, ...]:
    """What the manifest says of the build."""
    return (
        "--language", build.target.language, "--deployment-target", build.target.system,
        "--mlx", place.mlx, "--nanobind", place.nanobind,
    )  # fmt: skip
