"""What a person is told when a command does not succeed, and whose fault it is."""

from __future__ import annotations

import traceback

from kernel_ir.errors import SpecError, TargetError


class Failure(Exception):
    """The machine, the folder or the command is not as it must be; the message says what to do."""


_PLEASE_REPORT = "this is a bug of the compiler, not of your spec; please report it with the lines above"


def describe(error: Exception) -> tuple[str, bool]:
    """The message for an error that ended a command, and whether the compiler is to blame."""
    match error:
        case SpecError():
            return str(error), False
        case ModuleNotFoundError():
            return f"error: {error.name} is not installed; run `make venv` and use .venv/bin/python", False
        case TargetError() | Failure() | OSError():
            return f"error: {error}", False
        case _:
            trace = "".join(traceback.format_exception(error)).rstrip()
            return f"{trace}\n{_PLEASE_REPORT}", True
