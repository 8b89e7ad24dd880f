"""A backup on a cluster of three brokers, with three replicas of each stream."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from nats.aio.client import Client

from tests.support import own_servers
from tests.support.eventually import eventually
from tests.support.servers import Broker, Postgres
from tests.unit.executor.factories import make_api_change
from trigger_admin import yesterday
from trigger_admin.backup import ORDER, back_up
from trigger_admin.installation import Installation, admin_connection
from trigger_admin.provision import provision, say_nothing
from trigger_admin.restore import restore
from trigger_contracts import subjects, topology
from trigger_local.secrets import Secrets

NODES = 3
CHANGES = 50


@pytest.fixture
async def nodes(secrets: Secrets) -> AsyncIterator[list[int]]:
    """The ports of three brokers."""
    async with own_servers.cluster(secrets.nats, NODES) as ports:
        yield ports


@pytest.fixture
async def target(
    nodes: list[int], postgres: Postgres, secrets: Secrets
) -> AsyncIterator[Installation]:
    """Provisioned with three replicas of each stream."""
    name = f"cluster_{uuid4().hex[:12]}"
    made = Installation(
        nats_url=",".join(f"nats://127.0.0.1:{port}" for port in nodes),
        nats_password=secrets.nats["admin"],
        database_url=postgres.url(name=name),
        role_passwords=secrets.postgres,
        replicas=NODES,
    )

    async def provisioned() -> bool:
        """Once they have a leader."""
        await provision(made)
        return True

    await eventually(provisioned, within=60, poll=0.5, what="the cluster takes streams")
    yield made
    await postgres.drop_database(name)


async def filled(client: Client) -> None:
    for number in range(CHANGES):
        change = make_api_change(f"t{number}").model_dump_json().encode()
        await client.jetstream(timeout=10).publish(subjects.changed(f"t{number}"), change)


async def replicas(client: Client) -> set[int | None]:
    jetstream = client.jetstream(timeout=10)
    return {(await jetstream.stream_info(name)).config.num_replicas for name in ORDER}


async def removed(client: Client) -> None:
    for name in yesterday.NAMES:
        await client.jetstream(timeout=10).delete_stream(name)


@pytest.mark.timeout(180)
async def test_streams_come_back_with_their_replicas_or_with_as_many_as_are_asked_for(
    target: Installation, platform_streams: Broker, tmp_path: Path
) -> None:
    """From the cluster into it, and from a single broker into the cluster."""
    async with admin_connection(target) as client:
        await filled(client)
        await back_up(target, tmp_path / "of the cluster", say_nothing)
        await removed(client)
        told = await restore(target, tmp_path / "of the cluster", say_nothing)
        assert told[0] == f"scheduler: {CHANGES} triggers from {CHANGES} changes"
        assert await replicas(client) == {NODES}

        single = replace(target, nats_url=platform_streams.url, replicas=1)
        async with admin_connection(single) as other:
            await filled(other)
            await back_up(single, tmp_path / "of one", say_nothing)
        told = await restore(target, tmp_path / "of one", say_nothing, replace=True)
        assert told[0] == f"scheduler: {CHANGES} triggers from {CHANGES} changes"
        assert await replicas(client) == {NODES}
        state = (await client.jetstream().stream_info(topology.CHANGES.name)).state
        assert (state.messages, state.last_seq) == (CHANGES, CHANGES)
    await provision(target)
