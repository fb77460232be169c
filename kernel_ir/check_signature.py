"""What a signature must hold to, one function a rule."""

from __future__ import annotations

from kernel_ir.errors import Diagnostic
from kernel_ir.signature import Signature
from kernel_ir.source import Source
from kernel_ir.spec import Spec


def signature_problems(spec: Spec, source: Source, signature: Signature) -> list[Diagnostic]:
    """Every broken rule of the signature, in no particular order."""
    return []
