"""Attempts at NATS targets, on a real broker with the executor's own permissions."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig

from tests.support.eventually import eventually
from tests.support.servers import Broker
from tests.unit.executor.delivery.attempts import EVENT, EVENT_ID, PAYLOAD, make_attempt
from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome
from trigger_executor.adapters.delivery.subject_sender import SubjectSender
from trigger_executor.domain.delivery.attempt import Attempt, Attempted, Cause, NotAttempted
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.settings import NatsSettings

ALLOWED = ("out.>", "forgotten.>")
"""The second is in the setting, and ``etp provision`` has not run since."""


def attempt(subject: str = "out.orders", **fields) -> Attempt:
    return make_attempt(type="nats", subject=subject, timeout=2, **fields)


@pytest.fixture
async def connection(platform_streams: Broker, secrets: Secrets) -> AsyncIterator[Connection]:
    settings = NatsSettings(
        nats_url=platform_streams.url,
        nats_user="executor",
        nats_password=secrets.nats["executor"],
    )
    connection = Connection(settings, "executor")
    await connection.connect()
    yield connection
    await connection.close()


@pytest.fixture
async def sender(connection: Connection) -> SubjectSender:
    return SubjectSender(connection, ALLOWED, SystemClock())


@pytest.fixture
async def admin(platform_streams: Broker) -> AsyncIterator[Client]:
    async with platform_streams.connected() as admin:
        yield admin


@pytest.fixture
async def stream(admin: Client) -> AsyncIterator[str]:
    """A stream of the user's own, of all subjects that targets may have."""
    await admin.jetstream().add_stream(StreamConfig(name="OUT", subjects=["out.>"]))
    yield "OUT"
    await admin.jetstream().delete_stream("OUT")


async def stored(admin: Client) -> list[tuple[str, str]]:
    """Subjects and message ids in the user's stream."""
    js = admin.jetstream()
    state = (await js.stream_info("OUT")).state
    found = [await js.get_msg("OUT", seq) for seq in range(1, state.last_seq + 1)]
    return [(one.subject, (one.headers or {})["Nats-Msg-Id"]) for one in found]


def outcome(told: object) -> tuple[Outcome, FailureCode | None, Final | None]:
    assert isinstance(told, Attempted), told
    return told.outcome, told.code, told.final


DELIVERED = (Outcome.DELIVERED, None, Final.DELIVERED)


async def test_whoever_subscribes_gets_the_event_and_its_headers(
    sender: SubjectSender, admin: Client
) -> None:
    heard = await admin.subscribe("out.orders")
    await admin.flush()
    told = await sender.send(attempt(number=2))
    message = await heard.next_msg(2)
    assert outcome(told) == DELIVERED
    assert told.origin == "out.orders"
    assert message.data == EVENT
    assert message.headers["Nats-Msg-Id"] == message.headers["webhook-id"] == EVENT_ID
    assert message.headers["etp-attempt"] == "2"
    assert message.headers["Content-Type"] == "application/cloudevents+json"


async def test_the_payload_alone_may_be_published(sender: SubjectSender, admin: Client) -> None:
    heard = await admin.subscribe("out.orders")
    await admin.flush()
    await sender.send(attempt(body="payload"))
    assert json.loads((await heard.next_msg(2)).data) == PAYLOAD


async def test_the_broker_takes_what_nobody_hears(sender: SubjectSender) -> None:
    assert outcome(await sender.send(attempt())) == DELIVERED


async def test_a_durable_target_waits_for_a_streams_acknowledgement(
    sender: SubjectSender, admin: Client, stream: str
) -> None:
    assert outcome(await sender.send(attempt(durable=True))) == DELIVERED
    assert await stored(admin) == [("out.orders", EVENT_ID)]


async def test_two_targets_on_subjects_of_one_stream_both_get_the_event(
    sender: SubjectSender, admin: Client, stream: str
) -> None:
    """By one message id the broker would store it once, and say of the other that it had."""
    for target, subject in (("a", "out.a"), ("b", "out.b")):
        told = await sender.send(attempt(subject, target_id=target, durable=True))
        assert outcome(told) == DELIVERED
    assert await stored(admin) == [("out.a", EVENT_ID), ("out.b", f"{EVENT_ID}/b")]


