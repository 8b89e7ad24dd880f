"""What was there yesterday and is not today is said, and never silently made empty."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from nats.aio.client import Client

from tests.support.servers import Broker, Database, Postgres
from tests.unit.executor.factories import make_api_change
from trigger_admin import yesterday
from trigger_admin.errors import AdminError, StreamsLostError, TablesGoneError
from trigger_admin.installation import Installation, admin_connection, look_back
from trigger_admin.provision import provision, watch
from trigger_admin.rebuild import rebuild_all
from trigger_contracts import subjects
from trigger_contracts.topology import BUCKETS, COMMANDS, CONSUMERS, INGRESS, STREAMS, TARGETS
from trigger_local.secrets import Secrets

SUBJECTS = {
    "TRIGGER_INGRESS": "trigger.ingress.create",
    "TRIGGER_COMMANDS": "trigger.command.create",
    "TRIGGER_CHANGES": "trigger.changed.one",
    "TRIGGER_TARGETS": "trigger.target.one",
    "TRIGGER_DUE": "trigger.due.one",
    "TRIGGER_EVENTS": "trigger.fired.one",
    "TRIGGER_DEAD": "trigger.dead.executor.TRIGGER_DUE.one",
    "KV_IDEMPOTENCY": "$KV.IDEMPOTENCY.one",
}
"""A subject of each stream."""

_CHANGES = Path(__file__).parents[2] / "contract/golden/target-changed.v1.json"
A_TARGET = json.dumps(json.loads(_CHANGES.read_bytes())[0]).encode()
"""Made, under the id `orders`."""


@pytest.fixture
async def target(
    platform_streams: Broker, postgres: Postgres, secrets: Secrets
) -> AsyncIterator[Installation]:
    """Fresh streams, and a database of the test's own that does not exist yet."""
    name = f"yesterday_{uuid4().hex[:12]}"
    yield Installation(
        nats_url=platform_streams.url,
        nats_password=secrets.nats["admin"],
        database_url=postgres.url(name=name),
        role_passwords=secrets.postgres,
        options=" --data-dir here",
    )
    await postgres.drop_database(name)


async def publish(broker: Broker, stream: str, count: int) -> None:
    async with broker.connected() as admin:
        for _ in range(count):
            await admin.jetstream().publish(SUBJECTS[stream], b"{}")


async def found(target: Installation) -> yesterday.Streams:
    async with admin_connection(target) as client:
        return await yesterday.streams(client)


def test_every_stream_is_looked_at() -> None:
    declared = {*(s.name for s in STREAMS), *(b.stream for b in BUCKETS)}
    assert set(yesterday.NAMES) == declared == set(SUBJECTS)


@pytest.mark.parametrize("stream", SUBJECTS)
async def test_a_stream_that_is_missing_is_refused_and_named(
    platform_streams: Broker, target: Installation, stream: str
) -> None:
    """Removed, made anew and empty, made anew and shorter, made anew and as long: each is said."""
    await provision(target)
    await publish(platform_streams, stream, 3)
    assert await watch(target) == []
    before = await found(target)
    async with platform_streams.connected() as admin:
        jetstream = admin.jetstream(timeout=10)
        config = (await jetstream.stream_info(stream)).config
        await jetstream.delete_stream(stream)
        with pytest.raises(StreamsLostError) as refused:
            await provision(target)
        assert (await found(target))[stream] is None, "it was made anew, and nobody would know"
        told = str(refused.value)
        assert f"the stream {stream} is missing; it had messages up to sequence 3" in told
        assert "etp rebuild --accept-loss --data-dir here" in told

        await jetstream.add_stream(config)
        with pytest.raises(StreamsLostError, match=f"{stream} ends at sequence 0"):
            await provision(target)
        await publish(platform_streams, stream, 1)
        with pytest.raises(StreamsLostError, match=f"{stream} ends at sequence 1"):
            await provision(target)
        await publish(platform_streams, stream, 5)
        with pytest.raises(StreamsLostError, match=f"{stream} was made anew"):
            await provision(target)
        assert len(await watch(target)) == 1
    # What arrives in the one is copied into the other, a moment later.
    touched = {stream, COMMANDS.name} if stream == INGRESS.name else {stream}
    others = {name: state for name, state in (await found(target)).items() if name not in touched}
    assert others == {name: state for name, state in before.items() if name not in touched}


