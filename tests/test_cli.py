"""The front door: what each command says, its exit status, and that nothing happens before one runs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import build as cli
from codegen.artifacts import write_tree
from codegen.progress import Progress
from kernel_ir.errors import CompilerBug, Diagnostic, Span, SpecError, TargetError

SPEC = "name: one\n"
TREE = {"cpu/one.cpp": b"int one;\n"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one spec, with a generator that gives TREE."""
    (tmp_path / "specs/family").mkdir(parents=True)
    (tmp_path / "specs/family/one.yaml").write_text(SPEC)
    for name, folder in (("SPECS", "specs"), ("GENERATED", "generated"), ("BUILD", "build")):
        monkeypatch.setattr(cli, name, tmp_path / folder)
    generate_with(monkeypatch, lambda specs, backends: TREE)
    return tmp_path


def generate_with(monkeypatch: pytest.MonkeyPatch, generate_tree: object) -> None:
    """Put a stand-in where the commands import the generator from."""
    import codegen

    pipeline = ModuleType("codegen.pipeline")
    pipeline.generate_tree = generate_tree  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "codegen.pipeline", pipeline)
    monkeypatch.setattr(codegen, "pipeline", pipeline, raising=False)


def fail_with(error: BaseException) -> object:
    def generate_tree(specs: Path, backends: object) -> dict[str, bytes]:
        raise error

    return generate_tree


# Nothing happens before a command runs


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        cli.main(["--help"])
    assert exit_info.value.code == 0
    listed = capsys.readouterr().out
    for command in (
        cli.generate,
        cli.check,
        cli.build,
        cli.test,
        cli.bench,
        cli.explain,
        cli.new,
        cli.doctor,
    ):
        assert f"\n    {command.__name__} " in listed
        assert command.__doc__


@pytest.mark.parametrize(
    "code", ["import build", "import build\ntry: build.main(['--help'])\nexcept SystemExit: pass"]
)
def test_importing_and_help_load_nothing_and_write_nothing(code: str, tmp_path: Path) -> None:
    heavy = {"pydantic", "jinja2", "yaml", "numpy", "codegen", "backends", "kernel_ir"}
    path = f"import sys; sys.path.insert(0, {str(cli.ROOT)!r})"
    script = f"{path}\n{code}\nprint(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [[], ["fly"], ["check", "--fast"], ["new"]])
def test_a_wrong_command_line_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        cli.main(arguments)
    assert exit_info.value.code == 2
    assert "usage: build.py" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["build.py", "explain", "rms_norm"], ["-m", "codegen.output", "this"]])
def test_output_that_nobody_reads_ends_quietly(command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [sys.executable, *command], cwd=cli.ROOT, stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (run.returncode, run.stderr) == (141, b"")


def test_an_interrupt_of_what_a_command_runs_leaves_no_traceback(tmp_path: Path) -> None:
    """The command, which is interrupted with it, says so."""
    (tmp_path / "interrupted.py").write_text("raise KeyboardInterrupt\n")
    command = [sys.executable, "-m", "codegen.output", "interrupted"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(cli.ROOT)))}
    run = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (130, b"")


# generate and check


def test_generate_writes_and_check_agrees(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["generate"]) == 0
    assert cli.main(["generate"]) == 0
    assert cli.main(["check"]) == 0
    assert capsys.readouterr().out == (
        "generated/ is up to date with 1 specs: 2 files written, 0 removed\n"
        "generated/ is up to date with 1 specs: 0 files written, 0 removed\n"
        "generated/ is what the 1 specs give\n"
    )
    assert (project / "generated/cpu/one.cpp").read_bytes() == TREE["cpu/one.cpp"]


