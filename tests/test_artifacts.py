"""The generated tree is written all at once or not at all, and every difference is found and named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from artifact_faults import NEW, OLD, SPECS, state

from codegen import artifacts
from codegen.artifacts import OutputError, Problem, WriteReport, compare_tree, render_problems, write_tree
from codegen.swap import LockTimeout, exchange, locked
from kernel_ir.errors import CompilerBug

FAULTS = Path(__file__).with_name("artifact_faults.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A written tree: OLD."""
    write_tree(tmp_path / "generated", OLD, SPECS)
    return tmp_path / "generated"


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", str(FAULTS), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result_of(process: subprocess.Popen[str]) -> Any:
    output, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(output)


# Writing


def test_a_run_reports_what_it_changed(root: Path) -> None:
    report = write_tree(root, NEW, SPECS)
    assert report == WriteReport(("big", "cpu/one.cpp", "host/new.h", "manifest.json"), ("gone/deep/one.h",))
    assert state(root) == "new"
    assert not (root / "gone").exists()


def test_what_does_not_change_is_not_written(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert write_tree(root, OLD, SPECS) == WriteReport()
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    kept = root / "cpu/two.cpp"
    write_tree(root, NEW, SPECS)
    assert kept.stat().st_mtime_ns == before[kept]


def test_the_manifest_records_every_file_its_spec_and_both_hashes(root: Path) -> None:
    rows = json.loads((root / "manifest.json").read_text())["files"]
    assert sorted(rows) == sorted(OLD)
    assert rows["cpu/one.cpp"] == {
        "sha256": "01d09d19c2139a46aebfb577780d123d7396e97201bc7ead210a2ebff8239dee",
        "spec": "family/one.yaml",
        "spec_sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
    }


def test_a_file_is_attributed_to_the_spec_that_it_is_named_after(tmp_path: Path) -> None:
    files = dict.fromkeys(("tests/test_one.py", "cpu/two.cpp", "build.json", "docs/one.md"), b"")
    write_tree(tmp_path / "tree", files, SPECS)
    rows = json.loads((tmp_path / "tree/manifest.json").read_text())["files"]
    assert {path: row["spec"] for path, row in rows.items()} == {
        "tests/test_one.py": "family/one.yaml",
        "cpu/two.cpp": "family/two.yaml",
        "docs/one.md": "family/one.yaml",
        "build.json": None,
    }


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    write_tree(tmp_path / "a", NEW, SPECS)
    write_tree(tmp_path / "b", dict(reversed(NEW.items())), dict(reversed(SPECS.items())))
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()


def test_a_file_that_no_manifest_lists_is_never_removed(root: Path) -> None:
    (root / "notes.txt").write_text("mine")
    with pytest.raises(
        OutputError, match=r"not generated ones; move them out of .*\n .*/generated/notes.txt$"
    ):
        write_tree(root, NEW, SPECS)
    assert (root / "notes.txt").read_text() == "mine"
    (root / "notes.txt").unlink()
    assert state(root) == "old"


def test_without_a_readable_manifest_nothing_is_removed(root: Path) -> None:
    (root / "manifest.json").write_text("<<<<<<< ours")
    with pytest.raises(OutputError, match=r"gone/deep/one\.h"):
        write_tree(root, NEW, SPECS)
    write_tree(root, OLD, SPECS)
    assert state(root) == "old"


def test_links_are_refused_and_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.cpp"
    outside.write_text("precious")
    (root / "cpu/one.cpp").unlink()
    (root / "cpu/one.cpp").symlink_to(outside)
    with pytest.raises(OutputError, match=r"cpu/one\.cpp"):
        write_tree(root, NEW, SPECS)
    assert [problem.kind for problem in compare_tree(root, OLD, SPECS)] == ["irregular"]
    assert outside.read_text() == "precious"


def test_a_linked_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "generated").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="not a folder"):
        write_tree(tmp_path / "generated", OLD, SPECS)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    "path", ["../up", "/etc/motd", "a//b", "a/./b", "", "manifest.json", "CPU/ONE.cpp", "cpu"]
)
def test_an_illegal_path_is_a_bug_of_the_compiler(tmp_path: Path, path: str) -> None:
    with pytest.raises(CompilerBug, match="generated path"):
        write_tree(tmp_path / "tree", {**OLD, path: b""}, SPECS)
    assert not (tmp_path / "tree").exists()


# Faults


