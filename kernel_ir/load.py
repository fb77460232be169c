"""From spec text to a checked signature: YAML, then structure, then what the values mean together.

`load_text`, `load_bytes` and `load_file` return a `LoadedSpec` or raise SpecError with every problem
found. No other exception leaves them, whatever the input.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from pydantic import ValidationError

from kernel_ir import check_exports, check_signature, check_text
from kernel_ir.errors import Diagnostic, SpecError
from kernel_ir.nodes import Argument, TensorType
from kernel_ir.signature import Signature, read_signature
from kernel_ir.solve_sizes import SizeOrigin, solve_sizes
from kernel_ir.source import MAX_BYTES, Source, read_source, refuse
from kernel_ir.spec import Spec
from kernel_ir.structure import structure_problems, without_unknown_keys

RULES = check_signature.RULES + check_exports.RULES + check_text.RULES


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A spec whose signature is known to be sound; its body has not been looked at."""

    spec: Spec
    source: Source
    signature: Signature

    def arguments(self) -> tuple[Argument, ...]:
        """The arguments in positional order; spans stand at their names."""
        return self.signature.arguments

    def results(self) -> tuple[TensorType, ...]:
        """The results in the order they are returned."""
        return self.signature.results

    def tensors(self) -> dict[str, TensorType]:
        """Every tensor by name, arguments first."""
        tensors = [item for item in self.arguments() if isinstance(item, TensorType)]
        return {item.name: item for item in (*tensors, *self.results())}

    def size_names(self) -> tuple[str, ...]:
        """Every dimension name by first appearance: argument shapes, size arguments, results."""
        return self.signature.sizes

    def size_origins(self) -> tuple[SizeOrigin, ...]:
        """Where each size comes from, in an order in which they can be worked out."""
        return solve_sizes(self.signature)


def load_file(path: str | os.PathLike[str]) -> LoadedSpec:
    """Load a spec file. Raises SpecError, also for a file that cannot be read."""
    shown = os.fspath(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise _unreadable(shown, "it is not a regular file")
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(shown, (error.strerror or str(error)).lower()) from error
    except ValueError as error:
        raise _unreadable(ascii(shown)[1:-1], "its name is not a legal file name") from error
    return load_bytes(data, shown)


def load_bytes(data: bytes, path: str) -> LoadedSpec:
    """Load a spec from the bytes of a file. Raises SpecError."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02X} on line {line} is not UTF-8"
        raise SpecError(
            path, "", (Diagnostic("not-utf-8", message, hint="specs are printable ASCII"),)
        ) from error
    return load_text(text, path)


def load_text(text: str, path: str) -> LoadedSpec:
    """Load a spec from text; `path` is what messages call it. Raises SpecError."""
    source = read_source(text, path)
    spec, unknown = _validate(source)
    signature, problems = read_signature(spec, source)
    subject = check_signature.Subject(spec, source, signature)
    problems += [problem for rule in RULES for problem in rule(subject)]
    if problems or unknown:
        refuse(path, text, unknown + problems)
    return LoadedSpec(spec, source, signature)


def _validate(source: Source) -> tuple[Spec, list[Diagnostic]]:
    """The spec, read past keys that it does not know, and a problem for each of those."""
    try:
        return Spec.model_validate(source.data), []
    except ValidationError as error:
        problems, known = structure_problems(error, source), without_unknown_keys(error, source.data)
    try:
        return Spec.model_validate(known), problems
    except ValidationError:
        refuse(source.path, source.text, problems)


def _unreadable(path: str, reason: str) -> SpecError:
    return SpecError(path, "", (Diagnostic("unreadable", f"the spec cannot be read: {reason}"),))
