"""A cache of what a tool made, addressed by the content of all that decided it.

A key is the hash of the tool's inputs, flags and identity. An entry is one file that begins with a hash over
the key and the rest, checked whenever it is read: a file that was cut short, flipped or renamed is no entry.
Entries appear by renaming, so that any number of builds may share the folder and die at any moment. Whatever
goes wrong with the folder, a build loses time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from backends.machine import Machine

MOST_BYTES = 256 << 20
_DIGEST_SIZE = hashlib.sha256().digest_size
_LENGTH_SIZE = 8
_STAGED_PREFIX = ".staged-"
_STAGED_SECONDS = 3600.0  # what is older was left by a build that died
_FORMAT = b"sgl-kernel-ir metal cache 1"


@dataclass(frozen=True, slots=True)
class Made:
    """What a tool made, and what it said in doing so: warnings are part of a result."""

    content: bytes
    said: str = ""


def frame(*fields: bytes) -> bytes:
    """Fields as one text, each behind its length, so that no two lists of fields read alike."""
    return b"".join(len(field).to_bytes(_LENGTH_SIZE, "little") + field for field in fields)


def words_of(*words: str) -> bytes:
    """A list of words as one field."""
    return frame(*(word.encode() for word in words))


def make_key(*fields: bytes) -> str:
    """The key of what these fields decide, in hexadecimal."""
    return hashlib.sha256(frame(_FORMAT, *fields)).hexdigest()


def cache_folder(machine: Machine, environment: Mapping[str, str] = os.environ) -> Path:
    """Where this user's cache is, shared by every checkout."""
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    usual = home / ("Library/Caches" if machine.system == "darwin" else ".cache")
    return Path(environment.get("XDG_CACHE_HOME") or usual) / "sgl-kernel-ir" / "metal"


@dataclass(frozen=True, slots=True)
class ContentCache:
    """The entries below `folder`. Where it is not this user's own, it is neither read nor written."""

    folder: Path
    most_bytes: int = MOST_BYTES

    def problem(self) -> str:
        """Why the folder cannot serve; empty where it can, or is not there yet."""
        return _problem_of(self.folder)

    def fetch(self, key: str) -> Made | None:
        """The entry of `key`, or None. An entry that is not what was written is removed."""
        path = self._path(key)
        if self.problem() or _problem_of(path.parent):
            return None
        try:
            data = path.read_bytes()
        except OSError:
            return None
        made = _unseal(key, data)
        with contextlib.suppress(OSError):
            # The time of last use decides what `trim` removes.
            os.utime(path) if made else path.unlink()
        return made

    def keep(self, key: str, made: Made) -> None:
        """Make `made` the entry of `key`, if the folder takes it."""
        path = self._path(key)
        if self.problem() or _problem_of(path.parent):
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _write_whole(path, _seal(key, made))

    def trim(self) -> None:
        """Remove what dead builds left, and above `most_bytes` the entries that were not used for longest."""
        entries = sorted(self._entries(), key=lambda entry: entry[1].st_mtime_ns)
        size = sum(state.st_size for _, state in entries)
        living = time.time() - _STAGED_SECONDS
        for path, state in entries:
            is_left_over = path.name.startswith(_STAGED_PREFIX) and state.st_mtime < living
            if size > self.most_bytes or is_left_over:
                with contextlib.suppress(OSError):
                    path.unlink()
                size -= state.st_size

    def size(self) -> int:
        """Bytes in the folder."""
        return sum(state.st_size for _, state in self._entries())

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _entries(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Every file; those that other builds remove meanwhile are passed over."""
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(OSError):
                yield path, path.stat()


def _problem_of(folder: Path) -> str:
    try:
        state = folder.stat()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    if state.st_uid != os.geteuid():
        return "it belongs to another user"
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "other users can write to it"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "it cannot be written"


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step. Raises OSError, and leaves nothing behind then."""
    descriptor, staged = tempfile.mkstemp(prefix=_STAGED_PREFIX, dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(staged, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(staged)
        raise


def _seal(key: str, made: Made) -> bytes:
    body = frame(made.said.encode(), made.content)
    return _digest(key, body) + body


def _unseal(key: str, data: bytes) -> Made | None:
    digest, body = data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]
    if digest != _digest(key, body):
        return None
    end = _LENGTH_SIZE + int.from_bytes(body[:_LENGTH_SIZE], "little")
    return Made(body[end + _LENGTH_SIZE :], body[_LENGTH_SIZE:end].decode())


def _digest(key: str, body: bytes) -> bytes:
    return hashlib.sha256(frame(key.encode(), body)).digest()
