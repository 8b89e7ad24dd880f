"""One running platform for all modules that need no other one, as ``make run`` starts it.

A module without a ``platform`` of its own finds there what others have left: it tells its triggers,
events and dead letters by their ids. Whatever it stops or changes, it mends.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
from nats.aio.client import Client

from tests.support.good_traffic import GoodTraffic, good_traffic
from tests.support.whole_platform import Platform, running

RECEIVERS = "127.0.0.2"
"""Where a test's receivers listen: webhooks go to no other address of this machine."""


@pytest.fixture(scope="package")
async def shared_platform() -> AsyncIterator[Platform]:
    """A start takes as much of a core as most modules: tests/conftest.py brings these together."""
    async with running(environment={"ETP_WEBHOOK_ALLOW": f"{RECEIVERS}/32"}) as started:
        yield started


@pytest.fixture(scope="module")
def platform(shared_platform: Platform) -> Platform:
    return shared_platform


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[Client]:
    """A NATS connection as the user ``client``."""
    async with platform.connected("client") as connection:
        yield connection


@pytest.fixture(scope="module")
async def traffic(platform: Platform) -> AsyncIterator[GoodTraffic]:
    """Somebody else's work, which goes on beside every test of the module that asks for it."""
    async with good_traffic(platform) as going_on:
        yield going_on


@pytest.fixture
def beside_good_traffic(traffic: GoodTraffic) -> Iterator[None]:
    """The test that kept somebody else from an answer fails itself, not the module's last one."""
    yield
    traffic.assert_answered()
