#!/usr/bin/env python3
"""The front door: generate, check, build, test and look inside. `build.py COMMAND --help` says more.

Nothing is imported, probed or written until a command runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SPECS = ROOT / "specs"
GENERATED = ROOT / "generated"
BUILD = ROOT / "build"

OLDEST_PYTHON = (3, 10)
METAL_MODES = ("auto", "library", "debug", "source")

EXIT_WRONG = 1
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. This file alone is read by older Pythons, to say so."""
    if sys.version_info < OLDEST_PYTHON:
        print(f"error: {sys.executable} is not Python 3.10 or newer; use .venv/bin/python", file=sys.stderr)
        return EXIT_WRONG
    parsed, rest = _parser().parse_known_args(arguments)
    if rest and not parsed.takes_more:
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    parsed.rest = rest
    from codegen.output import run_for_reader

    try:
        return run_for_reader(lambda: parsed.run(parsed))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception as error:  # every failure leaves as one message and an exit status
        return _explain_failure(error)


def generate(parsed: argparse.Namespace) -> int:
    """Write generated/ from specs/, where it changed."""
    from codegen.artifacts import read_specs, write_tree

    specs = read_specs(SPECS)
    report = write_tree(GENERATED, _generate_tree(), specs)
    changes = f"{len(report.written)} files written, {len(report.removed)} removed"
    print(f"generated/ is up to date with {len(specs)} specs: {changes}")
    return 0


def check(parsed: argparse.Namespace) -> int:
    """Fail with a diff where generated/ is not what specs/ give."""
    from codegen.artifacts import compare_tree, read_specs, render_problems

    specs = read_specs(SPECS)
    problems = compare_tree(GENERATED, _generate_tree(), specs)
    if not problems:
        print(f"generated/ is what the {len(specs)} specs give")
        return 0
    print(render_problems(problems, Path("generated")), file=sys.stderr)
    print(f"error: {len(problems)} files differ; run `python build.py generate`", file=sys.stderr)
    return EXIT_WRONG


def build(parsed: argparse.Namespace) -> int:
    """Compile generated/ into the importable package under build/python."""
    from backends.build_generated import options_from, run

    if parsed.generated == GENERATED:
        _warn_of_stale_specs()
    return run(options_from(parsed))


def test(parsed: argparse.Namespace) -> int:
    """Run the tests; further arguments go to pytest."""
    return _run_module("pytest", parsed.rest)


def bench(parsed: argparse.Namespace) -> int:
    """Measure the built kernels; further arguments go to the benchmark."""
    return _run_module("benchmarks", parsed.rest)


def fuzz(parsed: argparse.Namespace) -> int:
    """Run random programs on every target, and compare."""
    from fuzz.command import fuzz as run

    return run(parsed)


def demo(parsed: argparse.Namespace) -> int:
    """Run a kernel from its spec to its result, and say what happened."""
    return _run_module("benchmarks.demo", parsed.rest)


def report(parsed: argparse.Namespace) -> int:
    """Test and measure everything here, and write what came of it as one JSON file."""
    return _run_module("benchmarks.report", parsed.rest)


def emulate(parsed: argparse.Namespace) -> int:
    """Run a Metal shader on this machine, every access checked; `--all` runs every kernel that ships."""
    if "--all" in parsed.rest:
        from benchmarks.emulate import main as run
    else:
        from backends.metal.emulator.__main__ import main as run
    return run(parsed.rest)


def explain(parsed: argparse.Namespace) -> int:
    """Show what a spec becomes, pass by pass."""
    spec = _find_spec(parsed.kernel)
    from backends.targets import BACKENDS
    from codegen.failures import Failure
    from codegen.pipeline import explain as explain_spec
    from kernel_ir.load import load_bytes

    chosen = [backend for backend in BACKENDS if backend.name == parsed.target]
    if parsed.target and not chosen:
        known = ", ".join(backend.name for backend in BACKENDS)
        raise Failure(f"unknown target {parsed.target!r}; expected one of {known}")
    print(explain_spec(load_bytes(spec.read_bytes(), os.path.relpath(spec, ROOT)), chosen))
    return 0


def new(parsed: argparse.Namespace) -> int:
    """Start a spec: a small one that builds as it is."""
    from codegen.scaffold import scaffold

    path = scaffold(SPECS, parsed.name)
    print(f"wrote {os.path.relpath(path)}; next: edit it, then `python build.py generate`")
    return 0


