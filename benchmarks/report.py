"""One file that says how the package does on a machine: `python build.py report`.

It runs the tests, runs those of the MLX ops again with Metal's shader validation, measures every op beside
its peers, and writes what came of it as JSON. It is made for Macs, which this project is developed without;
on other machines it does what can be done there, and says what it left out.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backends.tools import try_command
from codegen.failures import Failure

ROOT = Path(__file__).resolve().parent.parent
ON_MLX = ("tests/test_ops_mlx.py", "tests/test_host_mlx.py")
VALIDATION = {"MTL_SHADER_VALIDATION": "1", "MTL_DEBUG_LAYER": "1"}
PACKAGES = ("mlx", "mlx-metal", "nanobind", "numpy", "torch")
# What Metal's validation writes to stderr for a fault in a shader or in how it was launched.
COMPLAINTS = ("Invalid device", "failed assertion", "Shader Validation", "validation error")


@dataclass(frozen=True, slots=True)
class TestRun:
    """How a run of pytest went. `failures` and `skips` name the test with the reason."""

    command: str
    passed: int
    failures: dict[str, str]
    skips: dict[str, str]
    complaints: list[str]

    @property
    def is_clean(self) -> bool:
        return self.passed > 0 and not self.failures and not self.complaints


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything and write the report; 1 where a test failed or validation complained."""
    parser = argparse.ArgumentParser(prog="build.py report", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "build/report.json", help="where to write")
    parser.add_argument("selection", nargs="*", default=["tests"], help="for pytest, in place of all tests")
    parsed = parser.parse_args(arguments)
    try:
        return write_report(parsed.output, parsed.selection)
    except Failure as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def write_report(target: Path, selection: Sequence[str]) -> int:
    """The report of a run of the selected tests; the exit status."""
    _require_pytest()
    is_mac = platform.system() == "Darwin"
    runs = {"tests": run_tests(selection, {})}
    if is_mac:
        runs["validated"] = run_tests(ON_MLX, VALIDATION)
    report = {
        "machine": describe(),
        "runs": {name: asdict(run) for name, run in runs.items()},
        "left out": {} if is_mac else {"validated": "shader validation needs macOS"},
        "benchmark": measure(),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=1) + "\n")
    for name, run in runs.items():
        print(f"{name}: {run.passed} passed, {len(run.failures)} failed, {len(run.skips)} skipped")
    print(f"wrote {os.path.relpath(target)}")
    return 0 if all(run.is_clean for run in runs.values()) else 1


def run_tests(selection: Sequence[str], environment: Mapping[str, str]) -> TestRun:
    """pytest over files, with further variables of the environment."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={results}", *selection]
        settings = " ".join(f"{name}={value}" for name, value in environment.items())
        shown = f"{settings} pytest {' '.join(selection)}".strip()
        print(shown, flush=True)
        variables = {**os.environ, **environment}
        done = subprocess.run(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True)
        if not results.exists():
            raise Failure(f"pytest stopped with status {done.returncode}:\n{done.stderr.strip()}")
        return read_results(results.read_text(), shown, done.stderr)


def read_results(text: str, command: str, errors: str = "") -> TestRun:
    """A run from pytest's JUnit file and what it wrote to stderr."""
    cases = list(xml.fromstring(text).iter("testcase"))
    failures = {_name(case): reason for case in cases for reason in _reasons(case, "failure", "error")}
    skips = {_name(case): reason for case in cases for reason in _reasons(case, "skipped")}
    complaints = [line for line in errors.splitlines() if any(words in line for words in COMPLAINTS)]
    return TestRun(command, len(cases) - len(failures) - len(skips), failures, skips, complaints)


def _name(case: xml.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def _reasons(case: xml.Element, *kinds: str) -> Iterator[str]:
    found = [item.get("message") or (item.text or "") for kind in kinds for item in case.iter(kind)]
    yield from found[:1]


def describe() -> dict[str, Any]:
    """The machine and the versions of what the package was built with."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor(),
        "metal": _output("xcrun", "-sdk", "macosx", "metal", "--version"),
        "packages": versions,
        "device": _device(),
    }


def _device() -> str | None:
    """Where MLX runs by default."""
    try:
        import mlx.core as mx
    except ImportError:
        return None
    return str(mx.default_device())


def _output(*command: str) -> str | None:
    """The first line that a program prints; None where it is missing or fails."""
    outcome = try_command(command)
    return outcome.first_line if outcome.status == 0 else None


def measure() -> Any:
    """The benchmark's document."""
    from benchmarks import cpu

    with tempfile.TemporaryDirectory() as folder:
        cpu.main(ROOT / "specs", Path(folder), "python build.py bench")
        return json.loads((Path(folder) / "cpu.json").read_text())


def _require_pytest() -> None:
    if importlib.util.find_spec("pytest") is None:
        raise Failure("pytest is not installed; run `make venv`, then `.venv/bin/python build.py report`")


if __name__ == "__main__":
    sys.exit(main())
