"""The signature of a random program: tensors and numbers are made when the body first asks for them."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from typing import Any

import yaml  # type: ignore[import-untyped]

from fuzz.scope import Dim

FLOATS = ("f32", "f32", "f16", "bf16", "f8e4m3")
INTEGERS = {"i32": ("i32", "i32", "i8", "u8"), "i64": ("i64",), "u32": ("u32",)}
SIZES = ("n", "m", "k", "w")
_NUMBERS = {"f32": "e", "i32": "s", "i64": "far", "u32": "bits", "bool": "flag"}
_DEFAULTS = {"f32": 0.5, "i32": 2, "i64": -3, "u32": 5, "bool": True}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the signature. `fill` says what it holds: numbers, indices, distinct indices, offsets."""

    name: str
    dtype: str
    dims: tuple[Dim, ...]
    fill: str = "numbers"
    of: str = ""  # what indices index: a size
    is_optional: bool = False

    @property
    def type(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.dims))}]"


@dataclass(slots=True)
class Signature:
    """What has been asked for so far."""

    draw: random.Random
    tensors: dict[str, Tensor] = field(default_factory=dict)
    results: dict[str, Tensor] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mutated: list[str] = field(default_factory=list)
    unique: list[str] = field(default_factory=list)
    in_range: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, None] = field(default_factory=dict)
    requires: list[str] = field(default_factory=list)
    leading: str = ""  # the size that collapses leading dimensions

    def floats(self, dims: tuple[Dim, ...], is_optional: bool = False) -> Tensor:
        """A tensor of floats with these dimensions: one there is, or a new one."""
        found = [item for item in self.tensors.values() if item.dims == dims and item.fill == "numbers"]
        found = [item for item in found if self._is_float(item) and item.is_optional == is_optional]
        found = [item for item in found if item.name not in self.mutated]
        if found and (len(self.tensors) > 6 or self.draw.random() < 0.6):
            return self.draw.choice(found)
        return self.add("x", self._float_type(), dims, is_optional=is_optional)

    def integers(self, type_: str, dims: tuple[Dim, ...]) -> Tensor:
        """A tensor that loads to this integer type or to bool."""
        stored = INTEGERS.get(type_, (type_,))
        for item in self.tensors.values():
            if item.dims == dims and item.dtype in stored and item.fill == "numbers":
                return item
        return self.add("a", self.draw.choice(stored), dims)

    def indices(self, of: str, dim: Dim, fill: str = "indices") -> Tensor:
        """A tensor of indices into a dimension of size `of`, with a policy of its own."""
        for item in self.tensors.values():
            if item.fill == fill and item.of == of and item.dims == (dim,) and self.draw.random() < 0.7:
                return item
        made = self.add("ids" if fill == "indices" else fill, self._index_type(), (dim,), fill, of)
        if self.draw.random() < 0.7:
            self.in_range[made.name] = self.draw.choice(("skip", "clamp", "nan", "trust"))
        return made

    def add(
        self, stem: str, dtype: str, dims: tuple[Dim, ...], fill: str = "numbers", of: str = "",
        is_optional: bool = False,
    ) -> Tensor:  # fmt: skip
        name = f"{stem}{len(self.tensors) + len(self.results)}"
        self.tensors[name] = Tensor(name, dtype, dims, fill, of, is_optional)
        self.use(*dims)
        return self.tensors[name]

    def result(self, dtype: str, dims: tuple[Dim, ...]) -> Tensor:
        name = f"o{len(self.tensors) + len(self.results)}"
        self.results[name] = Tensor(name, dtype, dims)
        self.use(*dims)
        return self.results[name]

    def number(self, type_: str) -> str:
        """The scalar argument of a type."""
        name = _NUMBERS[type_]
        if name not in self.numbers and self.draw.random() < 0.5:
            self.defaults[name] = _DEFAULTS[type_]
        self.numbers[name] = type_
        return name

    def use(self, *dims: Dim) -> None:
        for dim in dims:
            self.sizes.update({name: None for name in (dim.size, dim.inner) if name and not name.isdigit()})

    def result_type(self, type_: str, is_exact: bool) -> str:
        """A storage type for values of a compute type."""
        if type_ == "f32":
            return self.draw.choice((self._float_type(), self._float_type(), "i8", "u8") if is_exact
                                    else (self._float_type(),))  # fmt: skip
        return self.draw.choice(INTEGERS[type_]) if type_ in INTEGERS else "bool"

    def _is_float(self, item: Tensor) -> bool:
        return item.dtype in FLOATS or (item.dtype in self.variables and item.dtype != "I")

    def _float_type(self) -> str:
        if self.draw.random() < 0.3:
            names = ("f32", "f16", "bf16", "f8e4m3")
            return self._variable("T", tuple(self.draw.sample(names, 2)))
        return self.draw.choice(FLOATS)

    def _index_type(self) -> str:
        if self.draw.random() < 0.2:
            return self._variable("I", ("i32", "i64"))
        return self.draw.choice(("i32", "i32", "i64"))

    def _variable(self, name: str, choices: tuple[str, ...]) -> str:
        self.variables.setdefault(name, choices)
        return name

    # -- as a spec ------------------------------------------------------------------------------

    def keep_used(self, body: list[str]) -> None:
        """Drop what the body does not mention, and type variables that no required tensor decides."""
        words = set(re.findall(r"\w+", "\n".join(body)))
        self.tensors = {name: item for name, item in self.tensors.items() if name in words}
        self.numbers = {name: type_ for name, type_ in self.numbers.items() if name in words}
        every = (*self.tensors.values(), *self.results.values())
        named = {name for item in every for dim in item.dims for name in (dim.size, dim.inner)}
        self.sizes = {name: None for name in self.sizes if name in words | named}
        decided = {item.dtype for item in self.tensors.values() if not item.is_optional}
        for kept in (self.tensors, self.results):
            for item in kept.values():
                if item.dtype in self.variables and item.dtype not in decided:
                    kept[item.name] = replace(item, dtype=self.variables[item.dtype][0])
        if not any(self._is_leading(item) for item in self.tensors.values() if not item.is_optional):
            self.leading = ""
        self.mutated = [name for name in self.mutated if name in self.tensors]
        self.unique = [name for name in self.unique if name in self.tensors]
        known = self.tensors | self.numbers
        self.in_range = {name: policy for name, policy in self.in_range.items() if name in known}

    def spec(self, name: str, body: list[str], schedule: dict[str, dict[str, int]]) -> str:
        """The spec's text."""
        written = {
            "edition": 1, "name": name, "summary": "A random program.",
            "types": {key: list(value) for key, value in self._used_variables().items()},
            "arguments": self._arguments(),
            "results": {item.name: {"type": self._type(item)} for item in self.results.values()},
            "mutates": self.mutated, "unique": self.unique, "in_range": self.in_range,
            "requires": self.requires, "schedule": schedule,
        }  # fmt: skip
        kept = {key: value for key, value in written.items() if value}
        text: str = yaml.safe_dump(kept, sort_keys=False, width=100, default_flow_style=None)
        return text + "body: |\n" + "".join(f"  {line}\n" for line in body)

    def _used_variables(self) -> dict[str, tuple[str, ...]]:
        used = {item.dtype for item in (*self.tensors.values(), *self.results.values())}
        return {name: choices for name, choices in self.variables.items() if name in used}

    def _arguments(self) -> dict[str, Any]:
        """Every argument, those with defaults last."""
        made: dict[str, Any] = {item.name: self._tensor(item) for item in self.tensors.values()}
        made |= {name: {"type": type_} for name, type_ in self.numbers.items()}
        made |= {name: {"type": "size"} for name in self.unsolved_sizes()}
        for name in self.defaults.keys() & self.numbers.keys():
            made[name]["default"] = self.defaults[name]
        return dict(sorted(made.items(), key=lambda item: "default" in item[1] or "optional" in item[1]))

    def unsolved_sizes(self) -> list[str]:
        """Sizes that no argument that must be passed has as a dimension of its own."""
        sure = [item for item in self.tensors.values() if not item.is_optional]
        plain = {dim.size for item in sure for dim in item.dims if dim.is_plain}
        return [name for name in self.sizes if name not in plain]

    def _tensor(self, item: Tensor) -> dict[str, Any]:
        made: dict[str, Any] = {"type": self._type(item)}
        if item.is_optional:
            made["optional"] = True
        match item.fill:
            case "indices":
                made["values"] = {"uniform": [0, item.of]}
            case "slots":
                made["values"] = {"distinct": [0, item.of]}
            case "starts":
                made["values"] = {"offsets": item.of}
        return made

    def _type(self, item: Tensor) -> str:
        return item.type.replace("[", "[*", 1) if self._is_leading(item) else item.type

    def _is_leading(self, item: Tensor) -> bool:
        return bool(item.dims) and item.dims[0].is_plain and item.dims[0].size == self.leading
