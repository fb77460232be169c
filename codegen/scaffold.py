"""A first spec for a new kernel: small, commented, and one that builds as it is."""

from __future__ import annotations

from pathlib import Path

from codegen.failures import Failure
from kernel_ir.names import kernel_name_problem, name_problem

_STARTING_SPEC = Path(__file__).with_name("scaffold.yaml")


class ScaffoldError(Failure):
    """The name cannot be given to a new spec."""


def scaffold(specs: Path, family_and_name: str) -> Path:
    """Write `<specs>/<family>/<name>.yaml` and give its path.

    Raises ScaffoldError where either part is not a legal name or the kernel is already there, in any family.
    """
    family, slash, name = family_and_name.partition("/")
    if not slash:
        raise ScaffoldError(
            f"{family_and_name!r} names no family; write it as family/name, such as norm/scale"
        )
    for problem in (name_problem(family), kernel_name_problem(name)):
        if problem is not None:
            raise ScaffoldError(f"{problem[0]}; {problem[1]}")
    taken = next(specs.glob(f"*/{name}.yaml"), None)
    if taken is not None:
        raise ScaffoldError(f"{taken} is already there")
    path = specs / family / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="ascii", newline="\n") as stream:
        stream.write(_STARTING_SPEC.read_text(encoding="ascii").replace("NAME", name))
    return path
