"""One shader to one `.air`, from the cache where it was made before. A step that ninja runs.

What is compiled is the text that includes are already part of, so the key cannot miss a header.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from backends.metal.source import Shader, read_shader
from backends.metal.toolchain.cache import Made, make_key, words_of
from backends.metal.toolchain.compiler import MetalError, MetalTools
from backends.tools import write_if_changed
from codegen.failures import Failure


def compile_shader(name: str, text: str, flags: Sequence[str], tools: MetalTools) -> Made:
    """The `.air` of a shader's whole text. `name`, its file's, is part of it. Raises MetalError."""
    key = make_key(b"air", text.encode(), words_of(name, tools.compiler.identity), words_of(*flags))
    found = tools.cache.fetch(key)
    if found is not None:
        return found
    output = f"{Path(name).stem}.air"
    arguments = (*flags, "-c", name, "-o", output)
    made = tools.compiler.make("metal", arguments, {name: text.encode()}, output)
    tools.cache.keep(key, made)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """`compile.py TOOLS SOURCE AIR FOLDER... -- FLAG...`; the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--")
    parser = argparse.ArgumentParser(prog="compile")
    for name in ("tools", "source", "air"):
        parser.add_argument(name, type=Path)
    parser.add_argument("folders", type=Path, nargs="*")
    parsed = parser.parse_args(given[:end])
    try:
        _compile(parsed, given[end + 1 :])
    except (Failure, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _compile(parsed: argparse.Namespace, flags: Sequence[str]) -> None:
    """Leave the shader's whole text beside the `.air`, for a reader of the compiler's messages."""
    shader = read_shader(parsed.source, parsed.folders)
    whole = parsed.air.with_suffix(".metal")
    write_if_changed(whole, shader.text)
    try:
        made = compile_shader(whole.name, shader.text, flags, MetalTools.from_json(parsed.tools.read_text()))
    except MetalError as error:
        raise MetalError(f"{parsed.source}, whole in {whole}: {error}") from error
    write_if_changed(parsed.air, made.content)
    write_if_changed(Path(f"{parsed.air}.d"), _dependencies(parsed.air, shader))
    if made.said:
        print(f"{whole}:\n{made.said}")


def _dependencies(output: Path, shader: Shader) -> str:
    """The files that `output` was made from, as make and ninja read them."""
    names = (str(path).replace(" ", r"\ ") for path in shader.files)
    escaped = str(output).replace(" ", r"\ ")
    return f"{escaped}: {' '.join(names)}\n"


if __name__ == "__main__":
    sys.exit(main())
