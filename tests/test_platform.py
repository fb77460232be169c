"""Which target `import sgl_kernel` chooses, and that no failure escapes an import."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import host_package
import pytest

from codegen.host import generate_host

PACKAGE = "platform_probe"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package's Python files without any extension, importable as `platform_probe`."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    for path, content in host_package.generated().items():
        if path.startswith("python/"):
            (folder / Path(path).name).write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    yield folder
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]


def load(module: str = "") -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.{module}" if module else PACKAGE)


def pretend(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)


@pytest.mark.parametrize(
    ("system", "machine", "target"),
    [
        ("darwin", "arm64", "metal"),
        ("darwin", "x86_64", "cpu"),
        ("linux", "x86_64", "cpu"),
        ("linux", "aarch64", "cpu"),
    ],
)
@pytest.mark.usefixtures("package")
def test_the_platform_says_the_target(monkeypatch, system: str, machine: str, target: str) -> None:
    pretend(monkeypatch, system, machine)
    assert load().target == target


@pytest.mark.usefixtures("package")
def test_the_module_of_every_target_is_there_when_asked_for() -> None:
    package = load()
    for name in ("cpu", "cuda", "metal"):
        sys.modules.pop(f"{PACKAGE}.{name}", None)
        vars(package).pop(name, None)  # as before any import of it
        assert getattr(package, name) is load(name)
    with pytest.raises(AttributeError, match=f"module '{PACKAGE}' has no attribute 'rocm'"):
        _ = package.rocm


@pytest.mark.parametrize(("has_device", "target"), [(True, "cuda"), (False, "cpu")])
@pytest.mark.usefixtures("package")
def test_torch_is_asked_where_it_is_imported(monkeypatch, has_device: bool, target: str) -> None:
    cuda = SimpleNamespace(is_available=lambda: has_device)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert load().target == target


@pytest.mark.usefixtures("package")
def test_a_torch_that_fails_means_no_cuda(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())
    assert load().target == "cpu"


@pytest.mark.parametrize(("has_driver", "target"), [(True, "cuda"), (False, "cpu")])
def test_without_torch_extension_and_driver_are_looked_for(package, monkeypatch, has_driver, target) -> None:
    (package / "_cuda.py").write_text("def scaled_add(*args): return args\n")

    def open_library(name: str) -> object:
        if not has_driver:
            raise OSError(name)
        return object()

    monkeypatch.setattr("ctypes.CDLL", open_library)
    assert load().target == target
    assert load("cuda").is_available()
    assert "torch" not in sys.modules


@pytest.mark.usefixtures("package")
def test_every_target_has_the_same_names() -> None:
    names = load().__all__
    assert names == sorted(
        {"add_scaled", "pick_heads", "scaled_add", "sum_and_difference", "sum_and_difference_pair"}
    )
    for target in ("cpu", "cuda", "metal"):
        module = load(target)
        assert module.__all__ == names
        assert all(callable(getattr(module, name)) for name in names)
    assert all(getattr(load(), name) is getattr(load("cpu"), name) for name in names)


FAULTS: dict[str, tuple[str, str]] = {
    "ImportError": ("raise ImportError('undefined symbol: x')", "ImportError: undefined symbol: x"),
    "RuntimeError": ("raise RuntimeError('language version')", "RuntimeError: language version"),
    "OSError": ("raise OSError('cannot map')", "OSError: cannot map"),
    "SystemError": ("raise SystemError('initialization failed')", "SystemError: initialization failed"),
    "MemoryError": ("raise MemoryError()", "MemoryError: "),
    "SyntaxError": ("def", "SyntaxError: "),
}


@pytest.mark.parametrize(("source", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_failing_extension_is_kept_for_the_first_call(package: Path, source: str, reason: str) -> None:
    (package / "_cpu.py").write_text(source + "\n")
    module = load()
    assert module.target == "cpu"
    with pytest.raises(ImportError) as caught:
        module.scaled_add(1, 2)
    assert str(caught.value).startswith(f"{PACKAGE}.cpu cannot be used ({reason}")
    assert str(caught.value).endswith("; to mend it, run: python build.py build")
    assert caught.value.__cause__ is load("cpu")._IMPORT_ERROR
    assert not load("cpu").is_available()
    assert load("cpu")._cpu is None


@pytest.mark.usefixtures("package")
def test_a_missing_extension_is_kept_for_the_first_call() -> None:
    with pytest.raises(ImportError, match=r"No module named 'platform_probe._cpu'\).*python build.py build"):
        load().scaled_add(1, 2)


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_extension_is_kept_for_the_first_call(tmp_path: Path, kept: float) -> None:
    """In a process of its own, which the loader would kill if it mapped the file."""
    built = host_package.package_folder() / host_package.NAME
    shutil.copytree(built, tmp_path / PACKAGE)
    for extension in (tmp_path / PACKAGE).glob("_*.so"):
        data = extension.read_bytes()
        extension.write_bytes(data[: int(len(data) * kept)])
    code = f"""
        from {PACKAGE} import cpu, metal
        for module in (cpu, metal):
            try:
                module.scaled_add(1, 2)
            except ImportError as error:
                print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    printed = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(printed) == 2
    assert all(line.endswith("to mend it, run: python build.py build") for line in printed)


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("has_nvcc", [False, True])
def test_without_cuda_every_op_names_nvcc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_nvcc: bool
) -> None:
    cuda = load("cuda")
    nvcc = tmp_path / "nvcc"
    nvcc.write_text("")
    nvcc.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(nvcc) if has_nvcc else None)
    said = rf"nvcc is there \({nvcc}\); build .* with it:" if has_nvcc else "install the CUDA .* and run:"
    assert not cuda.is_available()
    for name in cuda.__all__:
        arguments = {"pick_heads": {"table": 1, "slots": 2, "head_dim": 4}}.get(name)
        with pytest.raises(NotImplementedError, match=rf"^{name}: .*{said} python build\.py build"):
            getattr(cuda, name)(**arguments) if arguments else getattr(cuda, name)(1, 2)


