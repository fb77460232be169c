"""The numbers that a shader writes as indices: `[[buffer(2)]]`, `[[buffer(kFirst + 1)]]`.

    constant constexpr int kFirst = 3;  enum Buffers { kInput, kOutput = 4 };

are the names that may stand there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from backends.metal.emulator.tokens import Tokens

_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)[uUlL]*")
_INTEGERS = frozenset("char uchar short ushort int uint long ulong size_t unsigned auto".split())
_FIXED = frozenset("constant const constexpr static".split())
_DEEPEST = 16  # names in names
_LONGEST = 200  # characters
_MOST = 1 << 31


def integers(tokens: Tokens) -> dict[str, str]:
    """What the shader's integer constants and enumerators are, as written, by name."""
    return {**dict(_constants(tokens)), **dict(_enumerators(tokens))}


def _constants(tokens: Tokens) -> Iterator[tuple[str, str]]:
    for at in tokens.places("="):
        if tokens[at - 2] in _INTEGERS and {tokens[at - 3], tokens[at - 4]} & _FIXED:
            yield tokens[at - 1], "".join(tokens[n] for n in range(at + 1, tokens.find(";", at)))


def _enumerators(tokens: Tokens) -> Iterator[tuple[str, str]]:
    for at in tokens.places("enum"):
        opening = tokens.find("{", at)
        if opening >= tokens.find(";", at):
            continue
        value = "-1"
        for begin, end in tokens.split(opening + 1, tokens.matching(opening)):
            given = "".join(tokens[n] for n in range(begin + 2, end))
            value = f"({given})" if given else f"({value}+1)"
            yield tokens[begin], value


def evaluate(written: str, known: Mapping[str, str], depth: int = 0) -> int | None:
    """The number that an index comes to; None where this cannot tell."""
    if len(written) > _LONGEST or depth > _DEEPEST:
        return None
    plain = _NUMBER.sub(lambda found: str(int(found[1], 0 if "x" in found[1].lower() else 10)), written)
    try:
        tree = ast.parse(plain.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return _value(tree, known, depth)


def _value(node: ast.expr, known: Mapping[str, str], depth: int) -> int | None:
    match node:
        case ast.Constant(int() as value) if not isinstance(value, bool) and value < _MOST:
            return value
        case ast.Name(name) if name in known:
            return evaluate(known[name], known, depth + 1)
        case ast.UnaryOp(ast.USub(), operand):
            return _value(ast.BinOp(ast.Constant(0), ast.Sub(), operand), known, depth)
        case ast.BinOp(left, operator, right):
            first, second = _value(left, known, depth), _value(right, known, depth)
            return None if first is None or second is None else _combine(first, operator, second)
        case _:
            return None


def _combine(first: int, operator: ast.operator, second: int) -> int | None:
    match operator:
        case ast.Add():
            made = first + second
        case ast.Sub():
            made = first - second
        case ast.Mult():
            made = first * second
        case ast.LShift() if 0 <= second < 32:
            made = first << second
        case _:
            return None
    return made if abs(made) < _MOST else None
