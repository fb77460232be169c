"""A program for test_artifacts: writes a tree under a fault, and prints what is left as JSON.

`killed exchange|renames FOLDER`  kill -9 at each file operation in turn, then write again
`full FOLDER`                     a disk that takes no file of more than 4,000 bytes
`rounds FOLDER OLD|NEW COUNT`     write one tree over and over
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from codegen import artifacts

SPECS = {"family/one.yaml": b"one", "family/two.yaml": b"two"}
OLD = {"cpu/one.cpp": b"old\n", "cpu/two.cpp": b"same\n", "gone/deep/one.h": b"gone\n"}
NEW = {"cpu/one.cpp": b"new\n", "cpu/two.cpp": b"same\n", "host/new.h": b"new\n", "big": b"0" * 5000}
_FILE_OPERATIONS = frozenset(
    {"open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.scandir"}
)


def state(root: Path) -> str:
    """`old` or `new` where the tree is exactly that, `absent` where there is none, else `mixed`."""
    if not root.exists():
        return "absent"
    trees = {"old": OLD, "new": NEW}
    return next(
        (name for name, tree in trees.items() if not artifacts.compare_tree(root, tree, SPECS)), "mixed"
    )


def die_at(operation: int) -> None:
    """From now on, end this process without warning at its `operation`-th file operation."""
    counter = itertools.count(1)

    def hook(event: str, arguments: object) -> None:
        if event in _FILE_OPERATIONS and next(counter) == operation:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def killed(way: str, root: Path) -> list[dict[str, object]]:
    if way == "renames":
        artifacts.exchange = lambda left, right: False  # type: ignore[assignment]
    rows: list[dict[str, object]] = []
    for operation in itertools.count(1):
        artifacts.write_tree(root, OLD, SPECS)
        child = os.fork()
        if child == 0:
            die_at(operation)
            artifacts.write_tree(root, NEW, SPECS)
            os._exit(0)
        died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        left = state(root)
        artifacts.write_tree(root, NEW, SPECS)
        beside = sorted(path.name for path in root.parent.iterdir())
        rows.append({"died": died, "left": left, "then": state(root), "beside": beside})
        if not died:
            return rows
    raise AssertionError("not reached")


def full(root: Path) -> dict[str, object]:
    artifacts.write_tree(root, OLD, SPECS)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        artifacts.write_tree(root, NEW, SPECS)
        error = ""
    except OSError as problem:
        error = os.strerror(problem.errno or 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    return {
        "error": error,
        "left": state(root),
        "beside": sorted(path.name for path in root.parent.iterdir()),
    }


def rounds(root: Path, tree: dict[str, bytes], count: int) -> dict[str, object]:
    for _ in range(count):
        artifacts.write_tree(root, tree, SPECS)
    return {"rounds": count}


def main(mode: str, *arguments: str) -> object:
    match mode, arguments:
        case "killed", (way, folder):
            return killed(way, Path(folder))
        case "full", (folder,):
            return full(Path(folder))
        case "rounds", (folder, tree, count):
            return rounds(Path(folder), {"old": OLD, "new": NEW}[tree], int(count))
    raise SystemExit(f"unknown mode {mode}")


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
