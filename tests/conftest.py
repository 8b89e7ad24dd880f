"""One broker and one database per session; fresh streams per test, a fresh database per module.

``broker`` and ``postgres`` are real servers (tests/support/servers.py). Whoever kills one starts
it again before the test ends.
"""

import functools
import gc
import itertools
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.memory import keep_in_memory
from tests.support.servers import (
    Broker,
    Database,
    Postgres,
    are_all_contained,
    nats_broker,
    postgresql,
)
from trigger_local.secrets import Secrets, generate

_numbers = itertools.count(1)

# Hundreds of our processes start here: compiling our modules anew takes each of them half as long
# as all the rest of its start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Hundreds of clients are made here, all for plain HTTP: loading the certificate authorities anew
# takes each of them longer than its requests.
httpx._transports.default.create_ssl_context = functools.cache(httpx.create_ssl_context)
# httpx looks for it at every lock, some twenty times a request, and what is not there is looked for
# in every folder of the path again: half of what a request cost the tests.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # what is known to be absent

keep_in_memory()

# How long it takes to think of an example says something of the machine, and nothing of the code.
settings.register_profile("shared machine", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

# The default one draws every local variable of a traceback: the loop stands still for seconds, long
# enough for PostgreSQL to end the sessions of whatever runs in this process.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)


_LONG_FIRST = ("chaos", "e2e", "browser", "integration")
"""Folders whose files take longest: begun last, one of them would be waited for alone."""

_BESIDE = 10
"""Files of integration tests after each of chaos: those keep a core busy, and these wait for most
of their two minutes. Two of a kind at the same time leave cores idle, or share one."""

_MANY = 200
"""Tests of one file that take longer together than other files of pure rules."""

_LONG_ALONE = (
    "test_setting_errors.py",
    "test_rules.py",
    "test_exactly_once.py",
    "test_strict_json.py",
    "test_dashboards.py",
)
"""Files of few such tests that take 10 to 40 s: they start programs, or search for examples."""

_GARBAGE_AT = 20_000
"""New objects before a search for garbage: thirty times Python's own, for what tests leave."""


def pytest_collection() -> None:
    """Nothing that is collected is garbage: searching it time and again takes half as long more."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Modules and items live as long as the process: no search goes through them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_AT, *gc.get_threshold()[1:])
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, and those that share a platform together; apart from that at random."""
    sharing = {item.path for item in items if "shared_platform" in _fixtures(item)}
    counts = Counter(item.path for item in items)

    def place(path: Path) -> tuple[int, bool]:
        if (folder := _folder(path)) in _LONG_FIRST:
            return _LONG_FIRST.index(folder), path in sharing
        return len(_LONG_FIRST), counts[path] < _MANY and path.name not in _LONG_ALONE

    files = sorted(counts, key=place)
    waiting = [path for path in files if _folder(path) == "chaos"]
    busy = iter([path for path in files if _folder(path) == "integration"])
    first = [each for path in waiting for each in (path, *itertools.islice(busy, _BESIDE))]
    # What is in both stands where it is met first.
    rank = {path: number for number, path in reversed(list(enumerate((*first, *files))))}
    items.sort(key=lambda item: rank[item.path])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What is about the embedded servers says so itself, and why."""
    embedded = item.get_closest_marker("embedded")
    if embedded is not None and are_all_contained():
        [reason] = embedded.args
        pytest.skip(f"on embedded servers alone: {reason}")


def _folder(path: Path) -> str:
    return path.relative_to(Path(__file__).parent).parts[0]


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.fixture(scope="session")
def secrets() -> Secrets:
    """Every password of the session's servers, and an API key."""
    return generate()


@pytest.fixture(scope="session")
async def broker(secrets: Secrets) -> AsyncIterator[Broker]:
    """nats-server with all users; its streams are whatever the last test left."""
    async with nats_broker(secrets) as running:
        yield running


@pytest.fixture(scope="session")
async def postgres(secrets: Secrets) -> AsyncIterator[Postgres]:
    """PostgreSQL with all roles; tests use a ``database`` of it."""
    async with postgresql(secrets) as running:
        yield running


@pytest.fixture
async def platform_streams(broker: Broker) -> Broker:
    """The broker with every declared stream, consumer and bucket, empty."""
    await broker.fresh_streams()
    return broker


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    """A database with all schemas and roles, for this module alone."""
    name = f"test_{next(_numbers)}"
    made = await postgres.create_database(name)
    yield made
    made.close()
    await postgres.drop_database(name)


@pytest.fixture
async def empty_database(database: Database) -> Database:
    """The module's database with every table empty."""
    await database.truncate()
    return database
