"""The target modules of the package, and how they differ for a caller."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.record import Export, OpRecord


@dataclass(frozen=True, slots=True)
class PackageTarget:
    """A module of the package.

    `array` is what its docs call an array, `array_type` and `other_array_type` annotate the first and the
    other arrays in its stub, `in_place` is the docstring's sentence on arguments that are updated.
    `is_traced`: torch can trace its ops.
    `starts_early`: callers may say whether a kernel starts before the one ahead of it is through.
    `returns_updates`: ops that return nothing elsewhere give back what they write.
    """

    name: str
    array: str
    array_type: str
    other_array_type: str
    in_place: str
    has_stream: bool = False
    is_traced: bool = False
    returns_updates: bool = False
    starts_early: bool = False

    def returned(self, record: OpRecord, export: Export) -> tuple[str, ...]:
        """The results and updated arguments that a call gives back."""
        if export.returns or not self.returns_updates:
            return export.returns
        mutated = (item.name for item in record.kernel.tensors().values() if item.role == "mutated")
        return (*(item.name for item in record.kernel.results), *mutated)


_IN_PLACE = "Updated in place."
_LAZY_IN_PLACE = "Its buffer is updated in place when the returned array is evaluated."

_ANY_ARRAY = ("array of the first argument's framework", "_Array", "SupportsDLPack", _IN_PLACE)

CPU = PackageTarget("cpu", *_ANY_ARRAY, is_traced=True)
CUDA = PackageTarget("cuda", *_ANY_ARRAY, is_traced=True, starts_early=True)
METAL = PackageTarget(
    "metal", "array", "mx.array", "mx.array", _LAZY_IN_PLACE, has_stream=True, returns_updates=True
)

TARGETS = (CPU, CUDA, METAL)
