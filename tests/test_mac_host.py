"""The cross-build for macOS: what its link reports, and what is said where wheels cannot be had.

`make mac-host` runs it whole; here it is tested on small objects, without the network.
"""

from __future__ import annotations

import importlib.util
import subprocess
import zipfile
from pathlib import Path

import pytest

from backends.libraries import Mlx, Nanobind, nanobind_in
from backends.metal.mac_host import __main__ as mac_host
from backends.metal.mac_host import compile as compiling
from backends.metal.mac_host import wheels
from backends.metal.mac_host.compile import STUBS, ZIG
from backends.metal.mac_host.headers import python_headers
from backends.metal.mac_host.link import missing_symbols
from backends.metal.mac_host.wheels import Libraries, Unreachable, locked_versions
from backends.tools import Outcome
from codegen.failures import Failure

_TBD = """--- !tapi-tbd
tbd-version:     4
targets:         [ arm64-macos ]
install-name:    '@rpath/libmlx.dylib'
exports:
  - targets:         [ arm64-macos ]
    symbols:         [ {symbols} ]
...
"""

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="ziglang is not installed: make test WITH_EMULATOR=1"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Objects of an extension that calls MLX, Python and Objective-C, and of the ghost."""
    made = tmp_path_factory.mktemp("objects")
    (made / "extension.cpp").write_text("""
