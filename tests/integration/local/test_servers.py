"""The embedded servers are real ones: they keep what was acknowledged and refuse what they must."""

import contextlib
import json
import re
from dataclasses import replace
from typing import Any

import asyncpg
import nats.errors
import nats.js.errors
import pytest
from nats.aio.client import Client

from tests.support import own_servers
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database, Postgres
from trigger_admin import accounts, streams
from trigger_contracts import subjects
from trigger_contracts.topology import (
    BUCKETS,
    CHANGES,
    CONSUMERS,
    DEAD,
    INGRESS,
    PERMISSIONS,
    STREAMS,
)
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.client import OrderlyClient

FORBIDDEN = {
    "api": subjects.due("one"),
    "scheduler": subjects.fired("one"),
    "executor": subjects.changed("one"),
    "retention": subjects.fired("one"),
    "client": subjects.changed("one"),
    "reader": subjects.command(subjects.Verb.FIRE),
}
"""For each NATS user, a subject of the platform that is another's to publish."""


async def test_acknowledged_messages_survive_a_killed_broker(platform_streams: Broker) -> None:
    """What the broker acknowledged is there after SIGKILL, and clients reconnect by themselves."""
    async with platform_streams.connected() as admin:
        jetstream = admin.jetstream()
        acks = [await jetstream.publish(subjects.changed("one"), b"%d" % n) for n in range(20)]
        await platform_streams.kill()
        await platform_streams.start()
        await eventually(lambda: admin.is_connected)
        kept = await jetstream.get_msg(CHANGES.name, seq=acks[-1].seq)
        assert kept.data == b"19"
        assert (await jetstream.stream_info(CHANGES.name)).state.messages == len(acks)


async def test_committed_rows_survive_a_killed_database(
    postgres: Postgres, database: Database
) -> None:
    """A killed postmaster leaves a stale pid file and orphans; the next start recovers all."""
    async with database.connected() as admin:
        await admin.execute("CREATE TABLE public.kept (n int)")
        await admin.execute("INSERT INTO public.kept SELECT generate_series(1, 100)")
        await postgres.kill()
        await postgres.start()
    async with database.connected() as admin:
        assert await admin.fetchval("SELECT count(*) FROM public.kept") == 100
        assert await admin.fetchval("SHOW server_version_num") >= "180000"
        assert await admin.fetchval("SHOW fsync") == "on"
        assert await admin.fetchval("SHOW password_encryption") == "scram-sha-256"


