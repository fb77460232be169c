"""What Apple's compiler refuses in a shader although other C++ compilers take it: found in the text alone."""

from backends.metal.lint.check import Finding, lint
from backends.metal.lint.words import Macro, Macros, macros_of

__all__ = ["Finding", "Macro", "Macros", "lint", "macros_of"]
