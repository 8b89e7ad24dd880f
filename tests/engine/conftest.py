"""One container engine for all tests here: the machine's, or one of our own without a registry.

Where there can be none, that fails the tests in CI, and skips them elsewhere.
"""

import os
import tempfile
from collections.abc import Callable, Iterator

import pytest

from tests.engine.outage import Outage
from tests.support.engine.chosen import CHOSEN, INTEGRATION
from tests.support.engine.contained_tests import ContainedTests
from tests.support.engine.deployed import Deployment, deployed
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


@pytest.fixture(scope="session")
def platform(engine: Engine, image: str) -> Iterator[Deployment]:
    """``compose.yaml`` as it is. Of test_compose.py, and after it of the outage alone."""
    with deployed(engine, "compose.yaml", gateways=1, brokers=1) as up:
        print(f"compose.yaml: everything healthy after {up.timings['up']:.1f} s")
        yield up


_ALERTS = "test_compose_alerts.py"
_CONTAINED = "test_servers_in_containers.py"
_BESIDE = (_ALERTS, _CONTAINED)
"""What is waited for last, since other tests may have begun it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What can begin the others' first."""

    def place(item: pytest.Item) -> int:
        name = item.path.name
        return _BESIDE.index(name) + 1 if name in _BESIDE else -(name == "test_compose.py")

    items.sort(key=place)


@pytest.fixture(scope="session")
def contained_tests(engine: Engine) -> Iterator[ContainedTests]:
    """The integration tests that run on servers in containers."""
    with tempfile.TemporaryFile() as said:
        tests = ContainedTests(engine, [f"{INTEGRATION}/{one}" for one in CHOSEN], said)
        try:
            yield tests
        finally:
            tests.close()


@pytest.fixture(scope="session")
def outage(platform: Deployment) -> Iterator[Outage]:
    """What an alert is raised for."""
    happening = Outage(platform)
    try:
        yield happening
    finally:
        happening.close()


@pytest.fixture
def begin_beside(request: pytest.FixtureRequest) -> Callable[[], None]:
    """For a test that is about to wait: what may run beside it, where it is to run at all."""
    return _begin(request, _CONTAINED, "contained_tests")


@pytest.fixture(scope="module")
def begin_outage(request: pytest.FixtureRequest) -> Callable[[], None]:
    """For tests that are done with the platform: what may happen to it, where it is asked for."""
    return _begin(request, _ALERTS, "outage")


def _begin(request: pytest.FixtureRequest, file: str, name: str) -> Callable[[], None]:
    """Begins a fixture, if a test of the file is to run."""
    if not any(item.path.name == file for item in request.session.items):
        return lambda: None
    begun: ContainedTests | Outage = request.getfixturevalue(name)
    return begun.begin


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
