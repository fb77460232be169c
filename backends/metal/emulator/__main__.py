"""Run one kernel of a Metal shader here, every access checked; without KERNEL, list the kernels."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backends.metal.emulator.arguments import LaunchError
from backends.metal.emulator.compile import EmulatorUnavailable
from backends.metal.emulator.options import (
    Option,
    buffer,
    constant,
    count,
    extent,
    memory,
    positive,
    seed,
)
from backends.metal.emulator.shader import CanaryError, Launch, Outcome, Shader, load
from backends.metal.emulator.tokens import ShaderError
from kernel_ir.wording import counted

EXIT_FOUND, EXIT_WRONG = 1, 2
FEW_THREADS = 1 << 16
_REFUSALS = (CanaryError, EmulatorUnavailable, LaunchError, MemoryError, ShaderError)
_EPILOG = """\
example: the sums of 16 rows of 4096, by 256 threads a row
  build.py emulate sums.metal row_sums --grid 16 --threadgroup 256 \\
      --arg 0=float:65536:normal --arg 1=float:16:blank --arg 2=int:1:4096

Every order of threads is tried: ascending, descending and random, each with sums over a simdgroup taken in
two ways. The exit status is 0 where nothing was found, 1 where something was, 2 where the shader or the
launch is refused. `build.py emulate --all` runs every kernel that ships; docs/emulator.md says more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 where something was found, 2 where it could not run."""
    parsed = _parser().parse_args(arguments)
    try:
        text, name = _read(parsed.file), _shown(parsed.file)
        return _run(load(text, name, _folders(parsed), is_quick=_is_small(parsed)), parsed)
    except BrokenPipeError:
        raise  # nobody reads on, which is no error
    except OSError as error:
        said = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except _REFUSALS as error:
        said = str(error)
    print(said if ": error: " in said else f"error: {said}", file=sys.stderr)
    return EXIT_WRONG


def _is_small(parsed: argparse.Namespace) -> bool:
    """Whether a launch takes less time than compiling its shader well does."""
    threads: int = math.prod(parsed.threads or (*(parsed.grid or (1,)), *parsed.threadgroup))
    return threads <= FEW_THREADS


def _read(file: Path) -> str:
    """The shader's text. Raises ShaderError where it is none."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ShaderError(f"{_shown(file)}: byte {error.start} is no UTF-8 text") from None


def _shown(file: Path) -> str:
    """The file's name as it can be written down."""
    return str(file).encode(errors="replace").decode()


def _folders(parsed: argparse.Namespace) -> tuple[Path, ...]:
    """Where included files are looked for. Raises NotADirectoryError."""
    for folder in parsed.include:
        if not folder.is_dir():
            raise NotADirectoryError(0, "--include expects a folder", str(folder))
    return (parsed.file.resolve().parent, *(folder.resolve() for folder in parsed.include))


def _run(shader: Shader, parsed: argparse.Namespace) -> int:
    if not shader.kernels:
        raise ShaderError(f"{_shown(parsed.file)} has no kernel")
    if parsed.kernel is None:
        print("\n".join(shader.kernels))
        return 0
    launch = _launch(parsed)
    outcomes = shader.check(launch, parsed.seed or (1,), parsed.most_accesses)
    for outcome in outcomes:
        print(_describe(outcome))
    for index, array in outcomes[0].buffers.items():
        print(f"buffer {index}: {array.ravel()[: parsed.show]}")
    if parsed.stats:
        print(_stats(shader.run(launch, most_accesses=parsed.most_accesses, is_counted=True)))
    return EXIT_FOUND if any(outcome.findings for outcome in outcomes) else 0


def _launch(parsed: argparse.Namespace) -> Launch:
    if parsed.grid and parsed.threads:
        raise LaunchError("--grid and --threads both say how many threads there are: give one")
    buffers = _by_index("--arg", parsed.arg)
    return Launch(
        parsed.kernel,
        {index: each.array for index, each in buffers.items()},
        grid=parsed.grid or (1,),
        threadgroup=parsed.threadgroup,
        threads=parsed.threads,
        constants=_by_index("--constant", parsed.constant),
        memory=_by_index("--memory", parsed.memory),
        blank={index for index, each in buffers.items() if each.is_blank},
    )


def _by_index(option: str, given: Sequence[tuple[int, Option]]) -> dict[int, Option]:
    """What an option was given by index. Raises LaunchError where an index comes twice."""
    found: dict[int, Option] = {}
    for index, value in given:
        if index in found:
            raise LaunchError(f"{option} {index}=... is given twice")
        found[index] = value
    return found


def _stats(outcome: Outcome) -> str:
    lines = [f"{name}: {number}" for name, number in outcome.counts.items()]
    for index, row in outcome.traffic.items():
        read = f"{row.read} bytes read, {row.distinct_read} different ({row.read_by_groups} by threadgroup)"
        lines.append(f"buffer {index}: {read}; {row.written} written, {row.distinct_written} different")
    return "\n".join(lines)


def _describe(outcome: Outcome) -> str:
    seed = f" (seed {outcome.seed})" if outcome.order == "random" else ""
    found = counted(len(outcome.findings), "finding") if outcome.findings else "clean"
    title = f"{outcome.order}{seed}, sums {outcome.reduction}: {found}"
    return "\n  ".join([title, *map(str, outcome.findings)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py emulate",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    each: dict[str, Any] = {"action": "append", "default": []}
    add("file", type=Path, metavar="FILE.metal", help="the shader")
    add("kernel", nargs="?", metavar="KERNEL", help="its name, or its [[host_name]]")
    add("--arg", type=buffer, metavar="N=TYPE:COUNT[:FILL]", **each,
        help="buffer N; FILL: a number, zeros (if not given), range, normal, or blank (no values yet, so "
        "that reading one is a finding); N=FILE.npy is an array")  # fmt: skip
    add("--threads", type=extent, metavar="X[,Y[,Z]]", help="threads of the whole grid")
    add("--grid", type=extent, metavar="X[,Y[,Z]]", help="threadgroups, instead of --threads (1)")
    add("--threadgroup", type=extent, default=(32,), metavar="X[,Y[,Z]]", help="threads of one (32)")
    add("--constant", type=constant, metavar="N=VALUE", **each, help="[[function_constant(N)]]")
    add("--memory", type=memory, metavar="N=BYTES", **each, help="of a [[threadgroup(N)]] argument")
    add("--include", type=Path, metavar="FOLDER", **each,
        help="where headers are, besides the shader's folder and those of shaders that ship")  # fmt: skip
    add("--seed", type=seed, metavar="N", action="append", help="of a random order; once for each order (1)")
    add("--most-accesses", type=positive, metavar="N", default=1 << 32,
        help="after so many, a kernel is said to be endless (2^32)")  # fmt: skip
    add("--show", type=count, metavar="N", default=8, help="how many elements of a buffer are printed (8)")
    add("--stats", action="store_true", help="print what the kernel did, and the bytes it moved")
    return parser


if __name__ == "__main__":
    sys.exit(main())
