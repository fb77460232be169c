"""The cache gives back what was kept or nothing, whatever happens to its files and whoever is at work."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fake_mac import FakeMac, search_path
from hypothesis import given
from hypothesis import strategies as st

from backends.machine import Machine
from backends.metal.toolchain import cache as cache_module
from backends.metal.toolchain.cache import ContentCache, Made, cache_folder, frame, make_key
from backends.metal.toolchain.compile import compile_shader
from backends.metal.toolchain.compiler import MetalCompiler, MetalTools
from backends.metal.toolchain.stage import link_library

ROOT = Path(__file__).resolve().parent.parent
KEY = make_key(b"a", b"key")
MADE = Made(b"\0\1content", "a warning\n")


@pytest.fixture
def cache(tmp_path: Path) -> ContentCache:
    return ContentCache(tmp_path / "cache")


def entry(cache: ContentCache, key: str = KEY) -> Path:
    return cache.folder / key[:2] / key


# ---- keys ----------------------------------------------------------------------------------------

Fields = st.lists(st.binary(max_size=6), max_size=4)


@given(Fields, Fields)
def test_two_lists_of_fields_have_two_keys(left: list[bytes], right: list[bytes]) -> None:
    assert (make_key(*left) == make_key(*right)) == (left == right)


def test_fields_cannot_run_into_each_other() -> None:
    assert frame(b"ab", b"c") != frame(b"a", b"bc") != frame(b"abc")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: ContentCache) -> MetalTools:
    mac = FakeMac(tmp_path / "tools" / "bin")
    monkeypatch.setenv("PATH", search_path(mac))
    return MetalTools(MetalCompiler(str(mac.folder / "xcrun"), "", "1", "identity"), cache)


def count(cache: ContentCache) -> int:
    return sum(path.is_file() for path in cache.folder.glob("*/*"))


def test_whatever_decides_an_air_is_in_its_key(tools: MetalTools) -> None:
    other = replace(tools, compiler=replace(tools.compiler, identity="another"))
    calls = (
        ("a.metal", "text", ("-O3",), tools),
        ("b.metal", "text", ("-O3",), tools),
        ("a.metal", "text ", ("-O3",), tools),
        ("a.metal", "text", ("-O2",), tools),
        ("a.metal", "text", ("-O3", "-g"), tools),
        ("a.metal", "text", ("-O3",), other),
    )
    for number, call in enumerate(calls, start=1):
        made = compile_shader(*call)
        assert count(tools.cache) == number
        assert compile_shader(*call) == made
    assert count(tools.cache) == len(calls)


def test_whatever_decides_a_library_is_in_its_key(tools: MetalTools) -> None:
    other = replace(tools, compiler=replace(tools.compiler, identity="another"))
    calls = (
        ({"a.air": b"1", "b.air": b"2"}, "metallib", (), tools),
        ({"a.air": b"2", "b.air": b"1"}, "metallib", (), tools),
        ({"a.air": b"12", "b.air": b""}, "metallib", (), tools),
        ({"a.air": b"1", "c.air": b"2"}, "metallib", (), tools),
        ({"a.air": b"1"}, "metallib", (), tools),
        ({"a.air": b"1", "b.air": b"2"}, "metal", (), tools),
        ({"a.air": b"1", "b.air": b"2"}, "metallib", ("-frecord-sources",), tools),
        ({"a.air": b"1", "b.air": b"2"}, "metallib", (), other),
    )
    for number, call in enumerate(calls, start=1):
        link_library(*call)
        assert count(tools.cache) == number
    swapped = {"b.air": b"2", "a.air": b"1"}
    assert link_library(swapped, "metallib", (), tools) == link_library(*calls[0])
    assert count(tools.cache) == len(calls)


# ---- entries -------------------------------------------------------------------------------------


def test_what_is_kept_comes_back(cache: ContentCache) -> None:
    assert cache.fetch(KEY) is None
    cache.keep(KEY, MADE)
    assert cache.fetch(KEY) == MADE
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    assert entry(cache).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o720, 0o702])
@pytest.mark.parametrize("is_inner", [False, True])
def test_folder_that_others_can_write_to_is_not_read(cache: ContentCache, mode: int, is_inner: bool) -> None:
    cache.keep(KEY, MADE)
    folder = entry(cache).parent if is_inner else cache.folder
    folder.chmod(mode)
    assert cache.fetch(KEY) is None
    cache.keep(KEY, Made(b"another"))
    assert is_inner or "other users can write" in cache.problem()
    folder.chmod(0o700)
    assert cache.fetch(KEY) == MADE


def test_every_flipped_bit_is_found(cache: ContentCache) -> None:
    cache.keep(KEY, MADE)
    good = entry(cache).read_bytes()
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        entry(cache).write_bytes(bad)
        assert cache.fetch(KEY) is None
        assert not entry(cache).exists()


def test_every_shortened_or_longer_entry_is_found(cache: ContentCache) -> None:
    cache.keep(KEY, MADE)
    good = entry(cache).read_bytes()
    for bad in (*(good[:size] for size in range(len(good))), good + b"\0"):
        entry(cache).write_bytes(bad)
        assert cache.fetch(KEY) is None


def test_an_entry_under_another_key_is_found(cache: ContentCache) -> None:
    other = make_key(b"another")
    cache.keep(KEY, MADE)
    cache.keep(other, Made(b"other"))
    entry(cache, other).write_bytes(entry(cache).read_bytes())
    assert cache.fetch(other) is None
    assert cache.fetch(KEY) == MADE


# ---- folders -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        ("darwin", {"HOME": "/home"}, "/home/Library/Caches/sgl-kernel-ir/metal"),
        ("linux", {"HOME": "/home"}, "/home/.cache/sgl-kernel-ir/metal"),
        ("darwin", {"HOME": "/home", "XDG_CACHE_HOME": "/x"}, "/x/sgl-kernel-ir/metal"),
    ],
)
def test_the_folder_is_where_the_system_keeps_caches(
    system: str, environment: dict[str, str], folder: str
) -> None:
    assert cache_folder(Machine(system, "aarch64"), environment) == Path(folder)


def test_a_folder_of_another_user_is_left_alone(cache: ContentCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.keep(KEY, MADE)
    monkeypatch.setattr(cache_module.os, "geteuid", lambda: cache.folder.stat().st_uid + 1)
    assert cache.problem() == "it belongs to another user"
    assert cache.fetch(KEY) is None
    cache.keep(make_key(b"more"), MADE)
    assert count(cache) == 1


def test_without_a_folder_a_build_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    cache = ContentCache(tmp_path / "file" / "cache")
    cache.keep(KEY, MADE)
    assert cache.fetch(KEY) is None
    cache.trim()
    assert cache.problem() == "Not a directory"


def keep_above_a_limit(cache: ContentCache, on_limit: str) -> subprocess.CompletedProcess[str]:
    """Keep an entry in a process that can write half of it; `on_limit` is what the signal for that does."""
    code = f"""
