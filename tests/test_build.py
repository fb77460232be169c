"""From a small generated tree to a package that imports, and only as much work as a change needs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from backends import build_generated, plan
from backends.build_generated import BuildOptions, build, find_toolchain
from backends.cuda.toolchain import CudaCompiler, find_cuda_compiler
from backends.libraries import find_mlx, find_nanobind, require_same_abi
from backends.machine import Machine, this_machine
from backends.plan import Layout, Unit, read_units
from backends.tools import ProbeCache, ToolError
from codegen.settings import Settings

TREE = Path(__file__).with_name("build_tree")
LAYOUT = Layout("/root of it", "generated", "build", "backends", "sgl_kernel", "14.0")
QUOTE = "'"
WITHOUT_NVCC = Settings(cuda_compiler=("no-such-nvcc",))


@dataclass(frozen=True)
class Workplace:
    """A copy of the small tree and the folder that it is built in; the paths hold a space and an umlaut."""

    generated: Path
    folder: Path

    def build(self, settings: Settings = WITHOUT_NVCC) -> Path:
        return build(BuildOptions(self.generated, self.folder), settings)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = tmp_path_factory.mktemp("größe und leer")
    shutil.copytree(TREE, place / "generated")
    workplace = Workplace(place / "generated", place / "build")
    workplace.build()
    return workplace


def python(code: str, folder: Path) -> str:
    """What a fresh Python prints that has `folder` on its path."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "CUDACXX": "no-such-nvcc"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def steps(output: str) -> set[str]:
    """What ninja did, as `verb file-name`."""
    found = re.findall(r"^\[\d+/\d+\] (\w+) (.*)$", output, re.MULTILINE)
    return {f"{verb} {Path(path.strip(QUOTE)).name.split('.cpython')[0]}" for verb, path in found}


# Building for real


def test_the_package_imports_and_runs(built: Workplace) -> None:
    code = "from sgl_kernel import _cpu, _cuda; print(_cpu.twice(4), _cuda.is_stub)"
    assert python(code, built.folder / "python") == "8 1"


def test_mlx_arrays_cross_into_the_metal_extension(built: Workplace) -> None:
    code = """
import mlx.core as mx
from sgl_kernel import _build_info, _metal
print(_metal.twice_rank(mx.zeros((2, 3))), _build_info.MLX_VERSION == mx.__version__)
"""
    assert python(code, built.folder / "python") == "4 True"


def test_with_nvcc_the_cuda_extension_builds(tmp_path: Path) -> None:
    if find_cuda_compiler((), ProbeCache(tmp_path / "probes.json")) is None:
        pytest.skip("no nvcc was found")
    shutil.copytree(TREE, tmp_path / "generated")
    rows = [
        row
        for row in json.loads((TREE / "build.json").read_text())["units"]
        if row["target"].startswith("cuda")
    ]
    (tmp_path / "generated/build.json").write_text(json.dumps({"units": rows}))
    settings = Settings(cuda_architectures=("80",))
    package = build(BuildOptions(tmp_path / "generated", tmp_path / "build"), settings)
    assert (
        python("from sgl_kernel import _cuda; print(_cuda.is_stub, _cuda.launch() >= 0)", package) == "0 True"
    )


def test_nothing_is_done_twice(built: Workplace, capfd: pytest.CaptureFixture[str]) -> None:
    before = (built.folder / "build.ninja").stat().st_mtime_ns
    built.build()
    assert "no work to do" in capfd.readouterr().out
    assert (built.folder / "build.ninja").stat().st_mtime_ns == before


def test_an_edit_compiles_its_own_unit_and_links(built: Workplace, capfd: pytest.CaptureFixture[str]) -> None:
    (built.generated / "dlpack/module.cpp").open("a").write("// edited\n")
    built.build()
    assert steps(capfd.readouterr().out) == {"compile module.cpp.o", "link _cpu"}


def test_an_edited_header_compiles_what_includes_it(
    built: Workplace, capfd: pytest.CaptureFixture[str]
) -> None:
    (built.generated / "host/twice.h").open("a").write("// edited\n")
    built.build()
    done = steps(capfd.readouterr().out)
    assert done == {"compile twice.cpp.o", "compile module.cpp.o", "link _cpu", "link _metal"}


def test_a_python_file_is_staged_when_it_changes(built: Workplace, capfd: pytest.CaptureFixture[str]) -> None:
    (built.generated / "python/sgl_kernel/more.py").write_text("VALUE = 7\n")
    built.build()
    assert steps(capfd.readouterr().out) == {"stage more.py"}
    assert python("from sgl_kernel import more; print(more.VALUE)", built.folder / "python") == "7"
    (built.generated / "python/sgl_kernel/more.py").unlink()
    built.build()
    assert not (built.folder / "python/sgl_kernel/more.py").exists()