async def test_a_missing_stream_that_had_nothing_is_made_anew_while_all_runs(
    platform_streams: Broker, target: Installation
) -> None:
    """There is nothing to say of it, and without it nothing can be kept there."""
    await provision(target)
    said: list[str] = []
    for heal in (watch(target, said.append), rebuild_all(target)):
        async with platform_streams.connected() as admin:
            await admin.jetstream(timeout=10).delete_stream("TRIGGER_DEAD")
        await heal
        assert None not in (await found(target)).values()
    assert len(said) == 1
    assert "TRIGGER_DEAD" in said[0]


async def test_what_is_projected_counts_without_a_note(
    platform_streams: Broker, target: Installation
) -> None:
    """A database of an earlier release has positions alone; a rebuild asks for the loss."""
    await provision(target)
    connection = await asyncpg.connect(target.database_url)
    try:
        await connection.execute("DROP SCHEMA platform CASCADE")
        await connection.execute("INSERT INTO scheduler.projection (change_seq) VALUES (7)")
        for step in (provision, rebuild_all):
            with pytest.raises(StreamsLostError, match=r"TRIGGER_CHANGES ends at sequence 0; .* 7"):
                await step(target)
        assert await connection.fetchval("SELECT change_seq FROM scheduler.projection") == 7
        assert "scheduler: 0 triggers from 0 changes" in await rebuild_all(target, accept_loss=True)
        assert await connection.fetchval("SELECT change_seq FROM scheduler.projection") == 0
    finally:
        await connection.close()
    await provision(target)


