"""The one connection: what readiness asks of it must never harm it."""

import asyncio
import contextlib

from tests.integration.runtime.conftest import Connect
from tests.support.eventually import eventually


async def test_a_pong_that_nobody_waits_for_any_more_does_no_harm(connect: Connect) -> None:
    """A check that ran out of time is cancelled; its pong comes all the same."""
    connection = await connect("admin")
    for _ in range(10):
        asking = asyncio.create_task(connection.ping())
        await eventually(lambda: connection.client._pongs, poll=0)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        # An answer shows that the read loop still reads.
        assert await connection.client.jetstream(timeout=5).account_info()
        await connection.ping()