def test_editors_are_told_how_each_file_is_compiled(built: Workplace) -> None:
    rows = json.loads((built.folder / "compile_commands.json").read_text())
    compiled = [Path(row["file"]).name for row in rows]
    assert compiled.count("twice.cpp") == len(plan.isa_levels(this_machine().processor)) + 1
    assert all(row["directory"] == str(build_generated.ROOT) for row in rows)


def test_the_build_needs_nothing_of_the_generator(built: Workplace) -> None:
    code = f"""
import sys
from backends.build_generated import main
assert main(["--generated", {str(built.generated)!r}, "--build-dir", {str(built.folder)!r}]) == 0
print(sorted({{"pydantic", "jinja2", "yaml", "numpy", "mlx"}} & set(sys.modules)))
"""
    assert python(code, build_generated.ROOT).endswith("[]")


def test_a_killed_build_goes_on_where_it_was(built: Workplace) -> None:
    """The whole group dies, compilers included, as when a terminal is closed."""
    (built.generated / "host/twice.cpp").open("a").write("// edited\n")
    module = "backends.build_generated"
    command = [sys.executable, "-m", module, f"--generated={built.generated}", f"--build-dir={built.folder}"]
    environment = {**os.environ, "CUDACXX": "no-such-nvcc"}
    child = subprocess.Popen(
        command, cwd=build_generated.ROOT, env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    )
    time.sleep(0.3)  # long enough for a compiler to be at work; too long or too short is harmless
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    built.build()
    assert python("from sgl_kernel import _cpu; print(_cpu.twice(4))", built.folder / "python") == "8"


def test_a_unit_that_does_not_compile_is_one_message(
    built: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUDACXX", "no-such-nvcc")
    source = built.generated / "host/twice.cpp"
    kept = source.read_text()
    source.write_text("this is not C++;\n")
    assert build_generated.run(BuildOptions(built.generated, built.folder)) == 1
    captured = capfd.readouterr()
    assert captured.err == "error: the build failed; the first failing command stands above\n"
    assert "twice.cpp:1" in captured.out
    source.write_text(kept)


# The plan


def test_a_new_compiler_makes_everything_anew(tools: plan.Toolchain) -> None:
    newer = replace(tools, compiler=replace(tools.compiler, version="99"))
    assert newer.describe() != tools.describe()
    made = plan.plan(units(), ["__init__.py"], tools, LAYOUT)
    assert {edge.rule for edge in made.edges if LAYOUT.versions not in edge.implicit} == {"stage"}


def units() -> tuple[Unit, ...]:
    return read_units((TREE / "build.json").read_text())


@pytest.fixture
def tools(tmp_path: Path) -> plan.Toolchain:
    return find_toolchain(tmp_path, WITHOUT_NVCC, this_machine())


def outputs(tools: plan.Toolchain) -> set[str]:
    made = plan.plan(units(), ["__init__.py"], tools, LAYOUT).outputs()
    return {output.replace(tools.python.suffix, "") for output in made}


def test_a_kernel_is_compiled_for_every_isa_level(tools: plan.Toolchain) -> None:
    def kernels(processor: str) -> set[str]:
        there = replace(tools, machine=Machine("linux", processor))
        return {path.removeprefix("build/objects/") for path in outputs(there) if "/cpu/" in path}

    assert kernels("x86_64") == {f"cpu/twice.cpp.{level}.o" for level in ("baseline", "avx2", "avx512")}
    assert kernels("aarch64") == {"cpu/twice.cpp.baseline.o"}


def test_without_mlx_there_is_no_metal_extension(tools: plan.Toolchain) -> None:
    assert "build/python/sgl_kernel/_metal" in outputs(tools)
    without = outputs(replace(tools, mlx=None))
    assert not any("mlx" in path or "_metal" in path for path in without)
    assert "build/python/sgl_kernel/_cpu" in without


def test_a_hand_written_unit_comes_from_the_runtime_folder(tools: plan.Toolchain) -> None:
    unit = Unit("host_runtime/isa.cpp", "host", runtime=True)
    edges = {edge.outputs[0]: edge for edge in plan.plan((*units(), unit), [], tools, LAYOUT).edges}
    assert edges["build/objects/host_runtime/isa.cpp.o"].inputs == ("backends/host_runtime/isa.cpp",)
    for module in ("_cpu", "_metal"):
        linked = edges[f"build/python/sgl_kernel/{module}{tools.python.suffix}"].inputs
        assert "build/objects/host_runtime/isa.cpp.o" in linked


def test_with_nvcc_the_cuda_extension_is_real(tools: plan.Toolchain) -> None:
    made = outputs(replace(tools, cuda=CudaCompiler(("nvcc",), "12.8")))
    assert {"build/objects/cuda/twice.cu.o", "build/objects/cuda/module.cpp.o"} <= made
    assert "build/objects/cuda/stub.cpp.o" not in made


def test_the_mac_build_links_a_bundle_with_metal(tools: plan.Toolchain) -> None:
    tools = replace(tools, machine=Machine("darwin", "aarch64"))
    edges = {
        edge.outputs[0]: dict(edge.variables).get("flags", "")
        for edge in plan.plan(units(), [], tools, LAYOUT).edges
    }
    link = edges[f"build/python/sgl_kernel/_metal{tools.python.suffix}"]
    assert link.startswith("-bundle -undefined dynamic_lookup -mmacosx-version-min=14.0 ")
    assert "-Wl,-rpath,@loader_path/../mlx/lib" in link
    assert link.endswith("-framework Metal -framework Foundation -framework QuartzCore")
    assert "-D_METAL_" in edges["build/objects/mlx/module.cpp.o"]
    assert "-fopenmp" not in "".join(edges.values())


def test_the_launcher_starts_compilers_and_not_linkers(tools: plan.Toolchain) -> None:
    rules = plan.plan(units(), [], replace(tools, launcher=("sccache", "-x")), LAYOUT).rules
    commands = {rule.name: rule.command for rule in rules}
    assert commands["cxx"].startswith("sccache -x c++ ")
    assert commands["nvcc"].startswith("sccache -x nvcc ")
    assert commands["link"].startswith("c++ ")


def test_the_package_name_is_one_setting(tools: plan.Toolchain) -> None:
    layout = replace(LAYOUT, package="sgl_kernel_next")
    made = plan.plan(units(), ["__init__.py"], tools, layout)
    assert f"build/python/sgl_kernel_next/_cpu{tools.python.suffix}" in made.outputs()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting property name"),
        ("[]", "not a list of units"),
        ('{"units": [{"path": "a.cpp"}]}', "not a list of units"),
        ('{"units": [{"path": "a.cpp", "target": "fpga"}]}', "does not know: fpga"),
    ],
)
def test_a_malformed_list_of_units_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "build.json").write_text(text)
    with pytest.raises(build_generated.BuildError, match=message):
        build(BuildOptions(tmp_path, tmp_path / "build"), Settings())


