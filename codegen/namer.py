"""Identifiers for the names of a kernel: the author's own wherever the target allows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen.names import author_name


@dataclass(slots=True)
class Block:
    """One block's names: what IR names are called, and every identifier it uses up."""

    identifiers: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Namer:
    """Gives each bound name an identifier that nothing visible has.

    `reserved` holds what the target's language and runtime take. Two loops that do not enclose one
    another may share an identifier, as they do in the spec.
    """

    reserved: frozenset[str]
    blocks: list[Block] = field(default_factory=lambda: [Block()])

    def declare(self, name: str) -> str:
        """The identifier of a name of the IR from here to the end of the block."""
        identifier = self.invent(author_name(name))
        self.blocks[-1].identifiers[name] = identifier
        return identifier

    def invent(self, base: str) -> str:
        """An identifier like `base` for something that the IR does not name."""
        identifier, count = base, 1
        while identifier in self.reserved or any(identifier in block.taken for block in self.blocks):
            count += 1
            identifier = f"{base}_{count}"
        self.blocks[-1].taken.add(identifier)
        return identifier

    def fix(self, name: str, identifier: str) -> None:
        """Use exactly this identifier for a name."""
        self.blocks[-1].identifiers[name] = identifier
        self.blocks[-1].taken.add(identifier)

    def __getitem__(self, name: str) -> str:
        for block in reversed(self.blocks):
            if name in block.identifiers:
                return block.identifiers[name]
        raise KeyError(name)

    def push(self) -> None:
        self.blocks.append(Block())

    def pop(self) -> None:
        self.blocks.pop()
