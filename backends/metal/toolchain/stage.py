"""What stands beside the extension: the library or the shaders, and the manifest. Steps that ninja runs."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from backends.metal.source import read_shader
from backends.metal.toolchain import LIBRARY, MANIFEST, SOURCES
from backends.metal.toolchain.cache import Made, make_key, words_of
from backends.metal.toolchain.compiler import MetalError, MetalTools
from backends.tools import write_if_changed
from codegen.failures import Failure

EDITION = 1
_MAGIC = b"MTLB"
_SIZE_AT = 16


def link_library(airs: Mapping[str, bytes], tool: str, flags: Sequence[str], tools: MetalTools) -> Made:
    """The library of these `.air` files, by name. Raises MetalError."""
    names = sorted(airs)
    lists = (words_of(tool, tools.compiler.identity), words_of(*flags), words_of(*names))
    key = make_key(b"metallib", *lists, *(airs[name] for name in names))
    found = tools.cache.fetch(key)
    if found is not None:
        return found
    made = tools.compiler.make(tool, (*flags, *names, "-o", LIBRARY), airs, LIBRARY)
    size = int.from_bytes(made.content[_SIZE_AT : _SIZE_AT + 8], "little")
    if made.content[: len(_MAGIC)] != _MAGIC or size != len(made.content):
        raise MetalError(f"{tool} wrote something that is no Metal library; update Xcode")
    tools.cache.keep(key, made)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """`stage.py library|source ...`; the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    parsed = _parser().parse_args(given[:end])
    try:
        files = parsed.make(parsed, given[end + 1 :])
        for name, content in files.items():
            write_if_changed(parsed.folder / name, content)
        write_if_changed(parsed.folder / MANIFEST, _manifest(files, parsed))
    except (Failure, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stage")
    kinds = parser.add_subparsers(required=True)
    for name, make, inputs in (("library", _library, "airs"), ("source", _source, "shaders")):
        kind = kinds.add_parser(name)
        kind.set_defaults(make=make, tools=None)
        kind.add_argument("folder", type=Path)
        kind.add_argument(inputs, type=Path, nargs="+")
        for option in ("--language", "--deployment-target", "--mlx", "--nanobind"):
            kind.add_argument(option, required=True)
    kinds.choices["library"].add_argument("--tools", type=Path, required=True)
    kinds.choices["library"].add_argument("--linker", required=True)
    kinds.choices["source"].add_argument("-I", dest="folders", type=Path, action="append", default=[])
    return parser


def _library(parsed: argparse.Namespace, flags: Sequence[str]) -> dict[str, bytes]:
    tools = MetalTools.from_json(parsed.tools.read_text())
    airs = {path.name: path.read_bytes() for path in parsed.airs}
    made = link_library(airs, parsed.linker, flags, tools)
    tools.cache.trim()
    if made.said:
        print(made.said)
    return {LIBRARY: made.content}


def _source(parsed: argparse.Namespace, flags: Sequence[str]) -> dict[str, bytes]:
    shaders = {path.name: read_shader(path, parsed.folders) for path in parsed.shaders}
    return {f"{SOURCES}/{name}": shader.text.encode() for name, shader in shaders.items()}


def _manifest(files: Mapping[str, bytes], parsed: argparse.Namespace) -> str:
    tools = MetalTools.from_json(parsed.tools.read_text()) if parsed.tools else None
    rows = {
        "edition": EDITION,
        "files": {name: _row(content) for name, content in sorted(files.items())},
        "language": parsed.language,
        "deployment_target": parsed.deployment_target,
        "compiler": tools.compiler.version if tools else "",
        "mlx": parsed.mlx,
        "nanobind": parsed.nanobind,
    }
    return json.dumps(rows, indent=1) + "\n"


def _row(content: bytes) -> dict[str, str | int]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


if __name__ == "__main__":
    sys.exit(main())
