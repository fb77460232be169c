"""Types that Metal has and the emulator has not."""

from __future__ import annotations

import re
from collections.abc import Collection

from backends.metal.emulator.tokens import Tokens

_ABSENT = re.compile(
    r"(?P<matrices>(?:half|bfloat|float)[2-4]x[2-4]|simdgroup_(?:matrix|\w*8x8))"
    r"|(?P<textures>(?:texture|depth)(?:1d|2d|3d|cube)\w*|texture_buffer)|(?P<samplers>sampler)"
)
_BEGIN = frozenset("bdfhst")


def refuse_absent(tokens: Tokens, types: Collection[str]) -> None:
    """Raises ShaderError at the first one; `types` are those that the shader may define itself."""
    for at, word in enumerate(tokens):
        if word[:1] in _BEGIN and word not in types and (found := _ABSENT.fullmatch(word)):
            raise tokens.refusal(at, f"the emulator has no {found.lastgroup}, which {word} asks for")