async def test_a_wrong_password_opens_neither_server(
    platform_streams: Broker, database: Database
) -> None:
    with pytest.raises((nats.errors.Error, OSError)):
        await platform_streams.connect("api", password="wrong", allow_reconnect=False)
    url = database.url().replace(database.server.passwords["etp_admin"], "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)


async def test_every_user_but_admin_has_a_forbidden_subject_here() -> None:
    assert FORBIDDEN.keys() == {str(user) for user in PERMISSIONS} - {"admin"}


@pytest.mark.parametrize("user", FORBIDDEN)
async def test_a_forbidden_publish_is_refused(platform_streams: Broker, user: str) -> None:
    """The server says why, and nothing is stored."""
    errors: list[str] = []

    async def note(error: Exception) -> None:
        errors.append(str(error))

    async with platform_streams.connected(user, error_cb=note) as client:
        await client.publish(FORBIDDEN[user], b"{}")
        await client.flush()
        await eventually(lambda: any("permissions violation" in e.lower() for e in errors))
    assert await _stored(platform_streams) == 0


DELIVERING = {
    subjects.target("one"): {"scheduler"},
    "trigger.delivery.one": {"executor"},
    subjects.health("one"): {"executor"},
    subjects.EXECUTOR_WAKE: {"executor"},
    subjects.EXECUTOR_PROBE: {"api"},
    "out.orders": {"executor"},
    "elsewhere.orders": set(),
    **{
        subjects.command(verb): {"api", "client"}
        for verb in subjects.Verb
        if verb.value.endswith("-target")
    },
}
"""Who may publish to each subject that targets and deliveries brought."""


@pytest.mark.parametrize("user", FORBIDDEN)
async def test_what_deliveries_brought_is_published_by_its_owner_alone(
    platform_streams: Broker, user: str
) -> None:
    refused: set[str] = set()

    async def note(error: Exception) -> None:
        match = re.search(r'permissions violation for publish to "([^"]+)"', str(error).lower())
        assert match is not None, error
        refused.add(match[1])

    async with platform_streams.connected(user, error_cb=note) as client:
        for subject in DELIVERING:
            await client.publish(subject, b"{}")
        await client.flush()
        expected = {one for one, owners in DELIVERING.items() if user not in owners}
        await eventually(lambda: len(refused) >= len(expected))
    assert refused == expected


async def test_the_executor_publishes_where_an_operator_lets_targets_lead(secrets: Secrets) -> None:
    """And nowhere else; whoever is outside hears it in an account of their own."""
    errors: list[str] = []

    async def note(error: Exception) -> None:
        errors.append(str(error).lower())

    allowed = accounts.configuration(secrets.nats, ("acme.*.paid", "hooks.>"))
    async with own_servers.broker({"accounts": allowed}) as port, contextlib.AsyncExitStack() as on:

        async def entered(user: str) -> Client:
            client = OrderlyClient()
            await client.connect(
                f"nats://127.0.0.1:{port}",
                user=user,
                password=secrets.nats[user],
                inbox_prefix=subjects.inbox_prefix(user),
                error_cb=note,
            )
            on.push_async_callback(client.close)
            return client

        executor, reader = await entered("executor"), await entered("reader")
        heard = [await reader.subscribe(one) for one in ("acme.orders.paid", "hooks.a.b")]
        await reader.flush()
        for subject in ("acme.orders.paid", "hooks.a.b", "acme.orders", "out.orders"):
            await executor.publish(subject, subject.encode())
        await executor.flush()
        assert [(await one.next_msg(5)).data for one in heard] == [
            b"acme.orders.paid",
            b"hooks.a.b",
        ]
        await eventually(lambda: len(errors) == 2)
    assert ["acme.orders" in errors[0], "out.orders" in errors[1]] == [True, True]


@pytest.mark.parametrize("user", FORBIDDEN)
async def test_nobody_listens_to_anothers_inbox(platform_streams: Broker, user: str) -> None:
    errors: list[str] = []

    async def note(error: Exception) -> None:
        errors.append(str(error))

    async with platform_streams.connected(user, error_cb=note) as client:
        for other in FORBIDDEN.keys() - {user}:
            await client.subscribe(f"{subjects.inbox_prefix(other)}.>")
        await client.flush()
        assert await eventually(lambda: len(errors) == len(FORBIDDEN) - 1)


async def test_no_service_changes_a_stream(platform_streams: Broker) -> None:
    """A service may not make the log live longer or shorter, nor delete it."""
    for user in FORBIDDEN:
        async with platform_streams.connected(user) as client:
            with pytest.raises((nats.errors.TimeoutError, nats.js.errors.APIError)):
                await client.jetstream(timeout=0.2).delete_stream(CHANGES.name)
    async with platform_streams.connected() as admin:
        assert await admin.jetstream().stream_info(CHANGES.name)


async def test_provisioning_again_changes_nothing(platform_streams: Broker) -> None:
    """Streams keep their messages, consumers their position."""
    async with platform_streams.connected() as admin:
        await admin.jetstream().publish(subjects.changed("one"), b"{}")
        before = await _described(admin)
        await streams.apply(admin)
        assert await _described(admin) == before


async def test_a_changed_declaration_is_applied_to_the_stream_that_is_there(
    platform_streams: Broker,
) -> None:
    async with platform_streams.connected() as admin:
        jetstream = admin.jetstream()
        await jetstream.publish(subjects.changed("one"), b"{}")
        config = streams.stream_config(CHANGES, replicas=1)
        config.max_age = 3600
        await jetstream.update_stream(config)
        await streams.apply(admin)
        info = await jetstream.stream_info(CHANGES.name)
        assert (info.config.max_age, info.state.messages) == (0, 1)


async def test_dead_letters_of_the_first_version_stay_where_they_are(
    platform_streams: Broker,
) -> None:
    """Its stream knew neither a life of each message nor messages in each other's place."""
    async with platform_streams.connected() as admin:
        jetstream = admin.jetstream()
        await jetstream.delete_stream(DEAD.name)
        old = replace(DEAD, message_ttl=False, rollups=False)
        await jetstream.add_stream(streams.stream_config(old, replicas=1))
        for _ in range(3):
            await jetstream.publish("trigger.dead.executor", b"{}")
        await streams.apply(admin)
        info = await jetstream.stream_info(DEAD.name)
        assert info.config.allow_msg_ttl
        assert info.config.allow_rollup_hdrs
        assert info.state.messages == 3
        headers = {"Nats-TTL": "60s", "Nats-Rollup": "sub"}
        for _ in range(2):
            await jetstream.publish("trigger.dead.executor.TRIGGER_DUE.x", b"{}", headers=headers)
        assert (await jetstream.stream_info(DEAD.name)).state.messages == 4


async def test_a_changed_declaration_is_applied_to_the_consumer_that_is_there(
    platform_streams: Broker,
) -> None:
    """A consumer as it once was becomes today's, and keeps its position."""
    async with platform_streams.connected() as admin:
        jetstream = admin.jetstream()
        for consumer in CONSUMERS:
            config = streams.consumer_config(consumer)
            config.ack_wait = 10.0
            config.priority_groups = config.priority_policy = config.priority_timeout = None
            await jetstream.add_consumer(consumer.stream.name, config)
            old = await jetstream.consumer_info(consumer.stream.name, consumer.durable)
            assert old.config.ack_wait == 10
        before = [created for _, created, _ in (await _described(admin))[-len(CONSUMERS) :]]
        await streams.apply(admin)
        after = (await _described(admin))[-len(CONSUMERS) :]
        assert [created for _, created, _ in after] == before
        assert [config.ack_wait for config, _, _ in after] == [
            consumer.ack_wait.total_seconds() for consumer in CONSUMERS
        ]
        assert [tuple(config.filter_subjects or ()) for config, _, _ in after] == [
            consumer.broker_filters for consumer in CONSUMERS
        ]
        for consumer in CONSUMERS:
            where = f"{consumer.stream.name}.{consumer.durable}"
            told = await admin.request(f"$JS.API.CONSUMER.INFO.{where}", b"")
            pinned = json.loads(told.data)["config"].get("priority_policy") == "pinned_client"
            assert pinned == consumer.exclusive


async def test_atomic_batches_and_direct_gets_are_allowed(platform_streams: Broker) -> None:
    """Batches to services alone: unfinished ones of others would take their places."""
    async with platform_streams.connected() as admin:
        for stream in (*(s.name for s in STREAMS), *(b.stream for b in BUCKETS)):
            config = (await admin.jetstream().stream_info(stream)).config
            assert bool(config.allow_atomic) == (stream != INGRESS.name)
            assert config.allow_direct


async def _described(admin: Client) -> list[tuple[Any, ...]]:
    jetstream = admin.jetstream()
    described: list[tuple[Any, ...]] = []
    for stream in (*(s.name for s in STREAMS), *(b.stream for b in BUCKETS)):
        info = await jetstream.stream_info(stream)
        described.append((info.config, info.created, info.state.messages, info.state.last_seq))
    for consumer in CONSUMERS:
        held = await jetstream.consumer_info(consumer.stream.name, consumer.durable)
        described.append((held.config, held.created, held.delivered))
    return described


async def _stored(broker: Broker) -> int:
    async with broker.connected() as admin:
        return sum(info.state.messages for info in await admin.jetstream().streams_info())
