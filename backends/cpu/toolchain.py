"""How CPU kernels are compiled: once for each ISA level, with arithmetic that no level may change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IsaLevel:
    """An instruction set that kernels are compiled for; the choice among them is made at load."""

    name: str
    flags: tuple[str, ...] = ()

    @property
    def define(self) -> str:
        return f"-DSGL_ISA={self.name}"


_BASELINE = IsaLevel("baseline")
_X86_LEVELS = (
    _BASELINE,
    IsaLevel("avx2", ("-mavx2", "-mfma", "-mf16c")),
    IsaLevel("avx512", ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mf16c")),
)
_LEVELS = {"x86_64": _X86_LEVELS}  # elsewhere the baseline has vectors already (NEON)

# Contraction would round differently where there is an FMA; wrapping is the language's integer arithmetic.
KERNEL_FLAGS = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv")


def isa_levels(machine: str) -> tuple[IsaLevel, ...]:
    """The levels to compile for on a processor family, least first."""
    return _LEVELS.get(machine, (_BASELINE,))
