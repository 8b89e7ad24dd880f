"""Whoever is not one of our services is in a NATS account of their own.

The server stores or delivers its acknowledgement wherever a publish says that replies go; between
accounts, that is the sender's account alone. Sent by raw protocol, as no client library would.
"""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from tests.support import raw_nats
from tests.support.eventually import eventually
from tests.support.processes import Embedded
from tests.support.raw_nats import RawNats
from tests.support.servers import Broker
from trigger_admin import accounts, streams
from trigger_admin.errors import AdminError
from trigger_contracts import subjects
from trigger_contracts.subjects import Service, Verb
from trigger_contracts.topology import (
    BUCKETS,
    CHANGES,
    COMMANDS,
    CONSUMERS,
    DUE,
    INGRESS,
    PERMISSIONS,
    STREAMS,
)
from trigger_local import child, nats, ports
from trigger_local.secrets import Secrets

FIRE = subjects.command(Verb.FIRE)
NO_FIRE = b'{"trigger_id": "nobody"}'

STORED = sorted(
    {
        *(one.replace("*", "x").replace(">", "x.y.z") for s in STREAMS for one in s.subjects),
        *(bucket.subject("key") for bucket in BUCKETS),
    }
)
"""A subject of each kind that some stream keeps."""

OTHERS = [
    subjects.SWEPT,
    subjects.WAKE,
    subjects.EXECUTOR_WAKE,
    subjects.EXECUTOR_PROBE,
    "out.orders",
    subjects.redrive(Service.EXECUTOR),
    "_INBOX_api.x",
    "_INBOX_scheduler.x",
    "_INBOX_reader.x",
    "_INBOX_admin.x",
    f"$JS.API.STREAM.PURGE.{DUE.name}",
    f"$JS.API.STREAM.DELETE.{DUE.name}",
    "$JS.API.INFO",
    f"$JS.API.CONSUMER.MSG.NEXT.{COMMANDS.name}.executor",
    "$SYS.REQ.USER.INFO",
    "$SYS.REQ.ACCOUNT.PING.CONNZ",
    "$SYS.REQ.SERVER.PING",
]
RESERVED = [f"$JS.ACK.{COMMANDS.name}.executor.1.1.1.1.1", "_R_.x.y"]
"""Replies with which the server takes no message at all."""

