"""A Mac's command line tools as small scripts, which record their calls and fail as they are told."""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path

from backends.machine import Machine

VERSION = """\
Apple metal version 32023.883 (metalfe-32023.883)
Target: air64-apple-darwin25.5.0
Thread model: posix
InstalledDir: {installed}"""

_XCRUN = """\
[ "$1 $2" = "-sdk macosx" ] || exit 64
shift 2; tool=$1; shift
case "$tool" in
--find) echo "{installed}/$1"; exit 0 ;;
--show-sdk-version) echo 26.2; exit 0 ;;
esac
if [ "$1" = --version ]; then
{version}
exit 0
fi
echo "$tool $(date +%s%N) TOOLCHAINS=$TOOLCHAINS CPATH=$CPATH $*" >> '{log}'
case "$tool" in
metal) {metal} ;;
metallib) {metallib} ;;
esac
status=$?
echo "end-$tool $(date +%s%N)" >> '{log}'
exit $status
"""

# Both leave what depends on every flag and every byte of the inputs, and on nothing else.
_METAL = """
for word; do last=$word; case $word in *.metal) source=$word;; esac; done
if [ -n "$source" ]; then { echo "AIR $*"; cat "$source"; } > "$last"; else exec '{library}' "$@"; fi"""
_LIBRARY = """#!{python}
import sys
words = sys.argv[1:]
output = words[words.index("-o") + 1]
body = " ".join(words).encode() + b"".join(open(word, "rb").read() for word in words if word.endswith(".air"))
open(output, "wb").write(b"MTLB" + bytes(12) + (len(body) + 24).to_bytes(8, "little") + body)
"""
_CXX = """\
[ "$1" = --version ] && {{ echo 'Apple clang version 17.0.0'; exit 0; }}
echo "c++ $*" >> '{log}'
while [ $# -gt 0 ]; do
case "$1" in -o) output=$2;; -MF) echo "$output$3:" > "$2";; esac; shift
done
echo object > "$output"
"""


@dataclass
class FakeMac:
    """The tools in `folder`, which a test puts on PATH. Shell text in `scripts` stands in for their parts."""

    folder: Path
    machine: Machine = field(default_factory=lambda: Machine("darwin", "aarch64", patience=20.0))

    def __post_init__(self) -> None:
        self.installed.mkdir(parents=True, exist_ok=True)
        for name in ("metal", "metallib"):
            (self.installed / name).write_text(f"the program {name}")
        self._program("fake-library", _LIBRARY.replace("{python}", sys.executable), shebang="")
        self.xcrun()
        self._program("c++", _CXX.format(log=self.log))
        self.xcodebuild("installed")
        self._program("sw_vers", "echo 26.1")

    @property
    def installed(self) -> Path:
        """Where the compiler says that it is."""
        return self.folder.parent / "Metal.xctoolchain"

    @property
    def log(self) -> Path:
        return self.folder.parent / "calls.log"

    def xcrun(self, version: str = "", metal: str = "", metallib: str = "") -> None:
        """`xcrun` with a Metal compiler; each argument is shell text that replaces a part of it."""
        library = str(self.folder / "fake-library")
        said = VERSION.format(installed=self.installed)
        text = _XCRUN.format(
            installed=self.installed, log=self.log, version=version or f"cat <<'END'\n{said}\nEND",
            metal=metal or _METAL.replace("{library}", library), metallib=metallib or f"'{library}' \"$@\"",
        )  # fmt: skip
        self._program("xcrun", text)

    def xcodebuild(self, status: str, identifier: str = "com.apple.dt.toolchain.Metal.32023.883") -> None:
        """`xcodebuild` that prints a warning ahead of its JSON, as Xcode does in a sandbox."""
        rows = f'{{"status" : "{status}", "toolchainIdentifier" : "{identifier}"}}'
        version = "echo 'Xcode 26.2'; echo 'Build version 17C52'"
        answer = f"echo 'a warning {{with braces}}' >&2; echo '{rows}'"
        self._program("xcodebuild", f"[ $1 = -version ] && {{ {version}; exit 0; }}\n{answer}")

    def without(self, name: str) -> None:
        (self.folder / name).unlink()

    def calls(self, tool: str) -> list[str]:
        """The calls of a tool, the oldest first, without their times."""
        return [re.sub(r"^\S+ \d+ ", "", line) for line in self._lines() if line.startswith(f"{tool} ")]

    def most_at_once(self, tool: str) -> int:
        """The most calls of a tool that ran at one time."""
        count = most = 0
        for line in self._lines():
            count += line.startswith(f"{tool} ") - line.startswith(f"end-{tool} ")
            most = max(most, count)
        return most

    def forget(self) -> None:
        self.log.unlink(missing_ok=True)

    def _lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def _program(self, name: str, text: str, shebang: str = "#!/bin/sh\n") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(shebang + text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


def search_path(mac: FakeMac) -> str:
    """PATH with the fake tools ahead of the system's."""
    return os.pathsep.join((str(mac.folder), "/usr/bin", "/bin"))
