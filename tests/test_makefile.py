"""`make` on a machine that lacks something ends with one message; elsewhere it does nothing twice."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The install script, at work in an empty folder, its commands recorded in `install.started`."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "requirements/install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    environment = tmp_path / ".venv"
    python = environment / "bin/python"
    for name, value in (
        ("ENVIRONMENT", environment),
        ("PYTHON", python),
        ("STAMP", environment / "locked.json"),
    ):
        monkeypatch.setattr(module, name, value)
    module.started = []  # type: ignore[attr-defined]

    def run(command: list[str], complaint: str) -> None:
        module.started.append(" ".join(command))  # type: ignore[attr-defined]
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(module, "_run", run)
    return module


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("make") or "make", "--silent", "venv", *arguments]
    settings = {"PATH": "/nowhere", "LC_ALL": "C", **environment}
    return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)


def old_python(folder: Path) -> str:
    path = folder / "python3.9"
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)
    return str(path)


def test_an_old_or_missing_python_is_one_message(tmp_path: Path) -> None:
    for python in (old_python(tmp_path), "no-such-python"):
        done = make(f"PYTHON={python}")
        assert done.returncode != 0
        said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
        assert said == [f"error: PYTHON={python} is not Python 3.10 or newer; try: make PYTHON=python3.12"]


def test_a_missing_compiler_is_one_message() -> None:
    done = make(f"PYTHON={sys.executable}")
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1
    assert said[0].startswith(
        "error: looked for a C++20 compiler (gcc 11, clang 14 or newer); found c++ (not found), "
    )
    assert "to mend it: " in said[0]


def test_a_python_without_ensurepip_is_one_message(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ensurepip" else known(name)
    )
    assert install.main("") == 1
    said = capsys.readouterr().err
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert said.startswith(f"error: {sys.executable} has no ensurepip; apt-get install python{version}-venv")
    assert said.count("\n") == 1
    assert install.started == []


def test_the_lock_is_installed_with_hashes_and_once(install: ModuleType) -> None:
    assert [install.main(""), install.main("")] == [0, 0]
    made, installed = install.started
    assert made.endswith(f"-m venv {install.ENVIRONMENT}")
    assert installed.endswith(f"--require-hashes -r {install.LOCK}")


def test_a_new_lock_or_python_installs_anew(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install.main("")
    (install.ENVIRONMENT / "left-over").touch()
    lock = tmp_path / "project.txt"
    lock.write_text("other==1\n")
    monkeypatch.setattr(install, "LOCK", lock)
    monkeypatch.setattr(install, "ROOT", tmp_path)
    install.main("")
    assert len(install.started) == 4
    assert not (install.ENVIRONMENT / "left-over").exists()
    monkeypatch.setattr(install, "_this_python", lambda: "another")
    install.main("")
    assert len(install.started) == 6


def test_torch_is_added_once_and_only_when_asked(install: ModuleType) -> None:
    install.main("")
    assert not any(install.TORCH in command for command in install.started)
    install.main("1")
    install.main("1")
    assert [command.split()[-1] for command in install.started if install.TORCH in command] == [
        "torch==2.13.0"
    ]


def test_a_torch_that_cannot_be_had_is_no_failure(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = install._run

    def run(command: list[str], complaint: str) -> None:
        if install.TORCH in command:
            raise install.Failure(complaint)
        recorded(command, complaint)

    monkeypatch.setattr(install, "_run", run)
    assert install.main("1") == 0
    assert "going on without torch==2.13.0" in capsys.readouterr().out


def test_an_interrupted_install_starts_anew(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = install._run

    def interrupt(command: list[str], complaint: str) -> None:
        if "--require-hashes" in command:
            raise KeyboardInterrupt
        recorded(command, complaint)

    monkeypatch.setattr(install, "_run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        install.main("")
    monkeypatch.setattr(install, "_run", recorded)
    assert install.main("") == 0
    assert "lock" in json.loads(install.STAMP.read_text())


def test_an_environment_of_someone_else_is_left_alone(
    install: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    install.ENVIRONMENT.mkdir()
    (install.ENVIRONMENT / "precious").touch()
    assert install.main("") == 1
    assert "is not this project's; move it away" in capsys.readouterr().err
    assert (install.ENVIRONMENT / "precious").exists()


@pytest.mark.parametrize("name", ["project", "lint"])
def test_every_locked_requirement_has_a_version_and_hashes_and_no_host(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text().replace("\\\n", " ")
    rows = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert all("==" in row and "--hash=sha256:" in row for row in rows)
    assert "://" not in text
    assert "--index-url" not in text
