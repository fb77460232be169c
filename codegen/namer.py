"""Identifiers for the names of a kernel: the author's own wherever the target allows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen.names import author_name


@dataclass(slots=True)
class Namer:
    """Gives each bound name an identifier that nothing visible has.

    `reserved` holds what the target's language and runtime take. Two loops that do not enclose one
    another may share an identifier, as they do in the spec.
    """

    reserved: frozenset[str]
    visible: list[dict[str, str]] = field(default_factory=lambda: [{}])

    def declare(self, name: str) -> str:
        """The identifier of a name from here to the end of the block."""
        base = author_name(name)
        taken = {identifier for scope in self.visible for identifier in scope.values()} | self.reserved
        identifier, count = base, 1
        while identifier in taken:
            count += 1
            identifier = f"{base}_{count}"
        self.visible[-1][name] = identifier
        return identifier

    def fix(self, name: str, identifier: str) -> None:
        """Use exactly this identifier for a name."""
        self.visible[-1][name] = identifier

    def __getitem__(self, name: str) -> str:
        for scope in reversed(self.visible):
            if name in scope:
                return scope[name]
        raise KeyError(name)

    def push(self) -> None:
        self.visible.append({})

    def pop(self) -> None:
        self.visible.pop()
