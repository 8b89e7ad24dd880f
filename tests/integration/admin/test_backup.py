"""A backup is what the broker had, or is refused; a restore makes it so again, or nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from tests.support.eventually import eventually
from tests.support.servers import Broker, Postgres
from tests.unit.executor.factories import make_api_change
from trigger_admin import backup, snapshots, yesterday
from trigger_admin.backup import MANIFEST, ORDER, back_up, file_of
from trigger_admin.errors import AdminError, UncopiedError
from trigger_admin.installation import Installation, admin_connection
from trigger_admin.provision import provision, say_nothing
from trigger_admin.rebuild import rebuild_all
from trigger_admin.restore import rebuild_restored, restore
from trigger_admin.streams import stream_config
from trigger_contracts import subjects, topology
from trigger_contracts.heartbeats import Heartbeat
from trigger_contracts.subjects import Service
from trigger_local.secrets import Secrets


@pytest.fixture
async def target(
    platform_streams: Broker, postgres: Postgres, secrets: Secrets
) -> AsyncIterator[Installation]:
    """Provisioned: fresh streams, and a database of the test's own."""
    name = f"backup_{uuid4().hex[:12]}"
    made = Installation(
        nats_url=platform_streams.url,
        nats_password=secrets.nats["admin"],
        database_url=postgres.url(name=name),
        role_passwords=secrets.postgres,
    )
    await provision(made)
    yield made
    await postgres.drop_database(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


async def fill(client: Client, count: int = 300) -> None:
    """Messages in every stream, some of them acknowledged, some removed."""
    jetstream = client.jetstream(timeout=10)
    for number in range(count):
        change = make_api_change(f"t{number}").model_dump_json().encode()
        await jetstream.publish(subjects.changed(f"t{number}"), change)
    for subject in (
        *("trigger.command.create", "trigger.due.t1", "trigger.fired.t1", "trigger.target.g1"),
        *("trigger.dead.executor.TRIGGER_DUE.1", "$KV.IDEMPOTENCY.one"),
    ):
        for number in range(5):
            await jetstream.publish(subject, b"%d" % number, headers={"reply_to": "somebody"})
    await jetstream.purge_stream(topology.DUE.name, seq=3)
    dues = await jetstream.pull_subscribe_bind("executor", topology.DUE.name)
    (first, _) = await dues.fetch(2)
    await first.ack_sync()


DELIVERS = Heartbeat(instance="one", status="ready", roles=("deliver",)).model_dump_json().encode()


async def contents(client: Client) -> dict[str, object]:
    """Each stream's messages with places and instants, and how far each consumer is."""
    jetstream = client.jetstream(timeout=10)
    found: dict[str, object] = {}
    for name in ORDER:
        state = (await jetstream.stream_info(name)).state
        found[name] = (state.messages, state.first_seq, state.last_seq)
        found[f"{name} messages"] = [
            (seq, one.subject, one.data, one.headers, one.time)
            for seq in range(state.first_seq, state.last_seq + 1)
            if (one := await jetstream.get_msg(name, seq))
        ]
    for consumer in topology.CONSUMERS:
        info = await jetstream.consumer_info(consumer.stream.name, consumer.durable)
        assert info.ack_floor is not None
        found[f"{consumer.stream.name}/{consumer.durable}"] = info.ack_floor.stream_seq
    return found


async def removed(client: Client) -> None:
    for name in yesterday.NAMES:
        await client.jetstream(timeout=10).delete_stream(name)


async def test_what_was_there_is_there_again_with_its_places_instants_and_positions(
    target: Installation, folder: Path, postgres: Postgres
) -> None:
    async with admin_connection(target) as client:
        await fill(client)
        before = await contents(client)
        made = await back_up(target, folder, say_nothing)
        assert backup.read(folder) == made
        assert made.size == sum(file_of(folder, name).stat().st_size for name in ORDER)
        await removed(client)
        # All is lost but the backup: even the database, whose name alone is there again.
        await postgres.drop_database(target.database_url.rpartition("/")[2])
        await provision(target)
        said: list[str] = []
        told = await restore(target, folder, said.append)
        assert await contents(client) == before
    assert said[ORDER.index(topology.CHANGES.name)] == "TRIGGER_CHANGES: 300 messages"
    assert told[0] == "scheduler: 300 triggers from 300 changes"
    assert told[1].startswith("0 occurrences of 0 triggers")
    await provision(target)


async def test_commands_of_nats_clients_are_copied_once_before_and_after(
    platform_streams: Broker, target: Installation, folder: Path
) -> None:
    """The copy goes on at the restored streams, and brings nothing of before a second time."""
    commands, fires = topology.COMMANDS.name, subjects.command(subjects.Verb.FIRE)
    async with admin_connection(target) as admin, platform_streams.connected("client") as client:
        jetstream = admin.jetstream(timeout=10)
        for number in range(20):
            await client.jetstream(timeout=10).publish(fires, b"%d" % number)
        await back_up(target, folder, say_nothing)
        backed_up = backup.read(folder).streams[0]
        assert (backed_up.stream, backed_up.state["messages"]) == (commands, 20)
        await client.jetstream(timeout=10).publish(fires, b"lost")
        await restore(target, folder, say_nothing, replace=True)
        await client.jetstream(timeout=10).publish(fires, b"after")

        async def arrived() -> bool:
            return (await jetstream.stream_info(commands)).state.last_seq >= 21

        await eventually(arrived, within=30, what="a later command is copied")
        bodies = [(await jetstream.get_msg(commands, seq)).data for seq in range(1, 22)]
        assert bodies == [*(b"%d" % number for number in range(20)), b"after"]


async def test_commands_that_the_broker_does_not_copy_are_said_by_backup_manifest_and_restore(
    platform_streams: Broker, target: Installation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "COPY_TIMEOUT", 1.0)
    uncopying = replace(stream_config(topology.COMMANDS, 1), sources=None)
    async with admin_connection(target) as admin, platform_streams.connected("client") as client:
        await admin.jetstream(timeout=10).update_stream(uncopying)
        for number in range(3):
            await client.jetstream(timeout=10).publish(
                subjects.command(subjects.Verb.FIRE), b"%d" % number
            )
        with pytest.raises(UncopiedError, match="lacks up to 3 commands of NATS clients"):
            await back_up(target, folder, say_nothing)
        assert json.loads((folder / MANIFEST).read_text())["uncopied"] == 3
        said: list[str] = []
        await restore(target, folder, said.append, replace=True)
        assert said[0].startswith("Up to 3 commands of NATS clients are not in this backup")

        await provision(target)
        whole = await back_up(target, folder.with_name("another"), say_nothing)
        assert whole.uncopied == 0


async def test_a_backup_that_is_not_whole_is_refused_and_changes_nothing(
    target: Installation, folder: Path
) -> None:
    async with admin_connection(target) as client:
        await fill(client, 3)
        before = await contents(client)
        await back_up(target, folder, say_nothing)
        with pytest.raises(AdminError, match="not an empty folder"):
            await back_up(target, folder, say_nothing)

        manifest = folder / MANIFEST
        written = manifest.read_text()
        for spoilt, why in (
            (written[:-9], "cannot be read"),
            (json.dumps({**json.loads(written), "format": 2}), "of the format 2"),
        ):
            manifest.write_text(spoilt)
            with pytest.raises(AdminError, match=why):
                await restore(target, folder, say_nothing, replace=True)
        manifest.unlink()
        with pytest.raises(AdminError, match="no whole backup"):
            await restore(target, folder, say_nothing, replace=True)

        manifest.write_text(written)
        file = file_of(folder, topology.CHANGES.name)
        kept = file.read_bytes()
        for spoilt_file in (kept[:-1], bytes([kept[0] ^ 1]) + kept[1:]):
            file.write_bytes(spoilt_file)
            with pytest.raises(AdminError, match="not what was written"):
                await restore(target, folder, say_nothing, replace=True)
        file.unlink()
        with pytest.raises(AdminError, match="is missing"):
            await restore(target, folder, say_nothing, replace=True)
        assert await contents(client) == before


async def test_a_backup_is_for_its_owner_alone(target: Installation, folder: Path) -> None:
    """Payloads are in it."""
    await back_up(target, folder, say_nothing)
    names = (MANIFEST, *(file_of(folder, name).name for name in ORDER))
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in (".", *names)}
    assert modes == {".": 0o700, **dict.fromkeys(names, 0o600)}