async def test_what_is_stored_and_projected_meanwhile_is_no_loss(
    platform_streams: Broker, target: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebuild, and a provision of another release, come while services are at work."""
    await provision(target)
    await publish(platform_streams, "TRIGGER_CHANGES", 1)
    streams, known = yesterday.streams, yesterday.known

    async def goes_on() -> None:
        await publish(platform_streams, "TRIGGER_CHANGES", 1)
        connection = await asyncpg.connect(target.database_url)
        state = (await streams_now())["TRIGGER_CHANGES"]
        assert state is not None
        await connection.execute("DELETE FROM scheduler.projection")
        await connection.execute(
            "INSERT INTO scheduler.projection (change_seq) VALUES ($1)", state.last_seq
        )
        await connection.close()

    async def streams_now() -> yesterday.Streams:
        async with admin_connection(target) as client:
            return await streams(client)

    async def streams_of_a_moment(client: Client) -> yesterday.Streams:
        seen = await streams(client)
        await goes_on()
        return seen

    async def known_of_a_moment(connection: asyncpg.Connection) -> yesterday.Yesterday:
        seen = await known(connection)
        await goes_on()
        return seen

    monkeypatch.setattr(yesterday, "streams", streams_of_a_moment)
    monkeypatch.setattr(yesterday, "known", known_of_a_moment)
    assert await watch(target) == []
    await provision(target)
    assert "scheduler: 0 triggers" in (await rebuild_all(target))[0]


async def test_an_accepted_loss_makes_streams_and_consumers_anew(
    platform_streams: Broker, target: Installation
) -> None:
    """No consumer goes on past the end of a shorter stream: it would pass over what comes."""
    await provision(target)
    await publish(platform_streams, "TRIGGER_EVENTS", 3)
    await watch(target)
    async with platform_streams.connected() as admin:
        for stream in SUBJECTS:
            await admin.jetstream().delete_stream(stream)
        with pytest.raises(StreamsLostError):
            await rebuild_all(target)
        assert set((await found(target)).values()) == {None}
        await rebuild_all(target, accept_loss=True)
        assert None not in (await found(target)).values()
        for consumer in CONSUMERS:
            await admin.jetstream().consumer_info(consumer.stream.name, consumer.durable)
    await provision(target)


async def test_expired_and_purged_messages_are_no_loss(
    platform_streams: Broker, target: Installation
) -> None:
    await provision(target)
    await publish(platform_streams, "TRIGGER_DUE", 3)
    await watch(target)
    async with platform_streams.connected() as admin:
        await admin.jetstream().purge_stream("TRIGGER_DUE")
    await provision(target)
    assert await watch(target) == []


async def test_a_broker_that_was_restarted_has_lost_nothing(
    platform_streams: Broker, target: Installation
) -> None:
    """Its streams are the ones that were made, to the microsecond of their making."""
    await provision(target)
    await publish(platform_streams, "TRIGGER_COMMANDS", 3)
    await watch(target)
    await platform_streams.kill()
    await platform_streams.start()
    await provision(target)


async def test_a_new_database_is_made_anew_from_the_streams_and_says_so(
    platform_streams: Broker, target: Installation, postgres: Postgres
) -> None:
    said: list[str] = []
    await provision(target, said.append)
    assert said == []
    await publish(platform_streams, "TRIGGER_EVENTS", 2)
    await watch(target)
    await postgres.drop_database(target.database_url.rpartition("/")[2])
    await provision(target, said.append)
    assert said == [
        "PostgreSQL is new and the streams are not: every table is made anew from them.",
        "retention: 0 rows from 2 events, 2 messages cannot be read",
        "executor: 0 deliveries wait, from 0 records",
    ]
    assert (await look_back(target)).noted["TRIGGER_EVENTS"].last_seq == 2
    await provision(target, said.append)
    assert len(said) == 3, "made anew once"


@pytest.mark.parametrize(
    ("removed", "gone"),
    [
        ("SCHEMA scheduler", ["scheduler"]),
        ("SCHEMA retention", ["retention"]),
        ("SCHEMA executor", ["executor"]),
        ("SCHEMA scheduler, retention, executor, platform", ["scheduler", "retention", "executor"]),
        ("TABLE scheduler.trigger", ["scheduler"]),
        ("TABLE retention.event", ["retention"]),
        ("TABLE executor.lane", ["executor"]),
    ],
)
async def test_what_of_a_database_is_removed_is_made_anew_from_the_streams(
    platform_streams: Broker, target: Installation, removed: str, gone: list[str]
) -> None:
    """Also while the platform runs: whoever notes how far the streams are says that it is gone."""
    await provision(target)
    async with platform_streams.connected() as admin:
        change = make_api_change("t1").model_dump_json().encode()
        await admin.jetstream().publish(subjects.changed("t1"), change)
    await publish(platform_streams, "TRIGGER_EVENTS", 2)
    await rebuild_all(target)
    connection = await asyncpg.connect(target.database_url)
    try:
        await connection.execute(f"DROP {removed} CASCADE")
        with pytest.raises(TablesGoneError, match=", ".join(sorted(gone))):
            await watch(target)
        said: list[str] = []
        await provision(target, said.append)
        assert [one.partition(":")[0] for one in said[1:]] == gone
        assert "made anew" in said[0]
        assert await connection.fetchval("SELECT count(*) FROM scheduler.trigger") == 1
        assert await connection.fetchval("SELECT count(*) FROM retention.event") == 0
        assert await watch(target) == []
    finally:
        await connection.close()


async def test_a_database_of_a_newer_version_is_left_as_it_is(target: Installation) -> None:
    await provision(target)
    connection = await asyncpg.connect(target.database_url)
    try:
        await connection.execute("INSERT INTO retention.migration VALUES ('9999_later.sql')")
    finally:
        await connection.close()
    with pytest.raises(AdminError, match=r"newer version .*9999_later"):
        await provision(target)


@pytest.mark.parametrize("role", ["etp_api", "etp_scheduler", "etp_executor", "etp_retention"])
async def test_services_enter_their_own_database_alone(
    postgres: Postgres, database: Database, role: str
) -> None:
    for name in ("postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with postgres.connected(role, name):
                pass
    async with database.connected(role) as own:
        assert await own.fetchval("SELECT current_database()") == database.name


async def test_tables_that_are_lost_are_made_of_targets_alone_as_well(
    platform_streams: Broker, target: Installation
) -> None:
    await provision(target)
    async with platform_streams.connected() as admin:
        await admin.jetstream().publish(subjects.target("orders"), A_TARGET)
        connection = await asyncpg.connect(target.database_url)
        try:
            await connection.execute("DROP SCHEMA scheduler, platform CASCADE")
            await provision(target)
            living = "SELECT target_id FROM scheduler.target"
            assert await connection.fetchval(living) == "orders"
        finally:
            await connection.close()


async def test_a_target_that_its_log_lacks_is_missed(
    platform_streams: Broker, target: Installation
) -> None:
    """A damaged file of the store: the broker passes over what it cannot read of it."""
    await provision(target)
    async with platform_streams.connected() as admin:
        jetstream = admin.jetstream(timeout=10)
        await jetstream.publish(subjects.target("orders"), A_TARGET)
        await jetstream.publish(subjects.target("other"), b"so that the log ends there")
        await rebuild_all(target)
        await watch(target)
        await jetstream.delete_msg(TARGETS.name, 1)
    with pytest.raises(StreamsLostError, match=r"TRIGGER_TARGETS lacks .* 1 targets \(orders\)"):
        await provision(target)