def test_check_prints_the_difference_and_fails(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tree(project / "generated", TREE, {"family/one.yaml": SPEC.encode()})
    (project / "generated/cpu/one.cpp").write_text("int two;\n")
    assert cli.main(["check"]) == 1
    said = capsys.readouterr().err
    assert "generated/cpu/one.cpp: was edited by hand\n" in said
    assert "-int two;\n+int one;\n" in said
    assert said.endswith("error: 1 files differ; run `python build.py generate`\n")
    assert (project / "generated/cpu/one.cpp").read_text() == "int two;\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal_and_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    said = []
    for stream in (Terminal(), io.StringIO()):
        with Progress("generate", stream) as report:
            report(1, 12, "one")
            report(2, 12, "a_name_longer_than_the_line")
        said.append(stream.getvalue())
    clear = "\r\x1b[K"
    assert said == [f"{clear}[1/12] generate one{clear}[2/12] generate a_name_{clear}", ""]


# Failures


def test_a_wrong_spec_is_shown_with_its_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = Diagnostic("bad-name", "no such thing", Span(1, 7, 1, 10), "try another")
    generate_with(monkeypatch, fail_with(SpecError("specs/family/one.yaml", SPEC, (problem,))))
    assert cli.main(["generate"]) == 1
    assert capsys.readouterr().err == (
        "specs/family/one.yaml:1:7: error[bad-name]: no such thing\n"
        "    name: one\n"
        "          ^^^\n"
        "    help: try another\n"
    )


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            TargetError("cpu", "a thing", "one", "why"),
            1,
            "error: one: target cpu cannot compile a thing: why\n",
        ),
        (PermissionError(13, "Permission denied", "x"), 1, "error: [Errno 13] Permission denied: 'x'\n"),
        (ModuleNotFoundError("no", name="yaml"), 1, "error: yaml is not installed; run `make venv`"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_a_failure_is_one_message(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    message: str,
) -> None:
    generate_with(monkeypatch, fail_with(error))
    assert cli.main(["check"]) == status
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize("error", [CompilerBug("a rule was broken"), ZeroDivisionError("division")])
def test_a_bug_asks_to_be_reported(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    generate_with(monkeypatch, fail_with(error))
    assert cli.main(["generate"]) == 70
    said = capsys.readouterr().err
    assert str(error) in said
    assert said.endswith(
        "this is a bug of the compiler, not of your spec; please report it with the lines above\n"
    )


def test_a_wrong_setting_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SGL_PACKAGE_NAME", "../sgl")
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().err == "error: SGL_PACKAGE_NAME='../sgl' is not a lower-case Python name\n"


# new, explain, test, clean


def test_new_starts_a_spec_that_loads(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from kernel_ir.load import load_file

    assert cli.main(["new", "norm/scale_rows"]) == 0
    assert "next: edit it, then `python build.py generate`" in capsys.readouterr().out
    assert load_file(project / "specs/norm/scale_rows.yaml").spec.name == "scale_rows"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("scale", "names no family"),
        ("norm/Scale", "is not a legal name"),
        ("norm/half", "reserved in"),
        ("norm/a__b", "is not a legal name"),
        ("../norm/scale", "is not a legal name"),
        ("norm/scale/more", "is not a legal name"),
        ("other/one", "is already there"),
    ],
)
def test_new_refuses_a_bad_or_taken_name(
    project: Path, name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(project.rglob("*"))
    assert cli.main(["new", name]) == 1
    assert message in capsys.readouterr().err
    assert sorted(project.rglob("*")) == before


def test_explain_names_a_kernel_that_is_not_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "two"]) == 1
    assert capsys.readouterr().err == "error: no spec is called 'two'; specs/*/*.yaml are the kernels\n"


def test_further_arguments_go_to_pytest(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        started.append(command)
        return subprocess.CompletedProcess(command, 5)

    monkeypatch.setattr(subprocess, "run", run)
    assert cli.main(["test", "tests/test_cli.py", "-k", "bug", "-x"]) == 5
    further = ["tests/test_cli.py", "-k", "bug", "-x"]
    assert started == [[sys.executable, "-m", "codegen.output", "pytest", *further]]


def test_clean_removes_what_build_made(project: Path) -> None:
    (project / "build/objects").mkdir(parents=True)
    assert cli.main(["clean"]) == 0
    assert cli.main(["clean"]) == 0
    assert not (project / "build").exists()