# ---- metal: what is checked before the extension is loaded, in order ----


def write_info(package: Path, version: str = "1.2.3", key: str = "") -> None:
    text = f"MLX_VERSION = {version!r}\nNANOBIND_KEY = {key!r}\nNANOBIND_VERSION = '4.5.6'\n"
    (package / "_build_info.py").write_text(text)


def fake_mlx(monkeypatch: pytest.MonkeyPatch, file: Path | None = None, version: str = "1.2.3") -> None:
    core = ModuleType("mlx.core")
    core.__version__ = version
    core.__file__ = str(file) if file else None
    monkeypatch.setitem(sys.modules, "mlx", ModuleType("mlx"))
    monkeypatch.setitem(sys.modules, "mlx.core", core)


def refused(text: str) -> None:
    """Importing `metal` works, and its first call raises ImportError with `text`."""
    metal = load("metal")
    assert metal._metal is None
    assert isinstance(metal._IMPORT_ERROR, Exception)
    assert not metal.is_available()
    for call in (metal._require_metal, lambda: metal.scaled_add(1, 2)):
        with pytest.raises(ImportError) as caught:
            call()
        assert text in str(caught.value)


def test_metal_refuses_intel_macs(package: Path, monkeypatch) -> None:
    write_info(package)
    pretend(monkeypatch, "darwin", "x86_64")
    refused("MLX needs Apple silicon")


def test_metal_refuses_other_systems(package: Path, monkeypatch) -> None:
    write_info(package)
    pretend(monkeypatch, "win32", "AMD64")
    refused("MLX does not run on win32")


@pytest.mark.usefixtures("package")
def test_metal_without_a_build() -> None:
    refused("python build.py build")


def test_metal_built_without_mlx(package: Path) -> None:
    write_info(package, version="")
    refused(
        "this package was built without MLX; to mend it, run: pip install 'mlx[cpu]' && python build.py build"
    )


def test_metal_without_mlx(package: Path, monkeypatch) -> None:
    write_info(package)
    monkeypatch.setitem(sys.modules, "mlx.core", None)
    refused("to mend it, run: pip install 'mlx[cpu]==1.2.3'")


def test_metal_with_another_mlx(package: Path, monkeypatch) -> None:
    write_info(package)
    fake_mlx(monkeypatch, version="1.2.4")
    refused("built for MLX 1.2.3, but 1.2.4 is installed; to mend it, run: pip install 'mlx[cpu]==1.2.3'")


def test_metal_with_another_nanobind(package: Path, monkeypatch) -> None:
    core = package / "core.so"
    core.write_bytes(b"...nanobind_system_a1_v21...")
    write_info(package, key="nanobind_system_a1_v22")
    fake_mlx(monkeypatch, core)
    refused("MLX was built with another nanobind than nanobind_system_a1_v22")


def library(size: int = 64) -> bytes:
    return b"MTLB" + bytes(12) + size.to_bytes(8, "little") + bytes(size - 24)


def stage(package: Path, files: dict[str, bytes], **changes: object) -> None:
    """Files beside the extension, and the manifest that a build leaves with them."""
    rows = {}
    for name, content in files.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_bytes(content)
        rows[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    manifest = {"edition": 1, "files": rows, "language": "metal3.1", "deployment_target": "14.0"}
    manifest |= {"compiler": "", "mlx": "1.2.3", "nanobind": "4.5.6", **changes}
    (package / "sgl_metal_kernels.json").write_text(json.dumps(manifest))


def test_metal_without_its_shaders_on_a_mac(package: Path, monkeypatch) -> None:
    write_info(package)
    fake_mlx(monkeypatch)
    pretend(monkeypatch, "darwin", "arm64")
    refused("sgl_metal_kernels.json is missing; to mend it, run: python build.py build")


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda data: b"", "is no Metal library"),
        (lambda data: b"X" + data[1:], "is no Metal library"),
        (lambda data: data[:-1], "is damaged"),
        (lambda data: data[:-1] + b"\1", "is not the one that was built with this package"),
        (lambda data: library(128), "is not the one that was built with this package"),
    ],
    ids=["empty", "magic", "truncated", "one byte", "foreign"],
)
def test_metal_with_a_bad_library(
    package: Path, monkeypatch, damage: Callable[[bytes], bytes], text: str
) -> None:
    stage(package, {"sgl_metal_kernels.metallib": library()})
    (package / "sgl_metal_kernels.metallib").write_bytes(damage(library()))
    write_info(package)
    fake_mlx(monkeypatch)
    refused(f"sgl_metal_kernels.metallib {text}")


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b"ab"), "is damaged"),
        (lambda path: path.write_bytes(b"abd"), "is not the one that was built with this package"),
    ],
    ids=["missing", "truncated", "edited"],
)
def test_metal_with_a_bad_source(
    package: Path, monkeypatch, damage: Callable[[Path], object], text: str
) -> None:
    stage(package, {"shaders/one.metal": b"abc", "shaders/two.metal": b""})
    damage(package / "shaders/one.metal")
    write_info(package)
    fake_mlx(monkeypatch)
    refused(f"shaders/one.metal {text}")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"edition": 1}', '{"edition": 1, "files": {"a": 1}}'])
