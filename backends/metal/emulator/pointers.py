"""Casts to pointers, so that the emulator learns which structures lie where their alignment does not allow.

    device Row* row = (device Row*)(data + 1);

becomes

    Row* row = (Row*)(emu::Pointer<Row>)(data + 1);

A copy of a whole structure is one access of which the compiler's hooks are told the size alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from backends.metal.emulator.tokens import Tokens


def note_casts(tokens: Tokens, spaces: Mapping[str, str]) -> None:
    """Let each cast to a pointer note an address that is misaligned; `spaces` spells the address spaces."""
    for at in tokens.places("reinterpret_cast"):
        if tokens[at + 1] == "<" and tokens[tokens.matching(at + 1) - 1] == "*":
            tokens.replace(at, "emu::pointer_cast")
    for star in tokens.places("*"):
        opening = _opening(tokens, star)
        if tokens[star + 1] == ")" and tokens[opening] == "(" and _is_cast(tokens, opening, star + 1):
            words = (spaces.get(tokens[n], tokens[n]) for n in range(opening + 1, star))
            tokens.append(star + 1, f"(emu::Pointer<{' '.join(words)}>)")


def _opening(tokens: Tokens, star: int) -> int:
    """What stands before the words of a type that ends with `*`."""
    at, depth = star - 1, 0
    while tokens.kind(at) == "word" or tokens[at] in ("::", "<", ">") or (depth and at >= 0):
        depth += {">": 1, "<": -1}.get(tokens[at], 0)
        at -= 1
    return at


def _is_cast(tokens: Tokens, opening: int, closing: int) -> bool:
    is_operand = tokens.kind(closing + 1) == "word" or tokens[closing + 1] in ("(", "&")
    before = tokens[opening - 1]
    follows_value = tokens.kind(opening - 1) == "word" and before != "return"
    return is_operand and opening + 1 < closing - 1 and not follows_value and before not in (")", "]", ">")
