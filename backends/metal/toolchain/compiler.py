"""Apple's Metal compiler as a value that build steps read back, and running it.

Only what the compiler needs comes through from the environment: variables such as CPATH would decide a
result without being part of its key.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from backends.metal.toolchain.cache import ContentCache, Made
from backends.tools import Outcome, try_command
from codegen.failures import Failure

DOWNLOAD = "xcodebuild -downloadComponent MetalToolchain"
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "USER", "DEVELOPER_DIR")

# A shader may hang the compiler; a build must not.
_LONGEST_STEP = 900.0


class MetalError(Failure):
    """A step of the Metal compiler failed; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class MetalCompiler:
    """A Metal compiler that answered.

    `toolchains` is what TOOLCHAINS must be for xcrun to find it, and empty where nothing must be said;
    `identity` is a hash over its version, its programs and the SDK: with the same one, the same is made.
    """

    xcrun: str
    toolchains: str
    version: str
    identity: str

    def run(
        self, tool: str, arguments: Sequence[str], seconds: float = _LONGEST_STEP, folder: Path | None = None
    ) -> Outcome:
        """Run `metal` or `metallib`."""
        command = (self.xcrun, "-sdk", "macosx", tool, *arguments)
        return try_command(command, seconds, folder, metal_environment(self.toolchains))

    def make(self, tool: str, arguments: Sequence[str], inputs: Mapping[str, bytes], output: str) -> Made:
        """Run a tool among `inputs` in a folder of its own, where its result cannot show where that was.

        Raises MetalError where it fails, or says that it did not and leaves no output.
        """
        with tempfile.TemporaryDirectory(prefix="metal-") as place:
            for name, content in inputs.items():
                Path(place, name).write_bytes(content)
            outcome = self.run(tool, arguments, folder=Path(place))
            said = outcome.text.strip()
            if outcome.status != 0:
                raise MetalError(f"{tool} failed with status {outcome.status}: {said or 'it said nothing'}")
            made = Path(place, output)
            if not made.is_file() or made.stat().st_size == 0:
                raise MetalError(f"{tool} says that it worked, but wrote no {output}; to mend it: {DOWNLOAD}")
            return Made(made.read_bytes(), said)


def metal_environment(toolchains: str) -> dict[str, str]:
    """The environment that Apple's tools run in."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed, **({"TOOLCHAINS": toolchains} if toolchains else {})}


@dataclass(frozen=True, slots=True)
class MetalTools:
    """What the steps of one build share, as the build writes it down for them: a compiler and a cache."""

    compiler: MetalCompiler
    cache: ContentCache

    def to_json(self) -> str:
        cache = {"folder": str(self.cache.folder), "most_bytes": self.cache.most_bytes}
        return (
            json.dumps({"compiler": asdict(self.compiler), "cache": cache}, indent=1, sort_keys=True) + "\n"
        )

    @classmethod
    def from_json(cls, text: str) -> MetalTools:
        rows = json.loads(text)
        cache = ContentCache(Path(rows["cache"]["folder"]), rows["cache"]["most_bytes"])
        return cls(MetalCompiler(**rows["compiler"]), cache)