async def test_messages_that_are_there_and_services_that_live_stop_a_restore(
    target: Installation, folder: Path
) -> None:
    async with admin_connection(target) as client:
        await fill(client, 3)
        await back_up(target, folder, say_nothing)
        before = await contents(client)
        with pytest.raises(AdminError, match=r"has messages in .*TRIGGER_CHANGES.*--replace"):
            await restore(target, folder, say_nothing)

        async def beat() -> None:
            while True:
                for body in (b"{}", DELIVERS):
                    await client.publish(subjects.alive(Service.EXECUTOR), body)
                await asyncio.sleep(0.2)

        living = asyncio.create_task(beat())
        with pytest.raises(AdminError, match=r"Services run \(deliver, executor\): stop all"):
            await restore(target, folder, say_nothing, replace=True)
        with pytest.raises(AdminError, match=r"Services run \(deliver, executor\): stop all"):
            await rebuild_restored(target, accept_loss=True)
        living.cancel()
        assert await contents(client) == before


async def test_a_gateway_that_runs_stops_a_restore(
    platform_streams: Broker, target: Installation, folder: Path
) -> None:
    """It sends no heartbeat; what it accepted meanwhile would be lost."""
    async with admin_connection(target) as client, platform_streams.connected("api") as gateway:
        await fill(client, 3)
        await back_up(target, folder, say_nothing)
        before = await contents(client)
        listening = await gateway.subscribe(subjects.ALL_ALIVE)
        await gateway.flush()
        for step in (
            restore(target, folder, say_nothing, replace=True),
            rebuild_restored(target, accept_loss=True),
        ):
            with pytest.raises(AdminError, match=r"Services run \(api\): stop all"):
                await step
        assert await contents(client) == before
        await listening.unsubscribe()
        await gateway.flush()
        await restore(target, folder, say_nothing, replace=True)
        assert await contents(client) == before


