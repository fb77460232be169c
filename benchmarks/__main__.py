"""`python -m benchmarks [generate | emulator] [--target cuda]`: measure the kernels, or one of the tools."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen.failures import Failure

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / "build" / "peer"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark; the exit status."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.target != "cuda" and (parsed.against or parsed.rows or parsed.ops):
        parser.error("--against, --rows and --ops go with --target cuda")
    try:
        _RUNS[parsed.target or parsed.what](parsed)
    except Failure as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py bench", description=(__doc__ or "").split(": ")[1])
    parser.add_argument("what", nargs="?", choices=("cpu", "generate", "emulator"), default="cpu")
    parser.add_argument("--target", choices=("cpu", "cuda"), help="whose kernels are measured; default cpu")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks/results", help="where to write")
    cuda = parser.add_argument_group("with --target cuda")
    cuda.add_argument("--against", help="of peer,torch,compile,triton; default all")
    cuda.add_argument("--peer", type=Path, default=PEER, help="where the peer's sgl_kernel is unpacked")
    cuda.add_argument("--rows", help="numbers of rows by commas")
    cuda.add_argument("--ops", default="", help="public names of ops by commas; default all")
    return parser


def _bench_cpu(parsed: argparse.Namespace) -> None:
    from benchmarks import cpu

    cpu.main(ROOT / "specs", parsed.results, "python build.py bench")


def _bench_generate(parsed: argparse.Namespace) -> None:
    from benchmarks import generate

    generate.main(ROOT, parsed.results, "python build.py bench generate")


def _bench_emulator(parsed: argparse.Namespace) -> None:
    from benchmarks import emulator

    emulator.main(parsed.results, "python build.py bench emulator")


def _bench_cuda(parsed: argparse.Namespace) -> None:
    """The page and the plot come from the JSON alone, so a machine without matplotlib leaves the plot out."""
    if importlib.util.find_spec("torch") is None:
        raise Failure("the CUDA benchmark takes torch, which is not installed")
    from benchmarks.cuda import report
    from benchmarks.cuda.run import AGAINST, OPS, ROWS, Options, measure, parse_names

    against = AGAINST if parsed.against is None else parse_names(parsed.against, AGAINST)
    rows = ROWS if parsed.rows is None else tuple(map(int, parsed.rows.split(",")))
    options = Options(against, rows, parse_names(parsed.ops, [op.name for op in OPS]), parsed.peer)
    command = f"python build.py bench --target cuda --against {','.join(against)}"
    document = measure(options, parsed.results, command)
    page = report.render(document)
    (parsed.results / "cuda.md").write_text(page)
    print(page)
    try:
        from benchmarks.cuda.roofline import draw

        draw(document, parsed.results / "cuda.png")
    except ModuleNotFoundError as error:
        print(f"no plot: {error.name} is not installed")


_RUNS = {"cpu": _bench_cpu, "generate": _bench_generate, "emulator": _bench_emulator, "cuda": _bench_cuda}

if __name__ == "__main__":
    sys.exit(main())
