"""The report of a machine: what pytest and Metal's validation said is in it, and nothing else passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import report

RESULTS = """<testsuites><testsuite name="pytest">
<testcase classname="tests.test_a" name="test_good" />
<testcase classname="tests.test_a" name="test_bad"><failure message="assert 1 == 2">...</failure></testcase>
<testcase classname="tests.test_a" name="test_broken"><error message="no such fixture" /></testcase>
<testcase classname="tests.test_a" name="test_later"><skipped message="needs a GPU" /></testcase>
</testsuite></testsuites>"""


def test_results_are_told_apart() -> None:
    run = report.read_results(RESULTS, "pytest")
    assert run.passed == 1
    assert run.failures == {
        "tests.test_a::test_bad": "assert 1 == 2",
        "tests.test_a::test_broken": "no such fixture",
    }
    assert run.skips == {"tests.test_a::test_later": "needs a GPU"}
    assert not run.is_clean


def test_a_complaint_of_the_validation_layer_fails_a_run() -> None:
    passed = '<testsuite><testcase classname="a" name="b" /></testsuite>'
    assert report.read_results(passed, "pytest", "a warning\n").is_clean
    run = report.read_results(passed, "pytest", "Invalid device load executing kernel f\n")
    assert run.complaints == ["Invalid device load executing kernel f"]
    assert not run.is_clean


def test_a_run_of_nothing_is_not_clean() -> None:
    assert not report.read_results("<testsuite />", "pytest").is_clean


def test_the_file_holds_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "measure", lambda: {"measurements": []})
    monkeypatch.setattr(report.platform, "system", lambda: "Darwin")
    environments = []

    def run_tests(selection: object, environment: dict[str, str]) -> report.TestRun:
        environments.append(environment)
        return report.TestRun("pytest", 3, {}, {}, ["Shader Validation"] if environment else [])

    monkeypatch.setattr(report, "run_tests", run_tests)
    target = tmp_path / "new" / "report.json"
    assert report.main(["--output", str(target)]) == 1
    assert environments == [{}, dict(report.VALIDATION)]
    written = json.loads(target.read_text())
    assert written["runs"]["validated"]["complaints"] == ["Shader Validation"]
    assert {"machine", "runs", "left out", "benchmark"} == set(written)
    assert "tests: 3 passed, 0 failed, 0 skipped" in capsys.readouterr().out


def test_tests_really_run(tmp_path: Path) -> None:
    file = tmp_path / "test_one.py"
    file.write_text("def test_good():\n    pass\n\n\ndef test_bad():\n    assert False\n")
    run = report.run_tests([str(file)], {})
    assert (run.passed, len(run.failures)) == (1, 1)