HEADERS = {
    "none": None,
    "some": {"reply_to": "trigger.due.x", "Nats-Msg-Id": "one"},
    "batch": {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1"},
    "refused": {"Nats-Expected-Last-Sequence": "77"},
}


@pytest.mark.parametrize("headers", HEADERS)
async def test_an_acknowledgement_reaches_nobody_but_its_sender(
    platform_streams: Broker, headers: str
) -> None:
    """Whatever is named as its reply. What the server refuses is answered the same way."""
    async with _bystanders(platform_streams) as (bystanders, client):
        for reply in (*STORED, *OTHERS):
            client.publish(FIRE, NO_FIRE, reply=reply, headers=HEADERS[headers])
            await client.settled()
        client.publish(FIRE, NO_FIRE, reply="_INBOX_client.mine", headers=HEADERS[headers])
        await eventually(lambda: _heard(client), what="the acknowledgement of the last")
        sent = len(STORED) + len(OTHERS) + 1
        kept = {"some": 1, "refused": 0, "batch": 0}.get(headers, sent)
        held = await _stored_commands(platform_streams, kept)
        assert (held.pop(INGRESS.name), held.pop(COMMANDS.name)) == (kept, kept)
        assert set(held.values()) == {0}
        for one in bystanders:
            await one.settled()
            assert [heard.subject for heard in one.heard] == []
        assert {heard.subject for heard in client.heard} == {"_INBOX_client.mine"}


@pytest.mark.parametrize("reply", RESERVED)
async def test_a_reply_of_the_servers_own_kind_is_refused(
    platform_streams: Broker, reply: str
) -> None:
    async with raw_nats.connected(platform_streams, "client") as client:
        client.publish(FIRE, NO_FIRE, reply=reply)
        await client.settled()
        assert "Permissions Violation" in client.errors[0]
    assert set((await _stored(platform_streams)).values()) == {0}


async def test_a_trace_reaches_nobody_either(platform_streams: Broker) -> None:
    """``Nats-Trace-Dest`` has the server publish what becomes of a message."""
    refused = [s for s in (*STORED, *OTHERS) if not s.startswith("trigger.command.")]
    async with _bystanders(platform_streams) as (bystanders, client):
        for subject in (*refused, "_INBOX_client.mine"):
            client.publish(FIRE, NO_FIRE, headers={"Nats-Trace-Dest": subject})
        await client.settled()
        assert set((await _stored(platform_streams)).values()) == {0}
        for one in bystanders:
            await one.settled()
            assert one.heard == []


async def test_a_client_hears_acknowledgements_results_and_events(
    platform_streams: Broker,
) -> None:
    """What its library sends as a JetStream publish, a request and a plain one is stored."""
    async with (
        platform_streams.connected("client") as client,
        platform_streams.connected("reader") as reader,
        platform_streams.connected("executor") as executor,
        platform_streams.connected("scheduler") as scheduler,
    ):
        ack = await client.jetstream().publish(FIRE, NO_FIRE, headers={"Nats-Msg-Id": "once"})
        assert (ack.stream, ack.seq) == (INGRESS.name, 1)
        again = await client.jetstream().publish(FIRE, NO_FIRE, headers={"Nats-Msg-Id": "once"})
        assert (again.seq, again.duplicate) == (1, True)
        answer = await client.request(subjects.command(Verb.CREATE), b"{}", timeout=5)
        assert json.loads(answer.data)["seq"] == 2
        await client.publish(subjects.command(Verb.DELETE), b"{}")
        await client.flush()
        assert (await _stored_commands(platform_streams, 3))[COMMANDS.name] == 3

        result = await client.subscribe("_INBOX_client.result")
        hearing = [await one.subscribe("trigger.fired.*") for one in (client, reader)]
        hearing += [await one.subscribe("trigger.changed.a") for one in (client, reader)]
        for one in (client, reader):
            await one.flush()
        await executor.publish("_INBOX_client.result", b"done")
        await executor.jetstream().publish(subjects.fired("a"), b"fired", headers={"h": "v"})
        await scheduler.jetstream().publish(subjects.changed("a"), b"changed")
        assert (await result.next_msg(5)).data == b"done"
        for one, said in zip(hearing, (b"fired", b"fired", b"changed", b"changed"), strict=True):
            assert (await one.next_msg(5)).data == said


async def test_no_external_user_reaches_jetstream_or_the_system(platform_streams: Broker) -> None:
    async with raw_nats.connected(platform_streams, "client") as client:
        for subject in (*OTHERS, *RESERVED):
            client.publish(subject, b"", reply="_INBOX_client.mine")
        client.subscribe("_INBOX_client.>")
        for number, subject in enumerate(("$JS.>", "$KV.>", "$SYS.>", "_INBOX.>", ">", "_R_.>"), 2):
            client.subscribe(subject, number)
        await client.settled()
        assert len(client.errors) == len(OTHERS) + len(RESERVED) + 6
        assert client.heard == []


@pytest.mark.embedded("the folders are moved by etp up, before it starts a broker on them")
async def test_streams_of_the_first_version_are_adopted(secrets: Secrets, tmp_path: Path) -> None:
    """They lay in the account of whoever is in none: messages, positions and ids stay."""
    port = ports.choose_free(set())
    server = Embedded(port, tmp_path / "log", lambda: _first_version(tmp_path, secrets, port))
    broker = Broker(server, secrets, tmp_path / "store")
    await broker.start()
    try:
        async with broker.connected() as admin:
            await streams.apply(admin)
            for number in range(5):
                await admin.jetstream().publish(subjects.changed("a"), b"%d" % number)
            await admin.jetstream().publish(FIRE, NO_FIRE, headers={"Nats-Msg-Id": "once"})
            before = await _described(admin)
        await broker.kill()
        broker.server = Embedded(
            port, tmp_path / "log", lambda: nats.program(tmp_path, secrets.nats, port=port)
        )
        await broker.start()
        async with broker.connected() as admin, broker.connected("client") as client:
            assert await _described(admin) == before
            await streams.apply(admin)
            assert (await admin.jetstream().get_msg(CHANGES.name, seq=5)).data == b"4"
            # Copied into the commands, where it is known already.
            await client.jetstream().publish(FIRE, NO_FIRE, headers={"Nats-Msg-Id": "once"})
            await client.jetstream().publish(FIRE, NO_FIRE, headers={"Nats-Msg-Id": "twice"})
            await _stored_commands(broker, 2)
            copied = await admin.jetstream().get_msg(COMMANDS.name, seq=2)
            assert copied.headers is not None
            assert copied.headers["Nats-Msg-Id"] == "twice"
        await broker.kill()
        await broker.start()
        assert (await _stored(broker))[CHANGES.name] == 5
    finally:
        await broker.server.dispose()


def test_two_sets_of_streams_are_not_taken_for_one(tmp_path: Path) -> None:
    """An older version was started on a newer one's data, and made streams of its own."""
    for account in (accounts.FIRST_ACCOUNT, accounts.PLATFORM_ACCOUNT):
        (tmp_path / "jetstream" / account / "streams").mkdir(parents=True)
    with pytest.raises(AdminError, match="two sets of streams"):
        accounts.adopt_streams(tmp_path)


def _first_version(folder: Path, secrets: Secrets, port: int) -> child.Program:
    """The broker as it was configured without accounts."""
    config = json.loads(nats.configuration(secrets.nats, store_dir=folder / "store", port=port))
    users = [user for account in config.pop("accounts").values() for user in account["users"]]
    path = folder / "old.conf"
    path.write_text(json.dumps({**config, "authorization": {"users": users}}))
    return child.Program(name="nats", argv=(str(nats.binary()), "--config", str(path)))


@contextlib.asynccontextmanager
async def _bystanders(broker: Broker) -> AsyncIterator[tuple[list[RawNats], RawNats]]:
    """Every other user, hearing all it may but commands and acknowledgements; and the client."""
    async with contextlib.AsyncExitStack() as stack:
        bystanders = []
        for user in (*Service, "reader"):
            one = await stack.enter_async_context(raw_nats.connected(broker, user))
            for number, subject in enumerate(PERMISSIONS[user].subscribe, 1):
                one.subscribe(subject, number)
            await one.settled()
            assert one.errors == []
            bystanders.append(one)
        client = await stack.enter_async_context(raw_nats.connected(broker, "client"))
        client.subscribe("_INBOX_client.>")
        await client.settled()
        yield bystanders, client


async def _heard(client: RawNats) -> bool:
    await client.settled()
    return bool(client.heard)


async def _stored(broker: Broker) -> dict[str, int]:
    async with broker.connected() as admin:
        infos = await admin.jetstream().streams_info()
    return {str(info.config.name): info.state.messages for info in infos}


async def _stored_commands(broker: Broker, count: int) -> dict[str, int]:
    """What is stored, once ``count`` commands are (a copy comes a moment later)."""

    async def stored() -> dict[str, int] | None:
        held = await _stored(broker)
        return held if held[COMMANDS.name] >= count else None

    return await eventually(stored, what=f"{count} commands")


async def _described(admin: Client) -> list[tuple[object, ...]]:
    jetstream = admin.jetstream()
    described: list[tuple[object, ...]] = []
    for stream in (*(s.name for s in STREAMS), *(b.stream for b in BUCKETS)):
        info = await jetstream.stream_info(stream)
        described.append((info.config, info.created, info.state.messages, info.state.last_seq))
    for consumer in CONSUMERS:
        held = await jetstream.consumer_info(consumer.stream.name, consumer.durable)
        described.append((held.config, held.created, held.num_pending))
    return described