def test_a_tree_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(
        build_generated.BuildError, match=r"build\.json cannot be read .* run `python build.py generate`"
    ):
        build(BuildOptions(tmp_path / "none", tmp_path / "build"), Settings())


# The tools


def test_nanobind_and_mlx_must_share_their_abi(tmp_path: Path) -> None:
    nanobind, mlx = find_nanobind(), find_mlx(ProbeCache(tmp_path / "probes.json"))
    assert mlx is not None
    require_same_abi(nanobind, mlx)
    with pytest.raises(
        ToolError, match=r"internals version 17, as MLX .* found nanobind .* run|to mend it: install the pair"
    ):
        require_same_abi(nanobind, replace(mlx, internals="17"))


@pytest.mark.parametrize(
    ("content", "internals"),
    [
        (b"\0nanobind_system_libstdcpp_gxx_abi_1xxx_use_cxx11_abi_1_a1_v22\0", "22"),
        (b"\0nanobind_system_libcpp_abi1_a1_v22\0", "22"),
        (b"\0v21_system_libstdcpp_gxx_abi_1xxx\0", "21"),
        (b"\0v15_gcc_libstdcpp_cxxabi1016\0", "15"),
        (b"nothing of the kind", ""),
    ],
)
def test_the_abi_is_read_from_the_bytes_of_a_module(tmp_path: Path, content: bytes, internals: str) -> None:
    from backends.libraries import read_key

    (tmp_path / "core.so").write_bytes(content)
    assert read_key(tmp_path / "core.so")["internals"] == internals


def test_a_probe_runs_again_only_when_what_it_looked_at_changed(tmp_path: Path) -> None:
    cache, runs = ProbeCache(tmp_path / "probes.json"), []

    def probe() -> dict[str, int]:
        runs.append(1)
        return {"answer": len(runs)}

    assert [cache.recall("tool", key, probe)["answer"] for key in ("a", "a", "b")] == [1, 1, 2]
    (tmp_path / "probes.json").write_text("not JSON")
    assert cache.recall("tool", "b", probe) == {"answer": 3}
