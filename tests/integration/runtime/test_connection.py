"""The one connection: what readiness asks of it must never harm it, nor what a header holds."""

import asyncio
import contextlib

import pytest
from nats.aio.msg import Msg

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


async def test_who_listens_hears_each_message_in_order(connect: Connect) -> None:
    client = (await connect("admin")).client
    heard: list[bytes] = []
    await client.listen("heard.*", lambda message: heard.append(message.data))
    for n in range(100):
        await client.publish(f"heard.{n}", b"%d" % n)
    assert await eventually(lambda: len(heard) == 100)
    assert heard == [b"%d" % n for n in range(100)]


async def test_a_listener_that_fails_stops_nobody_from_hearing(connect: Connect) -> None:
    client = (await connect("admin")).client
    heard: list[bytes] = []

    def hear(message: Msg) -> None:
        heard.append(message.data)
        raise ValueError("cannot be heard")

    await client.listen("heard", hear)
    others = await client.subscribe("others")
    for n in range(3):
        await client.publish("heard", b"%d" % n)
    await client.publish("others", b"")
    await others.next_msg(timeout=5)
    assert heard == [b"0", b"1", b"2"]


async def test_a_flush_returns_when_what_was_sent_has_arrived(connect: Connect) -> None:
    client = (await connect("admin")).client
    heard: list[bytes] = []
    await client.listen("heard", lambda message: heard.append(message.data))
    for n in range(1, 50):
        await client.publish("heard", b"")
        await client.flush()
        assert len(heard) == n


async def test_nothing_is_heard_any_more_after_the_end(connect: Connect) -> None:
    client = (await connect("admin")).client
    heard: list[bytes] = []
    listening = await client.listen("heard", lambda message: heard.append(message.data))
    others = await client.subscribe("heard")
    await client.publish("heard", b"before")
    await listening.drain()  # type: ignore[no-untyped-call]
    await client.publish("heard", b"after")
    assert [(await others.next_msg(timeout=5)).data for _ in range(2)] == [b"before", b"after"]
    assert heard == [b"before"]
    assert not client._hearing
