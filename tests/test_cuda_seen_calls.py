"""Which calls pass for one that was seen before, on the CPU: the rest is decided and checked anew."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from backends.tools import find_program

ROOT = Path(__file__).parent.parent
PLACES = (Path("/usr/local/cuda/include"), Path("/usr/include"))
HEADERS = next((place for place in PLACES if (place / "cuda.h").exists()), None)
PLACED = {"is_found": True, "fits": True, "is_placed": True}
REFUSED = {"is_found": True, "fits": False, "is_placed": False}
UNKNOWN = {"is_found": False, "fits": False, "is_placed": False}

EXPECTED = {
    "the same": PLACED,
    "other addresses": PLACED,
    "side by side": PLACED,
    "an overlap": REFUSED,
    "an overlap from above": REFUSED,
    "an unaligned result": REFUSED,
}


@pytest.mark.skipif(HEADERS is None or find_program("c++") is None, reason="CUDA's headers are not installed")
def test_only_calls_that_look_alike_and_keep_their_memory_apart_are_repeated(tmp_path: Path) -> None:
    backends = ROOT / "backends"
    sources = [ROOT / "tests/cpp/seen_calls.cpp", backends / "cuda/host/seen_calls.cpp"]
    sources += [backends / "host_runtime" / name for name in ("resolve.cpp", "messages.cpp")]
    flags = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", f"-I{backends}"]
    program = tmp_path / "seen_calls"
    command = ["c++", *flags, "-isystem", str(HEADERS), *map(str, sources), "-o", str(program)]
    subprocess.run(command, check=True)
    printed = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout
    found = {row.pop("call"): row for row in map(json.loads, printed.splitlines())}
    assert len(found) == 13
    for call, row in found.items():
        assert row == EXPECTED.get(call, UNKNOWN), call
