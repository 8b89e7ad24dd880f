"""One container engine for all tests here: the machine's, or one of our own without a registry.

Where there can be none, that fails the tests in CI, and skips them elsewhere.
"""

import os
from collections.abc import Iterator

import pytest

from tests.support.engine.packages import MissingError
from tests.support.engine.running import Engine, an_engine

_HERE = "tests/engine/"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine that answers."""
    running = an_engine()
    try:
        started = running.__enter__()
    except MissingError as missing:
        if "CI" in os.environ:
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    try:
        yield started
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """The name of our image, built of this checkout."""
    return engine.platform_image


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests that passed have measured: pytest shows the output of failed ones alone."""
    said = {
        report.nodeid: report.capstdout
        for report in terminalreporter.getreports("passed")
        if report.when == "call" and report.nodeid.startswith(_HERE)
    }
    if any(said.values()):
        terminalreporter.section("figures")
        for name, printed in sorted(said.items()):
            for line in printed.splitlines():
                terminalreporter.line(f"{name.removeprefix(_HERE).split('::')[0]}: {line}")