@pytest.mark.parametrize(
    ("way", "allowed"), [("exchange", {"old", "new"}), ("renames", {"old", "new", "absent"})]
)
def test_a_killed_run_leaves_one_whole_tree(tmp_path: Path, way: str, allowed: set[str]) -> None:
    """`absent` is the moment between two renames, where there is no exchange: the next run mends it."""
    rows = result_of(start("killed", way, str(tmp_path / "generated")))
    assert len(rows) > 30
    assert {row["left"] for row in rows} == allowed
    assert {row["then"] for row in rows} == {"new"}
    assert {tuple(row["beside"]) for row in rows} == {("generated",)}


def test_a_full_disk_leaves_the_tree_as_it_was(tmp_path: Path) -> None:
    result = result_of(start("full", str(tmp_path / "generated")))
    assert result == {"error": "File too large", "left": "old", "beside": ["generated"]}


def test_a_failing_swap_leaves_the_tree_as_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(left: Path, right: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(right))

    monkeypatch.setattr(artifacts, "exchange", refuse)
    with pytest.raises(PermissionError):
        write_tree(root, NEW, SPECS)
    assert state(root) == "old"
    assert [path.name for path in root.parent.iterdir()] == ["generated"]


def test_where_there_are_no_hard_links_files_are_copied(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(1, "Operation not permitted")

    before = (root / "cpu/two.cpp").stat().st_mtime_ns
    monkeypatch.setattr(os, "link", refuse)
    write_tree(root, NEW, SPECS)
    assert state(root) == "new"
    assert (root / "cpu/two.cpp").stat().st_mtime_ns == before


def test_two_runs_at_once_leave_one_whole_tree(tmp_path: Path) -> None:
    folder = str(tmp_path / "generated")
    writers = [start("rounds", folder, tree, "25") for tree in ("old", "new", "old")]
    assert [result_of(writer)["rounds"] for writer in writers] == [25, 25, 25]
    assert state(tmp_path / "generated") in ("old", "new")


def test_a_lock_that_is_held_is_waited_for_and_then_named(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(LockTimeout, match="another run is at work"), locked(tmp_path, 0.05):
        pass
    with locked(tmp_path, 0.0):
        pass


def test_exchange_swaps_two_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "who").write_text(name)
    if not exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip(f"the file system of {tmp_path} cannot exchange folders")
    assert [(tmp_path / name / "who").read_text() for name in ("a", "b")] == ["b", "a"]


# Comparing


def test_an_untouched_tree_has_no_problems(root: Path) -> None:
    (root / "cpu/__pycache__").mkdir()
    (root / "cpu/__pycache__/x.pyc").write_bytes(b"")
    assert compare_tree(root, OLD, SPECS) == ()


def test_every_kind_of_difference_is_told_apart(root: Path) -> None:
    (root / "cpu/one.cpp").unlink()
    (root / "cpu/two.cpp").write_text("same\nbut edited\n")
    (root / "notes.txt").write_text("mine")
    problems = compare_tree(root, {**OLD, "cpu/new.cpp": b""}, SPECS)
    assert [(item.kind, item.path) for item in problems] == [
        ("missing", "cpu/new.cpp"),
        ("missing", "cpu/one.cpp"),
        ("edited", "cpu/two.cpp"),
        ("stale", "manifest.json"),
        ("extra", "notes.txt"),
    ]


def test_a_stale_file_is_shown_as_a_diff(root: Path) -> None:
    (problem,) = [
        item for item in compare_tree(root, {**OLD, "cpu/one.cpp": b"new\n"}, SPECS) if "cpp" in item.path
    ]
    assert problem.kind == "stale"
    assert render_problems((problem,), Path("generated")) == (
        "generated/cpu/one.cpp: is out of date\n"
        "--- cpu/one.cpp (on disk)\n"
        "+++ cpu/one.cpp (generated)\n"
        "@@ -1 +1 @@\n"
        "-old\n"
        "+new"
    )


def test_a_file_of_a_removed_spec_is_stale(root: Path) -> None:
    fewer = {path: content for path, content in OLD.items() if path != "gone/deep/one.h"}
    assert Problem("stale", "gone/deep/one.h") in compare_tree(root, fewer, SPECS)


def test_a_change_of_a_spec_alone_makes_the_manifest_stale(root: Path) -> None:
    problems = compare_tree(root, OLD, {**SPECS, "family/one.yaml": b"changed"})
    assert [(item.kind, item.path) for item in problems] == [("stale", "manifest.json")]