async def test_without_a_stream_a_durable_target_fails(sender: SubjectSender) -> None:
    told = await sender.send(attempt(durable=True))
    assert outcome(told) == (Outcome.FAILED, FailureCode.NO_STREAM, None)


async def test_a_stream_that_refuses_is_a_failure(sender: SubjectSender, admin: Client) -> None:
    config = StreamConfig(name="OUT", subjects=["out.>"], max_msg_size=10)
    await admin.jetstream().add_stream(config)
    try:
        told = await sender.send(attempt(durable=True))
    finally:
        await admin.jetstream().delete_stream("OUT")
    assert outcome(told) == (Outcome.FAILED, FailureCode.REFUSED, None)


async def test_an_answer_that_is_no_acknowledgement_is_a_failure(
    sender: SubjectSender, admin: Client
) -> None:
    async def reply(message) -> None:
        await message.respond(b"thanks")

    await admin.subscribe("out.orders", cb=reply)
    await admin.flush()
    told = await sender.send(attempt(durable=True))
    assert outcome(told) == (Outcome.FAILED, FailureCode.PROTOCOL, None)


async def test_whoever_hears_and_acknowledges_nothing_times_out(
    sender: SubjectSender, admin: Client
) -> None:
    await admin.subscribe("out.orders")
    await admin.flush()
    told = await sender.send(
        make_attempt(type="nats", subject="out.orders", durable=True, timeout=1)
    )
    assert outcome(told) == (Outcome.FAILED, FailureCode.TIMEOUT, None)
    assert told.duration_ms < 1500


@pytest.mark.parametrize("subject", ["other.orders", "trigger.fired.t1"])
async def test_a_subject_that_is_not_allowed_is_blocked(
    sender: SubjectSender, admin: Client, subject: str
) -> None:
    heard = await admin.subscribe(subject)
    await admin.flush()
    told = await sender.send(attempt(subject))
    assert outcome(told) == (Outcome.BLOCKED, FailureCode.BLOCKED, Final.BLOCKED)
    await admin.flush()
    assert heard.pending_msgs == 0


@pytest.mark.parametrize("durable", [False, True])
async def test_a_subject_that_the_broker_refuses_is_a_failure_at_once(
    sender: SubjectSender, *, durable: bool
) -> None:
    told = await sender.send(attempt("forgotten.orders", durable=durable))
    assert outcome(told) == (Outcome.FAILED, FailureCode.REFUSED, None)
    assert told.duration_ms < 1500
    assert outcome(await sender.send(attempt())) == DELIVERED


async def test_many_at_once_share_round_trips(
    sender: SubjectSender, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes = 0
    flush = connection.client.flush

    async def counted(*args) -> None:
        nonlocal flushes
        flushes += 1
        await flush(*args)

    monkeypatch.setattr(connection.client, "flush", counted)
    told = await asyncio.gather(*(sender.send(attempt(f"out.n{n}")) for n in range(200)))
    assert {outcome(one) for one in told} == {DELIVERED}
    assert flushes <= 3


async def test_an_event_that_the_broker_would_not_take_is_not_sent(
    sender: SubjectSender, connection: Connection
) -> None:
    huge = b'{"data":{"payload":"%s"}}' % (b"x" * connection.client.max_payload)
    told = await sender.send(attempt(event=huge))
    assert outcome(told) == (Outcome.FAILED, FailureCode.PROTOCOL, None)
    assert connection.is_connected


@pytest.mark.parametrize("durable", [False, True])
async def test_the_broker_being_away_is_no_attempt(
    sender: SubjectSender, connection: Connection, *, durable: bool
) -> None:
    before = connection.client.stats["reconnects"]
    connection.client._transport._io_writer.transport.abort()
    cut = await sender.send(attempt(durable=durable))
    assert cut == NotAttempted(Cause.BROKER)
    await eventually(
        lambda: connection.is_connected and connection.client.stats["reconnects"] > before
    )
    assert outcome(await sender.send(attempt())) == DELIVERED
