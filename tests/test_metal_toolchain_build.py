"""A Mac build from beginning to end on tools that only pretend, but record what was asked of them."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest
from fake_mac import FakeMac, search_path

from backends import build_generated
from backends.build_generated import BuildError, BuildOptions
from backends.machine import Machine
from backends.metal.toolchain import LIBRARY, MANIFEST, SOURCES
from backends.metal.toolchain.compiler import DOWNLOAD
from backends.tools import ToolError, find_program, try_command
from codegen.settings import read_settings

TREE = Path(__file__).with_name("build_tree")
SHADERS = ("twice", "half")
SETTINGS = read_settings({"CUDACXX": "no-such-nvcc", "SGL_COMPILER_LAUNCHER": "env"})


@dataclass
class Workplace:
    """A tree of two shaders, the folder it is built in, and the fake tools."""

    generated: Path
    folder: Path
    mac: FakeMac

    @property
    def staged(self) -> Path:
        return self.folder / "python" / "sgl_kernel"

    def build(self, metal: str = "auto", jobs: int = 4, **changes: str) -> None:
        options = BuildOptions(self.generated, self.folder, jobs, metal=metal, machine=self.mac.machine)
        build_generated.build(options, replace(SETTINGS, **changes))

    def manifest(self) -> dict:
        return json.loads((self.staged / MANIFEST).read_text())


def copy_tree(target: Path) -> None:
    """The small tree with what a Mac's extension is made of, and two shaders that share a header."""
    shutil.copytree(TREE, target)
    rows = json.loads((target / "build.json").read_text())["units"]
    units = [row for row in rows if row["target"] in ("mlx", "host")]
    for name in SHADERS:
        (target / f"metal/{name}.metal").write_text(f'#include "sgl_metal.h"\n// {name}\n')
    units += [{"path": f"metal/{name}.metal", "target": "metal"} for name in SHADERS]
    (target / "build.json").write_text(json.dumps({"units": units}))


