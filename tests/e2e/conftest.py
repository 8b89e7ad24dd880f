"""One running platform per module, with everything as ``make run`` starts it."""

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

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
