"""One container engine for all tests here: the machine's, or one of our own without a registry.

Where there can be none, that fails the tests in CI, and skips them elsewhere.
"""

import os
import tempfile
from collections.abc import Callable, Iterator

import pytest

from tests.support.engine.chosen import CHOSEN, INTEGRATION
from tests.support.engine.contained_tests import ContainedTests
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


_BESIDE = "test_servers_in_containers.py"
"""What is waited for last, since another test may have begun it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name == _BESIDE)


@pytest.fixture(scope="session")
def contained_tests(engine: Engine) -> Iterator[ContainedTests]:
    """The integration tests that run on servers in containers."""
    with tempfile.TemporaryFile() as said:
        tests = ContainedTests(engine, [f"{INTEGRATION}/{one}" for one in CHOSEN], said)
        try:
            yield tests
        finally:
            tests.close()


@pytest.fixture
def begin_beside(request: pytest.FixtureRequest) -> Callable[[], None]:
    """For a test that is about to wait: what may run beside it, where it is to run at all."""
    if not any(item.path.name == _BESIDE for item in request.session.items):
        return lambda: None
    tests: ContainedTests = request.getfixturevalue("contained_tests")
    return tests.begin


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
