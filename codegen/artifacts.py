"""The generated tree on disk: written all at once or not at all, and compared byte for byte.

`write_tree` stages the new tree in a sibling folder, links what has not changed, and swaps the two folders in
one step, so a killed run leaves the old tree or the new one and never a mixture. `compare_tree` reports every
way in which the tree on disk differs from the one the specs give.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from codegen.failures import Failure
from codegen.swap import exchange, locked
from kernel_ir.errors import CompilerBug

MANIFEST = "manifest.json"
_EDITION = 1
_CACHES = frozenset({"__pycache__"})
_DIFF_LINES = 60

Files = Mapping[str, bytes]
ProblemKind = Literal["missing", "stale", "edited", "extra", "irregular"]


class OutputError(Failure):
    """The output folder holds something that is not the generator's to replace."""


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What a run changed, as sorted paths relative to the tree."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One way in which the tree on disk is not the tree that the specs give; `diff` may be empty."""

    kind: ProblemKind
    path: str
    diff: str = ""


_MEANINGS: dict[str, str] = {
    "missing": "is not there",
    "stale": "is out of date",
    "edited": "was edited by hand",
    "extra": "is not generated from any spec",
    "irregular": "is a link or a special file",
}


def render_problems(problems: tuple[Problem, ...], root: Path) -> str:
    """One paragraph a problem: what is wrong with which file, then its diff."""
    heads = [f"{root / item.path}: {_MEANINGS[item.kind]}" for item in problems]
    return "\n".join(f"{head}\n{item.diff}".rstrip() for head, item in zip(heads, problems, strict=True))