def test_metal_with_a_damaged_manifest(package: Path, monkeypatch, text: str) -> None:
    (package / "sgl_metal_kernels.json").write_text(text)
    write_info(package)
    fake_mlx(monkeypatch)
    refused("sgl_metal_kernels.json is damaged")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"edition": 2}, "sgl_metal_kernels.json is of edition 2, not 1"),
        ({"mlx": "1.2.2"}, "sgl_metal_kernels.json is of a build for MLX 1.2.2 and nanobind 4.5.6"),
        ({"nanobind": "4.5.5"}, "sgl_metal_kernels.json is of a build for MLX 1.2.3 and nanobind 4.5.5"),
    ],
)
def test_metal_with_shaders_of_another_build(
    package: Path, monkeypatch, changes: dict[str, object], text: str
) -> None:
    stage(package, {"sgl_metal_kernels.metallib": library()}, **changes)
    write_info(package)
    fake_mlx(monkeypatch)
    refused(text)


@pytest.mark.parametrize(
    ("system", "serves"), [("13.6.1", False), ("14.0", True), ("15.2", True), ("26", True)]
)
def test_metal_on_a_system_older_than_its_shaders(
    package: Path, monkeypatch, system: str, serves: bool
) -> None:
    stage(package, {"sgl_metal_kernels.metallib": library()})
    (package / "_metal.py").write_text("def register_library(path): pass\n")
    write_info(package)
    fake_mlx(monkeypatch)
    monkeypatch.setattr("platform.mac_ver", lambda: (system, ("", "", ""), "arm64"))
    if serves:
        assert load("metal").is_available()
    else:
        refused("its shaders are for macOS 14.0 and newer, and this is 13.6.1; to mend it, run: MACOSX_")


def test_metal_whose_library_is_refused_by_the_system(package: Path, monkeypatch) -> None:
    stage(package, {"sgl_metal_kernels.metallib": library()})
    (package / "_metal.py").write_text(
        "def register_library(path): raise RuntimeError('language version 4.0')\n"
    )
    write_info(package)
    fake_mlx(monkeypatch)
    refused("RuntimeError: language version 4.0")


@pytest.mark.parametrize(("source", "reason"), FAULTS.values(), ids=FAULTS)
def test_metal_whose_extension_fails(package: Path, monkeypatch, source: str, reason: str) -> None:
    write_info(package)
    fake_mlx(monkeypatch)
    (package / "_metal.py").write_text(source + "\n")
    refused(reason)


@pytest.mark.parametrize("name", ["sgl_metal_kernels.metallib", "shaders/one.metal"])
def test_metal_loads_and_registers_its_shaders(package: Path, monkeypatch, name: str) -> None:
    stage(package, {name: library()})
    source = (
        "paths = []\ndef register_library(path): paths.append(path)\ndef scaled_add(*a, **k): return a, k\n"
    )
    (package / "_metal.py").write_text(source)
    write_info(package)
    fake_mlx(monkeypatch)
    metal = load("metal")
    metal._require_metal()
    assert metal.is_available()
    assert metal._IMPORT_ERROR is None
    registered = name.removesuffix("/one.metal")
    assert metal._metal.paths == [str(package / registered)]
    assert metal.scaled_add(1, 2) == ((1, 2, 1.0, None), {"stream": None})


def test_two_packages_live_in_one_process(tmp_path: Path) -> None:
    """Builds under two import names hide their symbols from each other."""
    folder = host_package.package_folder()
    shutil.copytree(folder / host_package.NAME, tmp_path / "second")
    code = f"""
        import sys
        sys.path[:0] = [{str(folder)!r}, {str(tmp_path)!r}]
        import numpy as np, {host_package.NAME} as first, second
        x = np.ones((2, 4), np.float32)
        print((first.scaled_add(x, x) + second.scaled_add(x, x)).sum())
        print(first.cpu._cpu.scaled_add is second.cpu._cpu.scaled_add)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert printed == ["32.0", "False"]


def test_no_ops_is_a_package_too() -> None:
    files = generate_host(())
    assert b"__all__ = [\n]" in files["python/sgl_kernel/__init__.py"]