import resource, signal
from pathlib import Path
from backends.metal.toolchain.cache import ContentCache, Made
signal.signal(signal.SIGXFSZ, signal.{on_limit})
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
cache = ContentCache(Path({str(cache.folder)!r}))
cache.keep({KEY!r}, Made(bytes(100_000)))
print(cache.fetch({KEY!r}))
"""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_full_disk_leaves_nothing_behind(cache: ContentCache) -> None:
    """A write that fails half way, as on a full disk."""
    assert keep_above_a_limit(cache, "SIG_IGN").stdout == "None\n"
    assert count(cache) == 0


def test_a_build_that_dies_while_writing_leaves_no_entry(cache: ContentCache) -> None:
    """The kernel ends the process half way through the file."""
    assert keep_above_a_limit(cache, "SIG_DFL").returncode == -signal.SIGXFSZ
    (left,) = cache.folder.glob("*/*")
    assert left.name.startswith(cache_module._STAGED_PREFIX)
    assert left.stat().st_size == 50_000
    assert cache.fetch(KEY) is None
    cache.keep(KEY, MADE)
    assert cache.fetch(KEY) == MADE


def test_what_was_not_used_for_longest_goes_first(cache: ContentCache) -> None:
    keys = [make_key(bytes([number])) for number in range(4)]
    for age, key in enumerate(reversed(keys)):
        cache.keep(key, Made(bytes(1000)))
        os.utime(entry(cache, key), ns=(0, -age * 10**9))
    assert cache.fetch(keys[0]) is not None  # the newest of all now, since it was used
    replace(cache, most_bytes=cache.size() // 2).trim()
    assert [cache.fetch(key) is not None for key in keys] == [True, False, False, True]


def test_what_dead_builds_left_is_removed(cache: ContentCache) -> None:
    cache.keep(KEY, MADE)
    old, new = (entry(cache).with_name(f"{cache_module._STAGED_PREFIX}{name}") for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    cache.trim()
    assert (old.exists(), new.exists()) == (False, True)
    assert cache.fetch(KEY) == MADE


# ---- many builds at once -------------------------------------------------------------------------

_BUILDER = """
import hashlib, random, sys
from pathlib import Path
from backends.metal.toolchain.cache import ContentCache, Made, make_key
cache, rounds, seed = ContentCache(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
keys = [make_key(bytes([number])) for number in range(12)]
draw = random.Random(seed)
wrong = 0
for _ in range(rounds):
    key = draw.choice(keys)
    right = Made(hashlib.sha256(key.encode()).digest() * 10_000, key)
    found = cache.fetch(key)
    wrong += found not in (None, right)
    if found is None or draw.random() < 0.3:
        cache.keep(key, right)
    if draw.random() < 0.05:
        cache.trim()
sys.exit(wrong != 0)
"""


def start_builder(cache: ContentCache, rounds: int, seed: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _BUILDER, str(cache.folder), str(rounds), str(seed)]
    return subprocess.Popen(command, cwd=ROOT)


def survivors(cache: ContentCache) -> Iterator[bool]:
    """Whether each file with an entry's name is that entry, read without the cache's own check."""
    for path in cache.folder.glob("*/[!.]*"):
        yield path.read_bytes() == cache_module._seal(path.name, builders_content(path.name))


def builders_content(key: str) -> Made:
    return Made(hashlib.sha256(key.encode()).digest() * 10_000, key)


def test_eight_builds_share_a_folder_and_half_of_them_die(cache: ContentCache) -> None:
    small = replace(cache, most_bytes=8 * 320_000)  # trimming is under way as well
    draw = random.Random(0)
    lasting = [start_builder(small, 60, seed) for seed in range(4)]
    for seed in range(4, 8):
        dying = start_builder(small, 10**6, seed)
        time.sleep(0.2 + draw.random() / 10)
        dying.send_signal(signal.SIGKILL)
        assert dying.wait() == -signal.SIGKILL
    assert [builder.wait() for builder in lasting] == [0] * 4
    states = list(survivors(small))
    assert states and all(states)


def test_eight_builders_of_one_shader_leave_one_result(tools: MetalTools, tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(tools.to_json())
    (tmp_path / "one.metal").write_text("// one\n")
    step = [sys.executable, "-m", "backends.metal.toolchain.compile", str(tmp_path / "tools.json")]
    outputs = [tmp_path / str(number) / "one.air" for number in range(8)]
    running = [
        subprocess.Popen([*step, str(tmp_path / "one.metal"), str(output), "--", "-O3"], cwd=ROOT)
        for output in outputs
    ]
    assert [item.wait() for item in running] == [0] * len(running)
    assert {output.read_bytes() for output in outputs} == {b"AIR -O3 -c one.metal -o one.air\n// one\n"}
    assert count(tools.cache) == 1
