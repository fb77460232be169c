"""The three ways to fail: the spec is wrong, the target cannot do it, the compiler has a bug."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a spec file. Lines and columns count from 1; `end_column` is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


NOWHERE = Span(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: a stable `code`, what is wrong, where, and what to do about it."""

    code: str
    message: str
    span: Span = NOWHERE
    hint: str = ""


class SpecError(Exception):
    """A spec is wrong. Carries every independent problem found, in file order."""

    def __init__(self, path: str, text: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.path = path
        self.text = text
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: (d.span.line, d.span.column)))
        super().__init__(self.render())

    @classmethod
    def merge(cls, errors: Sequence[SpecError]) -> SpecError:
        """One error that renders those of several specs, in their order."""
        if len(errors) == 1:
            return errors[0]
        merged = cls.__new__(cls)
        merged.path, merged.text = errors[0].path, errors[0].text
        merged.diagnostics = tuple(item for error in errors for item in error.diagnostics)
        Exception.__init__(merged, "\n".join(error.render() for error in errors))
        return merged

    def render(self) -> str:
        """All diagnostics as `path:line:column: error[code]: message`, each with its line and caret."""
        return "\n".join(render_diagnostic(self.path, self.text, item) for item in self.diagnostics)


class TargetError(Exception):
    """A target cannot express a construct. Names both, and the spec that asked."""

    def __init__(self, target: str, construct: str, spec: str, reason: str) -> None:
        self.target, self.construct, self.spec, self.reason = target, construct, spec, reason
        super().__init__(f"{spec}: target {target} cannot compile {construct}: {reason}")


class CompilerBug(Exception):
    """The compiler broke its own rules; the spec is not to blame."""


def render_diagnostic(path: str, text: str, item: Diagnostic) -> str:
    """One diagnostic with the offending line and a caret under the span (first line only)."""
    if item.span.line < 1:
        head = f"{path}: error[{item.code}]: {item.message}"
        return f"{head}\n    help: {item.hint}" if item.hint else head
    lines = text.split("\n")
    head = f"{path}:{item.span.line}:{item.span.column}: error[{item.code}]: {item.message}"
    source = lines[item.span.line - 1].rstrip("\r") if item.span.line <= len(lines) else ""
    shown, column = _window(source, item.span.column)
    one_line = item.span.end_line == item.span.line
    width = max(1, item.span.end_column - item.span.column) if one_line else 1
    width = max(1, min(width, len(shown) - column + 1))
    rendered = f"{head}\n    {shown}\n    {' ' * (column - 1)}{'^' * width}"
    return f"{rendered}\n    help: {item.hint}" if item.hint else rendered


def _window(source: str, column: int, limit: int = 120) -> tuple[str, int]:
    """Cut a very long source line to `limit` characters around `column`; what is not ASCII is blanked."""
    source = "".join(ch if " " <= ch <= "~" else " " for ch in source)
    if len(source) <= limit:
        return source, min(column, len(source) + 1)
    start = max(0, min(column - 1 - limit // 2, len(source) - limit))
    return source[start : start + limit], column - start