namespace mlx::core { const char* version(); void moved(); }
extern "C" { void PyErr_Clear(); void _Py_Dealloc(void*); void* sel_registerName(const char*); }
void call() {
  mlx::core::version(), mlx::core::moved();
  PyErr_Clear(), _Py_Dealloc(sel_registerName("x"));
}
""")
    for source in (made / "extension.cpp", STUBS / "ghost.cpp"):
        output = made / f"{source.stem}.o"
        subprocess.run([*ZIG, "-O0", "-c", str(source), "-o", str(output)], check=True)
    return made


def link(folder: Path, *symbols: str) -> tuple[str, ...]:
    """What is missing where the library has `symbols`."""
    library = folder / "libmlx.tbd"
    library.write_text(_TBD.format(symbols=", ".join(symbols)))
    return missing_symbols([folder / "extension.o"], folder / "ghost.o", library, folder / "out.dylib")


VERSION, MOVED = "__ZN3mlx4core7versionEv", "__ZN3mlx4core5movedEv"


@needs_zig
def test_symbols_that_the_library_lacks_are_reported(folder: Path) -> None:
    assert link(folder, VERSION, MOVED) == ()
    assert link(folder, VERSION) == (MOVED,)
    assert link(folder, "_other") == (MOVED, VERSION)


@needs_zig
def test_a_link_that_reports_nothing_is_not_believed(folder: Path) -> None:
    with pytest.raises(Failure, match="does not report a symbol that no MLX has"):
        link(folder, VERSION, MOVED, "__ZN3mlx4core5ghostEv")


@needs_zig
def test_a_link_that_fails_otherwise_is_an_error(folder: Path) -> None:
    (folder / "broken.o").write_bytes(b"")
    with pytest.raises(Failure, match="does not link: error: "):
        missing_symbols([folder / "broken.o"], folder / "ghost.o", folder / "ghost.o", folder / "out.dylib")


# ---- what is compiled --------------------------------------------------------------------------


def test_objects_that_do_not_see_mlx_are_compiled_once() -> None:
    folder = compiling.ROOT / "build" / "mac_host"
    steps = {}
    for version in ("1.0.0", "2.0.0"):
        site = folder / version / "wheels"
        found = Libraries(Mlx(site / "mlx", version, "", ""), Nanobind(site / "nanobind", "", ""))
        steps[version] = {edge.outputs[0]: edge for edge in compiling._steps(version, found, folder)}
    shared = steps["1.0.0"].keys() & steps["2.0.0"].keys()
    assert all(steps["1.0.0"][name] == steps["2.0.0"][name] for name in shared)
    own = {name.rpartition("/")[2] for name in steps["1.0.0"].keys() - shared}
    seeing = ("eval_gpu", "recording", "mlx_call", "mlx_primitive", "module")
    assert own == {*(f"{name}.cpp.o" for name in seeing), "nanobind.o"}
    assert {name.rpartition("/")[2] for name in shared} >= {
        "choose.cpp.o",
        "library.cpp.o",
        "rms_norm_host.cpp.o",
    }


def test_the_flags_are_those_of_a_mac_with_every_warning_an_error() -> None:
    found = Libraries(Mlx(Path("/w/mlx"), "1.0.0", "", ""), Nanobind(Path("/w/nanobind"), "", ""))
    edges = list(compiling._steps("1.0.0", found, compiling.ROOT / "build" / "mac_host"))
    for edge in edges:
        flags = dict(edge.variables)["flags"].split()
        assert ("-Werror" in flags) != ("-w" in flags), edge.outputs
        assert not [word for word in flags if word.startswith("-mmacosx")]
        sees_metal = {"eval_gpu", "recording", "mlx_call", "mlx_primitive", "module"}
        if edge.outputs[0].rpartition("/")[2].partition(".")[0] in sees_metal:
            assert {"-D_METAL_", "/w/mlx/include/metal_cpp", "-DNB_DOMAIN=mlx"} <= set(flags)


# ---- wheels ------------------------------------------------------------------------------------


def test_three_versions_are_locked_by_hash() -> None:
    assert locked_versions() == ("0.31.2", "0.32.2", "0.32.4")
    for version in locked_versions():
        rows = wheels._ROW.findall((wheels.LOCKS / f"mlx-{version}.txt").read_text())
        assert [(name, number) for name, number, _ in rows][:2] == [("mlx", version), ("mlx-metal", version)]
        assert [name for name, _, _ in rows] == ["mlx", "mlx-metal", "nanobind"]


def test_without_the_registry_the_reason_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """pip itself, sent to a port where nobody listens."""
    monkeypatch.setattr(mac_host, "FOLDER", tmp_path / "build")
    for name, value in {
        "XDG_CACHE_HOME": str(tmp_path), "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "0", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert mac_host.main(["--mlx", "0.32.4"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("skipped: MLX's wheels for macOS cannot be downloaded (ERROR: "), printed
    assert "mlx==0.32.4" in printed


@pytest.mark.parametrize(
    ("status", "text", "error", "said"),
    [
        (1, "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", Failure, "not the one that mlx-0.32.4.txt"),
        (1, "", Unreachable, "status 1 and said nothing"),
        (0, "", Failure, "does not hold it"),
    ],
)
def test_pip_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, text: str, error: type[Exception], said: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(wheels, "try_command", lambda command, seconds: Outcome(status, text))
    with pytest.raises(error, match=said):
        wheels.fetch("0.32.4", tmp_path / "wheels")


def test_a_damaged_wheel_in_the_cache_is_no_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = wheels.cache_folder()
    cache.mkdir(parents=True)
    (cache / "mlx-0.32.4-cp312-cp312-macosx_14_0_arm64.whl").write_bytes(b"not the wheel")
    asked = []
    monkeypatch.setattr(
        wheels, "try_command", lambda command, seconds: asked.append(command) or Outcome(1, "no")
    )
    with pytest.raises(Unreachable, match="no"):
        wheels.fetch("0.32.4", tmp_path / "wheels")
    assert "--require-hashes" in asked[0]


def test_only_headers_and_libraries_are_unpacked(tmp_path: Path) -> None:
    names = [
        "mlx/include/mlx/array.h",
        "mlx/lib/libmlx.dylib",
        "mlx/core.cpython-312-darwin.so",
        "nanobind/a.h",
    ]
    others = ["mlx/lib/mlx.metallib", "mlx/include/mlx/backend/metal/kernels/softmax.h", "mlx/nn/layers.py"]
    with zipfile.ZipFile(tmp_path / "some.whl", "w") as archive:
        for name in (*names, *others):
            archive.writestr(name, "")
    wheels._unpack(tmp_path / "some.whl", tmp_path / "out")
    found = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert found == set(names)


@pytest.mark.parametrize("header", ["nb_internals.h", "nb_abi.h"])
def test_the_abi_of_a_nanobind_is_in_one_of_two_headers(tmp_path: Path, header: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "__init__.py").write_text('__version__ = "2.12.0"\n')
    (tmp_path / "src" / header).write_text("#ifndef X\n#  define NB_INTERNALS_VERSION 19\n#endif\n")
    assert nanobind_in(tmp_path) == Nanobind(tmp_path, "2.12.0", "19")


def test_headers_that_are_split_by_architecture_are_put_together(tmp_path: Path) -> None:
    include, split = tmp_path / "include/python3", tmp_path / "include/some-linux-gnu/python3"
    include.mkdir(parents=True)
    (include / "Python.h").write_text('#include "pyconfig.h"\n')
    (include / "pyconfig.h").write_text("#error not here\n")
    assert python_headers(include, "some-linux-gnu", tmp_path / "made") == include
    split.mkdir(parents=True)
    (split / "pyconfig.h").write_text("#define HERE 1\n")
    assert python_headers(include, "", tmp_path / "made") == include
    for _ in range(2):
        made = python_headers(include, "some-linux-gnu", tmp_path / "made")
        assert (made / "pyconfig.h").read_text() == "#define HERE 1\n"
        assert (made / "Python.h").samefile(include / "Python.h")