def read_specs(folder: Path) -> dict[str, bytes]:
    """Every spec under `folder`, keyed by its path relative to it with forward slashes, sorted."""
    paths = sorted(path for path in folder.rglob("*.yaml") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def with_manifest(files: Files, specs: Files) -> dict[str, bytes]:
    """`files` and the manifest that records, for each, its hash, its spec and that spec's hash."""
    _require_legal_paths(files)
    by_kernel = {PurePosixPath(path).stem: path for path in specs}
    rows = {path: _manifest_row(path, files[path], specs, by_kernel) for path in sorted(files)}
    text = json.dumps({"edition": _EDITION, "files": rows}, indent=1, sort_keys=True)
    return {**{path: files[path] for path in sorted(files)}, MANIFEST: text.encode() + b"\n"}


def write_tree(root: Path, files: Files, specs: Files) -> WriteReport:
    """Make `root` hold exactly `files` and their manifest. Files that do not change keep their time stamps.

    Raises OutputError where `root` holds files that neither `files` nor the manifest on disk lists, links,
    or is locked for a minute by another run; OSError where the disk refuses. Either way `root` is as before.
    """
    wanted = with_manifest(files, specs)
    root = Path(os.path.abspath(root))
    root.parent.mkdir(parents=True, exist_ok=True)
    with locked(root.parent):
        _recover(root)
        present = _scan(root)
        _require_ours(root, present, wanted)
        report = _difference(root, present, wanted)
        if report != WriteReport() or not root.exists():
            _replace(root, wanted, frozenset(report.written))
        return report


def compare_tree(root: Path, files: Files, specs: Files) -> tuple[Problem, ...]:
    """Every difference between `root` on disk and `files` with their manifest, sorted by path."""
    wanted = with_manifest(files, specs)
    present = _scan(root)
    recorded = _recorded_hashes(root)
    found = [_compare_file(root, path, wanted, present, recorded) for path in sorted({*wanted, *present})]
    return tuple(problem for problem in found if problem is not None)


def stale_specs(root: Path, specs: Files) -> tuple[str, ...]:
    """The specs that changed, came or went since the tree at `root` was written, sorted.

    Cheap: hashes of the specs against the manifest. None where there is no manifest to compare with.
    """
    hashes = _recorded(root, "spec_sha256")
    if not hashes:
        return ()
    recorded = {spec: hashes[path] for path, spec in _recorded(root, "spec").items() if spec}
    now = {path: _digest(content) for path, content in specs.items()}
    return tuple(path for path in sorted({*recorded, *now}) if recorded.get(path) != now.get(path))


def _require_legal_paths(files: Files) -> None:
    """A path is relative, normal, and no other path's folder or twin in another case."""
    folded: dict[str, str] = {}
    for path in sorted(files):
        parts = path.split("/")
        if path != path.strip() or any(part in ("", ".", "..") for part in parts) or "\0" in path:
            raise CompilerBug(f"generated path {path!r} is not a plain relative path")
        twin = folded.setdefault(path.casefold(), path)
        if twin != path or path == MANIFEST:
            raise CompilerBug(
                f"generated path {path!r} collides with {MANIFEST if path == MANIFEST else twin!r}"
            )
    for path in files:
        parents = (parent.as_posix() for parent in PurePosixPath(path).parents)
        if any(parent.casefold() in folded for parent in parents):
            raise CompilerBug(f"generated path {path!r} lies below another generated file")


def _manifest_row(
    path: str, content: bytes, specs: Files, by_kernel: Mapping[str, str]
) -> dict[str, str | None]:
    spec = _spec_of(path, by_kernel)
    return {"sha256": _digest(content), "spec": spec, "spec_sha256": _digest(specs[spec]) if spec else None}


def _spec_of(path: str, by_kernel: Mapping[str, str]) -> str | None:
    """The spec that a file is named after (`cpu/name.cpp`, `tests/test_name.py`); None for shared files."""
    pure = PurePosixPath(path)
    stem = pure.name.split(".")[0]
    return by_kernel.get(stem) or by_kernel.get(stem.removeprefix("test_").removeprefix("bench_"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _scan(root: Path) -> dict[str, int]:
    """The mode of everything under `root` that is not a folder, by relative path; links are not followed."""
    if not os.path.lexists(root):
        return {}
    if not stat.S_ISDIR(root.lstat().st_mode):
        raise OutputError(f"{root} is not a folder; move it away")
    return dict(_walk(root, ""))


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda item: item.name):
            if not entry.is_dir(follow_symlinks=False):
                yield prefix + entry.name, entry.stat(follow_symlinks=False).st_mode
            elif entry.name not in _CACHES:
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")


def _recorded_hashes(root: Path) -> dict[str, str]:
    return _recorded(root, "sha256")


def _recorded(root: Path, key: str) -> dict[str, str]:
    """What the manifest on disk says of each file under `key`; empty where it is missing or malformed."""
    try:
        rows = json.loads((root / MANIFEST).read_bytes())["files"]
        return {path: row[key] for path, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _require_ours(root: Path, present: Mapping[str, int], wanted: Files) -> None:
    listed = {*_recorded_hashes(root), *wanted}
    odd = [path for path, mode in present.items() if not stat.S_ISREG(mode)]
    foreign = [path for path in present if path not in listed and path not in odd]
    if odd or foreign:
        names = "\n".join(f"  {root / path}" for path in sorted({*odd, *foreign}))
        raise OutputError(f"these files are not generated ones; move them out of {root}:\n{names}")


def _difference(root: Path, present: Mapping[str, int], wanted: Files) -> WriteReport:
    changed = (path for path in wanted if path not in present or (root / path).read_bytes() != wanted[path])
    return WriteReport(tuple(sorted(changed)), tuple(sorted(path for path in present if path not in wanted)))


def _compare_file(
    root: Path, path: str, wanted: Files, present: Mapping[str, int], recorded: Mapping[str, str]
) -> Problem | None:
    if path not in present:
        return Problem("missing", path)
    if not stat.S_ISREG(present[path]):
        return Problem("irregular", path)
    if path not in wanted:
        return Problem("stale" if path in recorded else "extra", path)
    content = (root / path).read_bytes()
    if content == wanted[path]:
        return None
    edited = path in recorded and recorded[path] != _digest(content)
    return Problem("edited" if edited else "stale", path, _diff(path, content, wanted[path]))


def _diff(path: str, on_disk: bytes, wanted: bytes) -> str:
    """A unified diff from the file on disk to the wanted one, cut after `_DIFF_LINES` lines."""
    before, after = (content.decode("utf-8", "replace").splitlines() for content in (on_disk, wanted))
    lines = list(difflib.unified_diff(before, after, f"{path} (on disk)", f"{path} (generated)", lineterm=""))
    if len(lines) > _DIFF_LINES:
        lines[_DIFF_LINES:] = [f"... {len(lines) - _DIFF_LINES} more lines"]
    return "\n".join(lines)


def _beside(root: Path, role: str) -> Path:
    return root.parent / f".{root.name}.{role}"


def _recover(root: Path) -> None:
    """Undo what a killed run left beside `root`: only the rename pair can have taken `root` away."""
    previous = _beside(root, "previous")
    if not os.path.lexists(root) and previous.is_dir():
        os.rename(previous, root)
    for leftover in (_beside(root, "stage"), previous):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)


def _replace(root: Path, wanted: Files, changed: frozenset[str]) -> None:
    """Stage the whole new tree beside `root` and swap it in; on failure the stage is removed."""
    stage = _beside(root, "stage")
    try:
        os.mkdir(stage)
        _fill(stage, root, wanted, changed)
        _swap_in(stage, root)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise


def _fill(stage: Path, root: Path, wanted: Files, changed: frozenset[str]) -> None:
    """Put every file of `wanted` into `stage`, durably, the manifest after everything it lists."""
    folders = {
        stage,
        *(parent for path in wanted for parent in (stage / path).parents if stage in parent.parents),
    }
    for folder in sorted(folders - {stage}):
        folder.mkdir()
    for path in sorted(wanted, key=lambda name: (name == MANIFEST, name)):
        if path in changed:
            _write_durably(stage / path, wanted[path])
        else:
            _link_or_copy(root / path, stage / path)
    for folder in sorted(folders, reverse=True):
        _sync_folder(folder)


def _write_durably(path: Path, content: bytes) -> None:
    with open(path, "xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _link_or_copy(source: Path, target: Path) -> None:
    """A hard link keeps the time stamp, so a build sees no change; some file systems have none."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _swap_in(stage: Path, root: Path) -> None:
    """Make `stage` the tree: in one step where the system can exchange folders, else by two renames."""
    previous = _beside(root, "previous")
    if not root.exists():
        os.rename(stage, root)
    elif exchange(stage, root):
        previous = stage
    else:
        os.rename(root, previous)
        os.rename(stage, root)
    _sync_folder(root.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot sync a folder, and need not
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