async def test_nothing_starts_on_half_a_restore_and_a_repetition_makes_it_whole(
    target: Installation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back = snapshots.put_back

    async def killed(client: Client, snapshot: snapshots.Snapshot, path: Path) -> None:
        if snapshot.stream == topology.EVENTS.name:
            raise KeyboardInterrupt
        await put_back(client, snapshot, path)

    async with admin_connection(target) as client:
        await fill(client, 3)
        await back_up(target, folder, say_nothing)
        before = await contents(client)
        monkeypatch.setattr(snapshots, "put_back", killed)
        with pytest.raises(KeyboardInterrupt):
            await restore(target, folder, say_nothing, replace=True)
        monkeypatch.undo()
        for step in (provision(target), rebuild_all(target, accept_loss=True)):
            with pytest.raises(AdminError, match=r"The restore of .*backup has not ended"):
                await step
        await restore(target, folder, say_nothing)
        assert await contents(client) == before
    await provision(target)


async def test_a_node_that_does_not_know_yet_who_listens_is_asked_again(
    target: Installation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As now and then in a cluster: the node of the connection is not the one that unpacks."""
    request, unheard = Client.request, set[str]()

    async def late(client: Client, subject: str, *rest: Any, **options: Any) -> Msg:
        if subject.startswith("$JS.SNAPSHOT.RESTORE.") and subject not in unheard:
            unheard.add(subject)
            raise NoRespondersError
        return await request(client, subject, *rest, **options)

    async def deaf(client: Client, subject: str, *rest: Any, **options: Any) -> Msg:
        if subject.startswith("$JS.SNAPSHOT.RESTORE."):
            raise NoRespondersError
        return await request(client, subject, *rest, **options)

    async with admin_connection(target) as client:
        await fill(client, 3)
        await back_up(target, folder, say_nothing)
        before = await contents(client)
        with monkeypatch.context() as patched:
            patched.setattr(snapshots, "REQUEST_TIMEOUT", 0.3)
            patched.setattr(Client, "request", deaf)
            with pytest.raises(AdminError, match="does not take TRIGGER_COMMANDS any more"):
                await restore(target, folder, say_nothing, replace=True)
        monkeypatch.setattr(Client, "request", late)
        await restore(target, folder, say_nothing, replace=True)
        assert await contents(client) == before
    assert len(unheard) == len(ORDER)


async def test_a_database_that_is_not_there_yet_is_said_before_anything_is_removed(
    target: Installation, folder: Path, postgres: Postgres
) -> None:
    async with admin_connection(target) as client:
        await fill(client, 3)
        await back_up(target, folder, say_nothing)
        before = await contents(client)
        await postgres.drop_database(target.database_url.rpartition("/")[2])
        with pytest.raises(AdminError, match="etp provision makes it"):
            await restore(target, folder, say_nothing, replace=True)
        assert await contents(client) == before


async def test_a_stream_that_is_missing_makes_no_backup(target: Installation, folder: Path) -> None:
    async with admin_connection(target) as client:
        await client.jetstream(timeout=10).delete_stream(topology.EVENTS.name)
    with pytest.raises(AdminError, match="TRIGGER_EVENTS: stream not found"):
        await back_up(target, folder, say_nothing)
    with pytest.raises(AdminError, match="no whole backup"):
        backup.read(folder)


async def test_a_restore_takes_back_what_postgresql_knows_beyond_the_backup(
    target: Installation, folder: Path
) -> None:
    async with admin_connection(target) as client:
        await fill(client, 3)
        await rebuild_all(target)
        await back_up(target, folder, say_nothing)
        change = make_api_change("later").model_dump_json().encode()
        await client.jetstream().publish(subjects.changed("later"), change)
        await rebuild_all(target)
        told = await restore(target, folder, say_nothing, replace=True)
    assert told[0] == "scheduler: 3 triggers from 3 changes"
    connection = await asyncpg.connect(target.database_url)
    try:
        names = await connection.fetch("SELECT trigger_id FROM scheduler.trigger ORDER BY 1")
    finally:
        await connection.close()
    assert [row["trigger_id"] for row in names] == ["t0", "t1", "t2"]
