"""What the generator costs, and that the cost a spec stays the same: `python -m benchmarks generate`.

The shipped specs are cloned under new names into a scratch project of N specs, and `build.py generate` runs
on it from nothing, in a process of its own; CPU seconds of that process are what counts, so that other work
on the machine matters less. `build.py check` and a build with nothing to do are measured on the project.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import Machine, describe_machine
from benchmarks.tables import render_markdown
from codegen.failures import Failure

COUNTS = (10, 100, 300, 1000)

# The code that `build.py generate` runs, on specs and a tree given as arguments.
_GENERATE = """
import sys
from pathlib import Path
import build
build.SPECS, build.GENERATED = Path(sys.argv[1]), Path(sys.argv[2])
sys.exit(build.main(["generate"]))
"""
_NAME = re.compile(r"^(\s*(?:- )?name:\s*)([a-z][a-z0-9_]*)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of a command and of the processes it started."""

    command: str
    specs: int
    seconds: float


def main(root: Path, results: Path, command: str, counts: Sequence[int] = COUNTS) -> None:
    """Measure, print and write the page. Raises Failure where a command does not succeed."""
    machine = describe_machine()
    shipped = sorted((root / "specs").rglob("*.yaml"))
    generated = [generate_clones(root, shipped, count) for count in counts]
    page = _render(machine, generated, project_costs(root, len(shipped)), command)
    results.mkdir(parents=True, exist_ok=True)
    (results / "generate.md").write_text(page)
    print(page)


def generate_clones(root: Path, shipped: Sequence[Path], count: int) -> Cost:
    """Generate a tree of `count` specs from nothing; says so, since it takes a while."""
    print(f"generating from {count} specs", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        specs = Path(folder) / "specs"
        clone_specs(shipped, specs, count)
        line = [sys.executable, "-c", _GENERATE, str(specs), str(Path(folder) / "generated")]
        return Cost("generate", count, cpu_seconds(line, root))


def project_costs(root: Path, specs: int) -> list[Cost]:
    """`check`, and `build` once everything is built."""
    python = [sys.executable, "build.py"]
    cpu_seconds([*python, "build"], root)
    return [
        Cost(f"build.py {name}", specs, min(cpu_seconds([*python, name], root) for _ in range(3)))
        for name in ("check", "build")
    ]


def clone_specs(shipped: Sequence[Path], target: Path, count: int) -> None:
    """`count` specs, the shipped ones in turn, with a number in every public name."""
    for position in range(count):
        source = shipped[position % len(shipped)]
        text = _NAME.sub(rf"\g<1>\g<2>_n{position}", source.read_text())
        file = target / source.parent.name / f"{source.stem}_n{position}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def cpu_seconds(command: list[str], folder: Path) -> float:
    """User and system seconds of a command and its children. Raises Failure where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command[:3])} failed: {done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _render(machine: Machine, generated: Sequence[Cost], project: Sequence[Cost], command: str) -> str:
    smallest, largest = generated[0], generated[-1]
    marginal = (largest.seconds - smallest.seconds) / max(1, largest.specs - smallest.specs)
    rows = [
        (str(item.specs), f"{item.seconds:.2f}", f"{1000 * item.seconds / item.specs:.1f}")
        for item in generated
    ]
    others = [(item.command, str(item.specs), f"{item.seconds:.2f}") for item in project]
    return "\n".join(
        [
            "# What the generator costs",
            "",
            f"`{command}` on {machine.processor}, {machine.cores} cores, {machine.system},",
            f"Python {machine.python}. CPU seconds; load average at the start: {machine.load}.",
            "",
            "`build.py generate` from nothing, on clones of the shipped specs:",
            "",
            render_markdown(("specs", "CPU s", "ms a spec"), rows),
            "",
            f"From {smallest.specs} to {largest.specs} specs, a further one costs {1000 * marginal:.0f} ms.",
            "",
            "The project itself, best of three (`build` with nothing to do):",
            "",
            render_markdown(("command", "specs", "CPU s"), others),
            "",
        ]
    )
