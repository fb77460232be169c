"""Import it where tests run shaders: it skips the module, with the reason, if the emulator cannot run."""

from __future__ import annotations

import pytest

from backends.metal.emulator import EmulatorUnavailable
from backends.metal.emulator.compile import require

try:
    require()
except EmulatorUnavailable as missing:
    pytest.skip(f"the emulator cannot run: {missing}", allow_module_level=True)
