"""The generated tree is the same bytes on every machine, in every environment, under every Python."""

from __future__ import annotations

import locale
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPECS = ROOT / "specs"
# Prints one hash over every path and content of the tree, in the order in which it is generated.
CODE = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from backends.targets import BACKENDS
from codegen.pipeline import generate_tree
tree = generate_tree(Path(sys.argv[2]), BACKENDS)
whole = hashlib.sha256()
for path, content in tree.items():
    whole.update(f"{path} {len(content)} ".encode() + content)
print(len(tree), whole.hexdigest())
"""
ENVIRONMENTS = {
    "hash seed 0": {"PYTHONHASHSEED": "0"},
    "hash seed 1": {"PYTHONHASHSEED": "1"},
    "C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "UTF-8 locale": {"LC_ALL": "C.UTF-8"},
    "Turkish locale": {"LC_ALL": "tr_TR.UTF-8"},
    "far time zone": {"TZ": "Pacific/Kiritimati"},
    "without assertions": {"PYTHONOPTIMIZE": "1"},
}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def generate(
    specs: Path = SPECS, python: str = sys.executable, folder: Path = ROOT, **environment: str
) -> str:
    """The number of generated files and their hash, worked out by a process of its own."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHON"))}
    done = subprocess.run(
        [python, "-c", CODE, str(ROOT), str(specs)],
        cwd=folder, env={**plain, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def usual() -> str:
    return generate()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_changes_nothing(name: str, usual: str) -> None:
    wanted = ENVIRONMENTS[name].get("LC_ALL", "C")
    if not has_locale(wanted):
        pytest.skip(f"this machine has no locale {wanted}")
    assert generate(**ENVIRONMENTS[name]) == usual


def test_folder_and_umask_change_nothing(usual: str, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert generate(folder=tmp_path) == usual
    finally:
        os.umask(before)


def test_order_of_files_on_disk_changes_nothing(usual: str, tmp_path: Path) -> None:
    for name, order in (("forward", 1), ("backward", -1)):
        for path in sorted(SPECS.rglob("*.yaml"))[::order]:
            copy = tmp_path / name / path.relative_to(SPECS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        assert generate(tmp_path / name) == usual


@pytest.mark.parametrize("version", PYTHONS)
def test_version_of_python_changes_nothing(version: str, usual: str) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"Python {version} with the generator's requirements was not found")
    assert generate(python=python) == usual


def test_the_hash_sees_every_byte(usual: str, tmp_path: Path) -> None:
    for path in SPECS.rglob("*.yaml"):
        copy = tmp_path / path.relative_to(SPECS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes().replace(b"summary: ", b"summary: Now "))
    assert generate(tmp_path) != usual


def test_committed_tree_is_what_the_specs_give() -> None:
    """The golden files of every spec are `generated/`; `build.py generate` refreshes them."""
    done = subprocess.run(
        [sys.executable, "build.py", "check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def has_locale(name: str) -> bool:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)
    return True


def find_python(version: str) -> str | None:
    """An interpreter of that version that can run the generator: on PATH, or one that pyenv keeps."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = [sys.executable, shutil.which(f"python{version}"), *map(str, kept)]
    for python in filter(None, found):
        code = "import sys, jinja2, pydantic, yaml; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return python
    return None
