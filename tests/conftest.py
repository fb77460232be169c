"""Options and fixtures that several test files share."""

from __future__ import annotations

import hypothesis
import pytest
from fresh_seed import fresh_seed

# The same examples on every run; `--hypothesis-profile=default` draws new ones.
hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None)
hypothesis.settings.load_profile("fixed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where fresh programs ran, say which, in quiet runs and in those that pass too."""
    ran = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    if any("fresh]" in item.nodeid for item in ran):
        seed = fresh_seed()
        terminalreporter.write_line(
            f"fresh programs from seed {seed}: build.py fuzz --seed {seed} --programs 12"
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh", action="store_true", help="rewrite the expected files instead of comparing")


@pytest.fixture
def refresh(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are to be rewritten; the diff is what a reviewer then reads."""
    return bool(request.config.getoption("--refresh"))
