"""Run one kernel of a Metal shader, checked: `python -m backends.metal.emulator FILE.metal KERNEL ...`.

--arg 0=float:4096:normal --arg 1=float:4096:blank --arg 2=int:1:4096 --grid 16 --threadgroup 256
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backends.metal.emulator.compile import EmulatorUnavailable
from backends.metal.emulator.rewrite import ShaderError
from backends.metal.emulator.shader import Launch, LaunchError, Outcome, Shader, load

EXIT_FOUND, EXIT_WRONG = 1, 2
DTYPES = {
    "float": np.float32, "half": np.float16, "bfloat": np.uint16, "char": np.int8, "uchar": np.uint8,
    "short": np.int16, "ushort": np.uint16, "int": np.int32, "uint": np.uint32, "long": np.int64,
    "ulong": np.uint64,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 where something was found, 2 where it could not run."""
    parsed = _parser().parse_args(arguments)
    try:
        shader = load(parsed.file.read_text(encoding="utf-8"), str(parsed.file), tuple(parsed.include))
        if parsed.kernel is None:
            print("\n".join(shader.kernels))
            return 0
        return _run(shader, parsed)
    except (EmulatorUnavailable, LaunchError, MemoryError, OSError, ShaderError, UnicodeDecodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_WRONG


def _run(shader: Shader, parsed: argparse.Namespace) -> int:
    filled = dict(parsed.arg)
    launch = Launch(
        parsed.kernel,
        {index: array for index, (array, _) in filled.items()},
        grid=parsed.grid,
        threadgroup=parsed.threadgroup,
        threads=parsed.threads,
        constants=dict(parsed.constant),
        memory=dict(parsed.memory),
        blank={index for index, (_, is_blank) in filled.items() if is_blank},
    )
    outcomes = shader.check(launch, parsed.seed or (1,), parsed.most_accesses)
    for outcome in outcomes:
        print(_describe(outcome))
    for index, array in outcomes[0].buffers.items():
        print(f"buffer {index}: {array.ravel()[: parsed.show]}")
    if parsed.stats:
        print(_stats(shader.run(launch, most_accesses=parsed.most_accesses, is_counted=True)))
    return EXIT_FOUND if any(outcome.findings for outcome in outcomes) else 0


def _stats(outcome: Outcome) -> str:
    lines = [f"{name}: {count}" for name, count in outcome.counts.items()]
    for index, row in outcome.traffic.items():
        read = f"{row.read} bytes read, {row.distinct_read} different ({row.read_by_groups} by threadgroup)"
        lines.append(f"buffer {index}: {read}; {row.written} written, {row.distinct_written} different")
    return "\n".join(lines)


def _describe(outcome: Outcome) -> str:
    seed = f" (seed {outcome.seed})" if outcome.order == "random" else ""
    found = f"{len(outcome.findings)} findings" if outcome.findings else "clean"
    title = f"{outcome.order}{seed}, sums {outcome.reduction}: {found}"
    return "\n  ".join([title, *map(str, outcome.findings)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m backends.metal.emulator", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("file", type=Path, help="the shader")
    add("kernel", nargs="?", help="the kernel to run; without one, the names there are")
    add("--arg", type=_argument, action="append", default=[], metavar="N=TYPE:COUNT[:FILL]",
        help="buffer N; FILL: a number, zeros, range, normal or blank; N=FILE.npy is an array")  # fmt: skip
    add("--grid", type=_extent, default=(1,), metavar="X[,Y[,Z]]", help="threadgroups")
    add("--threads", type=_extent, metavar="X[,Y[,Z]]", help="threads of the whole grid, instead of --grid")
    add("--threadgroup", type=_extent, default=(32,), metavar="X[,Y[,Z]]", help="threads of a threadgroup")
    add(
        "--constant",
        type=_constant,
        action="append",
        default=[],
        metavar="N=VALUE",
        help="function constant N",
    )
    add(
        "--memory", type=_bytes, action="append", default=[], metavar="N=BYTES", help="threadgroup argument N"
    )
    add("--include", type=Path, action="append", default=[], help="a folder of headers")
    add("--seed", type=int, action="append", help="of a random order; more than once for more orders")
    add("--most-accesses", type=int, default=1 << 32, help="after so many the kernel is said to be endless")
    add("--show", type=int, default=8, help="how many elements of each buffer are printed")
    add("--stats", action="store_true", help="print what the kernel did, and the bytes it moved")
    return parser


def _wrong(text: str, expected: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{text!r}: expected {expected}")


def _extent(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts) or len(parts) > 3:
        raise _wrong(text, "one to three numbers with commas between")
    return tuple(map(int, parts))


def _pair(text: str) -> tuple[int, str]:
    index, equals, value = text.partition("=")
    if not equals or not index.isdecimal():
        raise _wrong(text, "N=..., N a number")
    return int(index), value


def _constant(text: str) -> tuple[int, float]:
    index, value = _pair(text)
    try:
        return index, float({"true": "1", "false": "0"}.get(value, value))
    except ValueError:
        raise _wrong(value, "a number, true or false") from None


def _bytes(text: str) -> tuple[int, int]:
    index, value = _pair(text)
    if not value.isdecimal():
        raise _wrong(value, "a number of bytes")
    return index, int(value)


def _argument(text: str) -> tuple[int, tuple[np.ndarray, bool]]:
    """A buffer's index, its array, and whether it holds no values yet."""
    index, given = _pair(text)
    if given.endswith(".npy"):
        return index, (_read(given), False)
    kind, count, fill, *_ = (
        [*given.split(":"), "", "zeros"] if ":" not in given else [*given.split(":"), "zeros"]
    )
    if kind not in DTYPES:
        raise argparse.ArgumentTypeError(f"{kind} is no type; expected one of {', '.join(DTYPES)}")
    if not count.isdecimal():
        raise _wrong(given, "TYPE:COUNT[:FILL], COUNT a number")
    return index, (_fill(kind, int(count), fill or "zeros"), fill == "blank")


def _read(path: str) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{path}: {error}") from None
    return array


def _fill(kind: str, count: int, fill: str) -> np.ndarray:
    values: np.ndarray
    match fill:
        case "zeros" | "blank":
            values = np.zeros(count)
        case "range":
            values = np.arange(count)
        case "normal":
            values = np.random.default_rng(0).normal(size=count)
        case _:
            values = np.full(count, _constant(f"0={fill}")[1])
    if kind == "bfloat":  # the upper half of a float
        return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return values.astype(DTYPES[kind])


if __name__ == "__main__":
    sys.exit(main())