def make_place(folder: Path, patch: pytest.MonkeyPatch) -> Workplace:
    """A tree and fake tools in `folder`, with the tools on PATH and the cache beside them."""
    mac = FakeMac(folder / "tools" / "bin")
    patch.setenv("PATH", search_path(mac))
    patch.setenv("XDG_CACHE_HOME", str(folder / "caches"))
    patch.setenv("CPATH", "/somewhere/else")
    copy_tree(folder / "a tree")
    return Workplace(folder / "a tree", folder / "a build", mac)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    return make_place(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """What one build made, for tests that only look at it."""
    with pytest.MonkeyPatch.context() as patch:
        place = make_place(tmp_path_factory.mktemp("built"), patch)
        place.build()
    return place


# ---- a library -----------------------------------------------------------------------------------


def test_shaders_become_one_library_beside_the_extension(built: Workplace) -> None:
    place = built
    compiled = place.mac.calls("metal")
    flags = "-std=metal3.1 -mmacosx-version-min=14.0 -O3 -fno-fast-math"
    for name in ("trial", *SHADERS):
        (call,) = [call for call in compiled if f" -c {name}.metal -o {name}.air" in call]
        assert call.startswith(f"TOOLCHAINS= CPATH= {flags} ")
    assert len(compiled) == 1 + len(SHADERS)
    linked = place.mac.calls("metallib")[-1]
    assert linked.endswith(f"half.air twice.air -o {LIBRARY}")
    library = (place.staged / LIBRARY).read_bytes()
    assert library[:4] == b"MTLB"
    assert place.manifest() == {
        "edition": 1,
        "files": {LIBRARY: {"sha256": hashlib.sha256(library).hexdigest(), "bytes": len(library)}},
        "language": "metal3.1",
        "deployment_target": "14.0",
        "compiler": "Apple metal version 32023.883 (metalfe-32023.883)",
        "mlx": place.manifest()["mlx"],
        "nanobind": place.manifest()["nanobind"],
    }
    assert place.manifest()["mlx"] and place.manifest()["nanobind"]
    assert not (place.staged / SOURCES).exists()


def test_a_whole_shader_is_compiled_and_left_to_read(built: Workplace) -> None:
    text = (built.folder / "metal/twice.metal").read_text()
    assert "namespace sgl" in text and '#include "' not in text
    assert text.encode() in (built.folder / "metal/twice.air").read_bytes()


def test_the_extension_is_linked_for_macos(built: Workplace) -> None:
    (link,) = [call for call in built.mac.calls("c++") if "_metal" in call.split(" -o ")[-1]]
    assert "-bundle -undefined dynamic_lookup -mmacosx-version-min=14.0" in link
    assert "-Wl,-rpath,@loader_path/../mlx/lib" in link
    assert "-framework Metal -framework Foundation -framework QuartzCore" in link


def test_shaders_are_compiled_at_the_same_time(place: Workplace) -> None:
    place.mac.xcrun(metal='for last; do :; done; sleep 0.4; echo made > "$last"')
    place.build(jobs=4)
    assert place.mac.most_at_once("metal") >= 2


def test_nothing_is_done_twice(place: Workplace, capfd: pytest.CaptureFixture[str]) -> None:
    place.build()
    place.mac.forget()
    place.build()
    assert "no work to do" in capfd.readouterr().out
    assert place.mac.calls("metal") == place.mac.calls("metallib") == []


def test_another_checkout_takes_everything_from_the_cache(place: Workplace, tmp_path: Path) -> None:
    place.build()
    place.mac.forget()
    copy_tree(tmp_path / "another tree")
    other = Workplace(tmp_path / "another tree", tmp_path / "another build", place.mac)
    other.build()
    assert place.mac.calls("metal") == place.mac.calls("metallib") == []
    assert (other.staged / LIBRARY).read_bytes() == (place.staged / LIBRARY).read_bytes()


def test_a_flipped_bit_in_the_cache_is_found_and_made_anew(place: Workplace, tmp_path: Path) -> None:
    place.build()
    library = (place.staged / LIBRARY).read_bytes()
    entries = [path for path in (tmp_path / "caches").rglob("*") if path.is_file()]
    assert len(entries) == 2 + len(SHADERS) + 1  # the trial's two, each shader, the library
    for path in entries:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    shutil.rmtree(place.folder)
    place.mac.forget()
    place.build()
    assert len(place.mac.calls("metal")) == 1 + len(SHADERS)
    assert (place.staged / LIBRARY).read_bytes() == library


def one_more_line(place: Workplace) -> None:
    (place.generated / "metal/half.metal").open("a").write("// more\n")


def another_compiler(place: Workplace) -> None:
    (place.mac.installed / "metal").write_text("a newer program that prints the same version")


@pytest.mark.parametrize(
    ("change", "changes", "compiled"),
    [
        (one_more_line, {}, 1),
        (another_compiler, {}, len(SHADERS) + 1),
        (lambda place: None, {"metal_language": "metal3.2", "deployment_target": "15.0"}, len(SHADERS) + 1),
    ],
    ids=["source", "compiler", "flags"],
)
def test_what_decides_a_result_makes_it_anew(
    place: Workplace, change: Callable[[Workplace], None], changes: dict[str, str], compiled: int
) -> None:
    place.build()
    before = place.manifest()["files"][LIBRARY]
    place.mac.forget()
    change(place)
    place.build(**changes)
    assert len(place.mac.calls("metal")) == compiled
    differs = place.manifest()["files"][LIBRARY] != before
    assert differs == (change is not another_compiler)  # the fake compilers make the same of the same


def test_a_warning_is_said_again_from_the_cache(place: Workplace, capfd: pytest.CaptureFixture[str]) -> None:
    place.mac.xcrun(
        metal='for last; do :; done; echo "half.metal:2: warning: so so" >&2; echo made > "$last"'
    )
    place.build()
    assert "warning: so so" in capfd.readouterr().out
    shutil.rmtree(place.folder)
    place.mac.forget()
    place.build()
    assert place.mac.calls("metal") == []
    assert "warning: so so" in capfd.readouterr().out


def test_the_debug_flavour_records_the_source(place: Workplace) -> None:
    place.build("debug")
    compiled = [call for call in place.mac.calls("metal") if " -c " in call]
    assert all(" -fno-fast-math " in call for call in compiled)
    assert all(" -gline-tables-only -frecord-sources -c " in call for call in compiled)
    linked = place.mac.calls("metal")[-1]
    flags = "-mmacosx-version-min=14.0 -frecord-sources"
    assert linked.endswith(f" {flags} half.air twice.air -o {LIBRARY}")
    assert place.mac.calls("metallib") == []


# ---- source --------------------------------------------------------------------------------------


def test_without_a_metal_compiler_source_ships_and_is_plainly_told(
    place: Workplace, capfd: pytest.CaptureFixture[str]
) -> None:
    place.mac.without("xcrun")
    place.build()
    told = capfd.readouterr().out
    assert "shaders ship as source, which MLX compiles at first use: no xcrun;" in told
    assert "for a compiled library: xcode-select --install\n" in told
    manifest = place.manifest()
    assert sorted(manifest["files"]) == sorted(f"{SOURCES}/{name}.metal" for name in SHADERS)
    for name, row in manifest["files"].items():
        content = (place.staged / name).read_bytes()
        assert b"namespace sgl" in content and b'#include "' not in content
        assert row == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert manifest["compiler"] == ""
    assert not (place.staged / LIBRARY).exists()


def test_only_one_of_library_and_source_stands_there(place: Workplace) -> None:
    place.build()
    place.build("source")
    assert not (place.staged / LIBRARY).exists()
    assert (place.staged / SOURCES / "half.metal").exists()
    place.build("library")
    assert (place.staged / LIBRARY).exists()
    assert not (place.staged / SOURCES / "half.metal").exists()


@pytest.mark.parametrize("mode", ["library", "debug"])
def test_a_library_that_was_asked_for_is_made_or_the_build_fails(place: Workplace, mode: str) -> None:
    place.mac.without("xcrun")
    with pytest.raises(
        ToolError, match="Apple's Metal compiler; found no xcrun; to mend it: xcode-select --install"
    ):
        place.build(mode)
    elsewhere = replace(place.mac, machine=Machine("linux", "x86_64"))
    with pytest.raises(ToolError, match="not a macOS machine"):
        replace(place, mac=elsewhere).build(mode)


def test_other_systems_get_neither(place: Workplace, capfd: pytest.CaptureFixture[str]) -> None:
    for machine in (Machine("darwin", "x86_64"), Machine("linux", "aarch64")):
        elsewhere = replace(place.mac, machine=machine)
        folder = place.folder / machine.processor
        replace(place, folder=folder, mac=elsewhere).build()
        made = {path.name.split(".")[0] for path in (folder / "python" / "sgl_kernel").iterdir()}
        assert "__init__" in made and not {"sgl_metal_kernels", SOURCES} & made
        assert ("_metal" in made) == (machine.system == "linux")
    assert "leaving out _metal: MLX needs Apple silicon (use a Python for arm64: " in capfd.readouterr().out


# ---- what the import makes of it -----------------------------------------------------------------


def load_shaders(folder: Path) -> ModuleType:
    """The package's module that finds shaders, by itself."""
    package = folder / "loader_alone"
    package.mkdir()
    for name in ("_shaders.py", "_extension.py"):
        shutil.copy(build_generated.ROOT / "generated/python/sgl_kernel" / name, package / name)
    return importlib.import_module("loader_alone._shaders")


def test_the_import_accepts_what_was_built_and_nothing_else(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    shaders = load_shaders(tmp_path)
    for mode, accepted, file in (
        ("library", LIBRARY, LIBRARY),
        ("source", SOURCES, f"{SOURCES}/half.metal"),
    ):
        place.build(mode)
        versions = place.manifest()["mlx"], place.manifest()["nanobind"]
        assert shaders.find_shaders(place.staged, *versions) == place.staged / accepted
        with pytest.raises(shaders.Problem, match="of a build for MLX"):
            shaders.find_shaders(place.staged, "0.1", versions[1])
        (place.staged / file).open("ab").write(b"x")
        with pytest.raises(shaders.Problem, match="damaged"):
            shaders.find_shaders(place.staged, *versions)


# ---- failures ------------------------------------------------------------------------------------

WRITES = 'for last; do :; done; echo left by a failure > "$last";'
FAILS_HALF_WAY = f'{WRITES} case "$*" in *half*) echo "half.metal:2:1: error: no" >&2; exit 1 ;; esac'


def test_a_shader_that_does_not_compile_is_one_message(
    place: Workplace, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place.mac.xcrun(metal=FAILS_HALF_WAY)
    with pytest.raises(BuildError, match="the first failing command stands above"):
        place.build(jobs=1)
    said = capfd.readouterr().out
    assert said.count("error: no") == 1
    assert "metal/half.metal: metal failed with status 1: half.metal:2:1: error: no" in said
    assert not (place.staged / LIBRARY).exists()
    place.mac.xcrun()  # nothing of the failure may be left, here or in the cache
    place.build()
    assert b"left by a failure" not in (place.folder / "metal/half.air").read_bytes()


@pytest.mark.parametrize(
    "writing", ["exit 0", 'for last; do :; done; : > "$last"'], ids=["no file", "empty file"]
)
@pytest.mark.parametrize("part", ["metal", "metallib"])
def test_a_tool_that_leaves_nothing_is_found_out_when_it_is_tried(
    place: Workplace, part: str, writing: str
) -> None:
    place.mac.xcrun(**{part: writing})
    with pytest.raises(
        ToolError, match=f"{part} says that it worked, but wrote no .* to mend it: {DOWNLOAD}"
    ):
        place.build("library")


def test_a_library_that_is_none_is_not_staged(place: Workplace, capfd: pytest.CaptureFixture[str]) -> None:
    place.mac.xcrun(metallib='for last; do :; done; echo "not a library" > "$last"')
    with pytest.raises(ToolError, match="wrote something that is no Metal library"):
        place.build("library")


def test_a_language_that_the_compiler_does_not_know_names_the_setting(place: Workplace) -> None:
    place.mac.xcrun(metal="echo \"error: invalid value 'metal9.9' in '-std=metal9.9'\"; exit 1")
    with pytest.raises(ToolError, match=r"invalid value 'metal9\.9'.*to mend it: unset SGL_METAL_STD"):
        place.build("library", metal_language="metal9.9")


def test_a_missing_header_is_named(place: Workplace, capfd: pytest.CaptureFixture[str]) -> None:
    (place.generated / "metal/half.metal").write_text('#include "no_such.h"\n')
    with pytest.raises(BuildError):
        place.build()
    assert "metal/half.metal: no_such.h is in none of backends/metal/runtime" in capfd.readouterr().out


def test_an_include_that_a_key_would_miss_is_refused(
    place: Workplace, capfd: pytest.CaptureFixture[str]
) -> None:
    (place.generated / "metal/half.metal").write_text('  #  include "sgl_metal.h"\n')
    with pytest.raises(BuildError):
        place.build()
    assert 'as #include "name.h" on a line of its own' in capfd.readouterr().out


def test_ninja_learns_which_headers_a_shader_includes(built: Workplace) -> None:
    script = os.path.relpath(built.folder / "build.ninja", build_generated.ROOT)
    command = [find_program("ninja") or "ninja", "-f", script, "-t", "deps"]
    known = try_command(command, folder=build_generated.ROOT).text
    assert known.count("    backends/metal/runtime/sgl_metal.h") == len(SHADERS)


def test_a_killed_build_goes_on_and_leaves_no_half(place: Workplace) -> None:
    """Killed with all its tools, while each compiler has written half of its result."""
    place.mac.xcrun(metal=f'{WRITES} case "$*" in *trial*) ;; *) echo a stump > "$last"; sleep 60 ;; esac')
    code = f"""
from pathlib import Path
from types import ModuleType
from backends.build_generated import BuildOptions, build
from backends.machine import Machine
from codegen.settings import read_settings
tree, folder = Path({str(place.generated)!r}), Path({str(place.folder)!r})
build(BuildOptions(tree, folder, machine=Machine("darwin", "aarch64")), read_settings())
"""
    environment = {**os.environ, "CUDACXX": "no-such-nvcc", "SGL_COMPILER_LAUNCHER": "env"}
    command = [sys.executable, "-c", code]
    child = subprocess.Popen(command, cwd=build_generated.ROOT, env=environment, start_new_session=True)
    deadline = time.monotonic() + 30
    while place.mac.most_at_once("metal") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert not (place.staged / LIBRARY).exists()
    place.mac.xcrun()
    place.build()
    assert b"a stump" not in (place.staged / LIBRARY).read_bytes()
    assert place.manifest()["files"][LIBRARY]["bytes"] == (place.staged / LIBRARY).stat().st_size
