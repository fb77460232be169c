"""What a newcomer does first: the wrong Python, a forgotten command, a name in another form."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import build as cli
from codegen.artifacts import stale_specs, write_tree
from codegen.pipeline import compile_folder
from kernel_ir.errors import SpecError
from kernel_ir.names import PACKAGE_NAMES

SPECS = {"norm/one.yaml": b"name: one\n", "norm/two.yaml": b"name: two\n"}
TREE = {"cpu/one.cpp": b"", "cpu/two.cpp": b"", "shared.h": b""}


def test_an_old_python_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "OLDEST_PYTHON", (99, 0))
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert said == f"error: {sys.executable} is not Python 3.10 or newer; use .venv/bin/python\n"


def test_an_old_python_can_read_the_front_door() -> None:
    ast.parse((cli.ROOT / "build.py").read_text(), feature_version=(3, 8))


# A forgotten `generate`


def test_a_spec_that_changed_came_or_went_is_stale(tmp_path: Path) -> None:
    write_tree(tmp_path / "generated", TREE, SPECS)
    assert stale_specs(tmp_path / "generated", SPECS) == ()
    now = {"norm/two.yaml": b"name: two \n", "norm/three.yaml": b"name: three\n"}
    assert stale_specs(tmp_path / "generated", now) == ("norm/one.yaml", "norm/three.yaml", "norm/two.yaml")


@pytest.mark.parametrize("manifest", [None, "", "{}", '{"files": {"cpu/one.cpp": {}}}'])
def test_nothing_is_stale_without_a_manifest(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    assert stale_specs(tmp_path, SPECS) == ()


def test_build_warns_of_a_stale_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from backends import build_generated

    for path, content in SPECS.items():
        (tmp_path / "specs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "specs" / path).write_bytes(content)
    write_tree(tmp_path / "generated", TREE, SPECS)
    (tmp_path / "specs/norm/two.yaml").write_text("name: two # changed\n")
    monkeypatch.setattr(cli, "SPECS", tmp_path / "specs")
    monkeypatch.setattr(cli, "GENERATED", tmp_path / "generated")
    monkeypatch.setattr(build_generated, "run", lambda options: 0)
    assert cli.main(["build"]) == 0
    assert capsys.readouterr().err == (
        "warning: generated/ is not what specs/norm/two.yaml gives now; run `python build.py generate`\n"
    )


# Names


@pytest.mark.parametrize("name", sorted(PACKAGE_NAMES))
def test_new_refuses_what_generate_would_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "SPECS", tmp_path)
    assert cli.main(["new", f"norm/{name}"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f'error: "{name}" ') and said.endswith("; choose another name\n")
    assert not list(tmp_path.iterdir())


def test_the_packages_own_names_are_reserved() -> None:
    """A kernel's name becomes an attribute of the package, where it would hide these."""
    package = cli.ROOT / "generated/python/sgl_kernel/__init__.py"
    bound = {
        target.id
        for node in ast.parse(package.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and not target.id.startswith("_")
    }
    assert bound <= PACKAGE_NAMES


def test_a_kernel_has_the_name_of_its_file(tmp_path: Path) -> None:
    """Commands and the manifest look it up by that."""
    (tmp_path / "norm").mkdir()
    spec = cli.ROOT / "specs/norm/rms_norm.yaml"
    (tmp_path / "norm/copied.yaml").write_bytes(spec.read_bytes())
    with pytest.raises(SpecError) as caught:
        compile_folder(tmp_path)
    assert str(caught.value) == (
        "specs/norm/copied.yaml:2:7: error[file-name]: "
        "the kernel `rms_norm` stands in a file called copied.yaml\n"
        "    name: rms_norm\n"
        "          ^^^^^^^^\n"
        "    help: call the file specs/norm/rms_norm.yaml, or the kernel `copied`"
    )


@pytest.mark.parametrize("kernel", ["one", "norm/one", "specs/norm/one.yaml"])
def test_explain_takes_a_kernel_with_its_folder_or_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    (tmp_path / "specs/norm").mkdir(parents=True)
    (tmp_path / "specs/norm/one.yaml").write_bytes(SPECS["norm/one.yaml"])
    monkeypatch.setattr(cli, "SPECS", tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    assert cli._find_spec(kernel).samefile(tmp_path / "specs/norm/one.yaml")


# Help


@pytest.mark.parametrize(("command", "argument"), [("demo", "kernels to show"), ("bench", "--results")])
def test_help_lists_the_arguments_of_the_command(command: str, argument: str) -> None:
    done = subprocess.run(
        [sys.executable, "build.py", command, "--help"],
        cwd=cli.ROOT, env={**os.environ, "COLUMNS": "100"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"usage: build.py {command} " in done.stdout
    assert argument in done.stdout
