"""One running platform per module, with everything as ``make run`` starts it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from nats.aio.client import Client

from tests.support.good_traffic import GoodTraffic, good_traffic
from tests.support.whole_platform import Platform, running


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    async with running() as started:
        yield started


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