def doctor(parsed: argparse.Namespace) -> int:
    """Say what this machine can build, and how to mend what it cannot."""
    from backends.doctor import can_build, examine, render
    from backends.machine import this_machine
    from codegen.settings import read_settings

    findings = examine(read_settings(), this_machine())
    print(render(findings))
    return 0 if can_build(findings) else EXIT_WRONG


def clean(parsed: argparse.Namespace) -> int:
    """Remove everything that `build` made."""
    import shutil

    if BUILD.exists():
        shutil.rmtree(BUILD)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py", description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, generate)
    _add(commands, check)
    building = _add(commands, build)
    building.add_argument("--generated", type=Path, default=GENERATED, help="the tree to build")
    building.add_argument("--build-dir", type=Path, default=BUILD, help="where to build it")
    building.add_argument("-j", "--jobs", type=int, default=0, help="how many compilers to run at once")
    building.add_argument("-v", "--verbose", action="store_true", help="show whole command lines")
    building.add_argument("--metal", choices=METAL_MODES, default="auto", help="how a Mac gets its shaders")
    _add(commands, test).set_defaults(takes_more=True)
    for command in (bench, demo, report, emulate):  # their arguments are their own, as their --help says
        _add(commands, command, add_help=False).set_defaults(takes_more=True)
    _add_fuzz(_add(commands, fuzz))
    explaining = _add(commands, explain)
    explaining.add_argument("kernel", help="a kernel's name, with its folder or without, or a spec's path")
    explaining.add_argument("--target", default="", help="lower for this target: cpu, metal or cuda")
    _add(commands, new).add_argument("name", metavar="FAMILY/NAME")
    _add(commands, doctor)
    _add(commands, clean)
    return parser


def _add_fuzz(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", help="the first program's number; without it a fresh one, which is printed")
    add("--programs", default="200", help="how many programs (200)")
    add("--targets", default="cpu,metal", help="some of cpu, metal and cuda, joined by commas (cpu,metal)")
    add("--mode", default="both", help="float, exact (the ring), or both (both)")
    add("--no-passes", action="store_true", help="do not interpret programs after every pass")
    add("--coverage-only", action="store_true", help="count what programs reach, and run none")
    add("--no-shrink", action="store_true", help="do not look for a small program that shows a finding")
    add("--record", metavar="FILE", help="keep what the run did as JSON, for `python -m fuzz.table`")
    add("-j", "--jobs", default="0", help="how many workers to run at once")


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    run: Callable[[argparse.Namespace], int],
    add_help: bool = True,
) -> argparse.ArgumentParser:
    """A command is named, helped and run by one function."""
    parser = commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__, add_help=add_help)
    parser.set_defaults(run=run, takes_more=False)
    return parser


def _generate_tree() -> dict[str, bytes]:
    from backends.targets import BACKENDS
    from codegen.pipeline import generate_tree

    return generate_tree(SPECS, BACKENDS)


def _warn_of_stale_specs() -> None:
    from codegen.artifacts import read_specs, stale_specs

    for path in stale_specs(GENERATED, read_specs(SPECS)):
        said = f"warning: generated/ is not what specs/{path} gives now; run `python build.py generate`"
        print(said, file=sys.stderr)


def _find_spec(kernel: str) -> Path:
    """The spec of a kernel given by name or path. Raises FileNotFoundError naming both."""
    candidates = (Path(kernel), SPECS / f"{kernel}.yaml", *SPECS.glob(f"*/{kernel}.yaml"))
    found = next((path for path in candidates if path.suffix == ".yaml" and path.is_file()), None)
    if found is None:
        raise FileNotFoundError(f"no spec is called {kernel!r}; specs/*/*.yaml are the kernels")
    return found


def _run_module(module: str, arguments: Sequence[str]) -> int:
    """Run a module of this project or its tools on the built package."""
    places = (str(BUILD / "python"), str(ROOT), os.environ.get("PYTHONPATH", ""))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
    command = [sys.executable, "-m", "codegen.output", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _explain_failure(error: Exception) -> int:
    """Say what went wrong; the exit status. What nothing foresaw is a bug of the compiler."""
    from codegen.failures import describe

    message, is_bug = describe(error)
    print(message, file=sys.stderr)
    return EXIT_BUG if is_bug else EXIT_WRONG


if __name__ == "__main__":
    sys.exit(main())
