"""The one connection: what readiness asks of it must never harm it, nor what a header holds."""

import asyncio
import contextlib

import pytest

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


@pytest.mark.parametrize(
    "value", ["", "plain", "a: b", "é€", " spaces ", "one\r\nNats-TTL: 1s", "\n", "\r\rx"]
)
async def test_a_header_arrives_and_is_never_another_one(connect: Connect, value: str) -> None:
    client = (await connect("admin")).client
    heard = await client.subscribe("headers")
    headers = {"Nats-Batch-Id": "b", "reply_to": value, "last": "x"}
    await client.publish("headers", b"payload", headers=headers)
    message = await heard.next_msg(timeout=5)
    assert message.data == b"payload"
    assert message.headers is not None
    assert message.headers.keys() == headers.keys()
    assert message.headers["last"] == "x"
    if value.isprintable():
        assert message.headers["reply_to"] == value.strip()
