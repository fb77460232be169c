"""Every public name as operators of torch: schemas, results without values, and what tracers call.

    halve(input, eps, out=None)
        -> halve(Tensor input, float eps) -> Tensor
           halve.out(Tensor input, float eps, Tensor(a!) out) -> ()

An operator of torch either makes a result or is given it, so a name with optional destinations has an
operator for each choice of them. None returns what it was given, which keeps aliases out of schemas.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codegen.host.layout import bracketed
from codegen.host.parameters import Ignored, Parameter, parameters, public_order
from codegen.host.result_shapes import result_text
from codegen.record import Export, OpRecord
from kernel_ir import nodes as ir

_SCALARS = {"float": "float", "bool": "bool", "int": "SymInt", "uint": "SymInt"}


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator: `function` holds it in the generated module.

    `fresh` are the results that it makes, as positions in what the extension returns. `made` is a Python
    expression for them without values, in a function with the line `definition`.
    """

    definition: str
    schema: str
    arguments: tuple[str, ...]
    fresh: tuple[int, ...]
    made: str


@dataclass(frozen=True, slots=True)
class Branch:
    """Where `condition` holds, `call` runs the operator for those destinations; `returned` is given back."""

    condition: str
    call: str
    returned: str


@dataclass(frozen=True, slots=True)
class TracedFunction:
    """A public function in terms of operators. `refused` arguments may not need a gradient."""

    name: str
    definition: str
    refused: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class TorchModule:
    """Everything in `torch_ops.py`."""

    operators: tuple[Operator, ...]
    functions: tuple[TracedFunction, ...]


def torch_module(records: Sequence[OpRecord]) -> TorchModule:
    """The operators and functions of all records, by name."""
    exports = sorted(
        ((record, export) for record in records for export in record.exports), key=lambda item: item[1].name
    )
    operators = [_operator(*item, absent) for item in exports for absent in _choices(*item)]
    return TorchModule(tuple(operators), tuple(_function(*item) for item in exports))


def _choices(record: OpRecord, export: Export) -> Iterator[frozenset[str]]:
    """Each set of optional destinations that a call may leave out, the largest first."""
    optional = [item.name for item in _destinations(record, export) if not item.is_required]
    for count in range(len(optional), -1, -1):
        yield from map(frozenset, itertools.combinations(optional, count))


def _destinations(record: OpRecord, export: Export) -> tuple[Parameter, ...]:
    return tuple(item for item in parameters(record, export) if item.kind == "destination")


def _operator(record: OpRecord, export: Export, absent: frozenset[str]) -> Operator:
    taken = _taken(record, export, absent)
    fresh = _fresh(record, export, absent)
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    declared = ", ".join(_declared(item, letters) for item in taken)
    returned = "Tensor" if len(fresh) == 1 else f"({', '.join('Tensor' for _ in fresh)})"
    texts = [result_text(record, export, name) for name in fresh]
    return Operator(
        definition=bracketed(f"def {_holder(record, export, absent)}", [item.name for item in taken], ":"),
        schema=f"{_qualified(record, export, absent)}({declared}) -> {returned}",
        arguments=tuple(item.name for item in taken),
        fresh=tuple(export.returns.index(name) for name in fresh),
        made=bracketed("return ", texts, "", "    ") if len(texts) > 1 else f"return {_together(texts)}",
    )


def _taken(record: OpRecord, export: Export, absent: frozenset[str]) -> tuple[Parameter | Ignored, ...]:
    """The operator's arguments: what is ignored everywhere is left out."""
    return tuple(
        item
        for item in public_order(record, export)
        if item.name not in absent and not (isinstance(item, Ignored) and not item.is_early_start)
    )


def _fresh(record: OpRecord, export: Export, absent: frozenset[str]) -> tuple[str, ...]:
    """The results that a call makes, by the spec's names."""
    given = {item.item.name for item in _destinations(record, export) if item.name not in absent}
    return tuple(item.name for item in record.kernel.results if item.name not in given)


def _declared(item: Parameter | Ignored, letters: Iterator[str]) -> str:
    """An argument as a schema has it. There are no defaults: what calls an operator passes everything."""
    if isinstance(item, Ignored):
        return f"bool? {item.name}"
    return f"{_schema_type(item, letters)} {item.name}"


def _schema_type(item: Parameter, letters: Iterator[str]) -> str:
    match item.item:
        case ir.TensorType(role=role, is_optional=is_optional):
            alias = "" if role == "input" else f"({next(letters)}!)"
            return f"Tensor{alias}{'?' if is_optional else ''}"
        case ir.ScalarType(dtype=dtype):
            return _SCALARS[dtype.kind]
        case ir.SizeType():
            return "SymInt"


def _qualified(record: OpRecord, export: Export, absent: frozenset[str]) -> str:
    """`halve`, or `halve.out` where optional destinations are given."""
    overload = "_".join(_given(record, export, absent))
    return f"{export.name}.{overload}" if overload else export.name


def _holder(record: OpRecord, export: Export, absent: frozenset[str]) -> str:
    """No name has two underscores inside, so that no two operators share one."""
    return "_" + "__".join((export.name, *_given(record, export, absent)))


def _given(record: OpRecord, export: Export, absent: frozenset[str]) -> tuple[str, ...]:
    optional = (item.name for item in _destinations(record, export) if not item.is_required)
    return tuple(name for name in optional if name not in absent)


def _function(record: OpRecord, export: Export) -> TracedFunction:
    everything = public_order(record, export)
    tensors = [item.name for item in parameters(record, export) if item.kind in ("tensor", "destination")]
    named = [f'"{export.name}"', *(f"{name}={name}" for name in tensors)]
    return TracedFunction(
        name=export.name,
        definition=bracketed(f"def {export.name}", _parameters(everything), ":"),
        refused=bracketed("_refuse_gradients", named, "", "    "),
        branches=tuple(_branch(record, export, absent) for absent in _choices(record, export)),
    )


def _parameters(everything: tuple[Parameter | Ignored, ...]) -> list[str]:
    texts = [f"{item.name}={item.default}" if item.default else item.name for item in everything]
    star = sum(not item.is_keyword_only for item in everything)
    return texts if star == len(texts) else [*texts[:star], "*", *texts[star:]]


def _branch(record: OpRecord, export: Export, absent: frozenset[str]) -> Branch:
    arguments = [item.name for item in _taken(record, export, absent)]
    fresh = _fresh(record, export, absent)
    call = bracketed(_holder(record, export, absent), arguments, "", "    " * (2 if absent else 1))
    optional = (item.name for item in _destinations(record, export) if not item.is_required)
    missing = [f"{name} is None" for name in optional if name in absent]
    return Branch(" and ".join(missing), *_called(record, export, call, fresh))


def _called(record: OpRecord, export: Export, call: str, fresh: tuple[str, ...]) -> tuple[str, str]:
    """The call as a statement, and what is returned after it; together where the results are all of it."""
    if fresh and fresh == export.returns:
        return "", call
    public = {item.item.name: item.name for item in parameters(record, export)}
    made = {name: f"made_{name}_" for name in fresh}
    targets = ", ".join(made.values())
    back = [made.get(name) or public[name] for name in export.returns]
    return (f"{targets} = {call}" if made else call), _together(back)


def _together(texts: Sequence[str]) -> str:
    if not texts:
        return "None"
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
