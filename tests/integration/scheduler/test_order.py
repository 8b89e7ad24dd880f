"""Commands of one trigger take effect in the order in which they were stored."""

import contextlib
import json
from datetime import timedelta

import pytest

from tests.integration.scheduler.conftest import Platform, once
from tests.integration.scheduler.test_crashes import died, faulty
from tests.support.eventually import eventually
from tests.support.servers import Postgres
from trigger_contracts import topology
from trigger_contracts.subjects import Verb

EDITS = 4
TRIGGERS = 15


async def publish_histories(platform: Platform) -> None:
    for number in range(TRIGGERS):
        trigger_id = f"t{number}"
        await platform.send(Verb.CREATE, {"trigger_id": trigger_id, **once(timedelta(hours=1))})
        for edit in range(EDITS):
            body = {"trigger_id": trigger_id, "patch": {"name": f"v{edit}"}}
            await platform.send(Verb.UPDATE, body)


async def all_edited(platform: Platform) -> bool:
    async with platform.database.connected() as owner:
        rows = await owner.fetch("SELECT name, version FROM scheduler.trigger")
    names = {(row["name"], row["version"]) for row in rows}
    return len(rows) == TRIGGERS and names == {(f"v{EDITS - 1}", EDITS + 1)}


async def test_commands_published_one_after_the_other_are_applied_so(platform: Platform) -> None:
    async with platform.scheduler(loops=False):
        await publish_histories(platform)
        assert await eventually(lambda: all_edited(platform), within=20)


async def test_two_replicas_apply_them_so(platform: Platform) -> None:
    async with platform.scheduler(loops=False), platform.scheduler(loops=False):
        await publish_histories(platform)
        assert await eventually(lambda: all_edited(platform), within=20)


async def pin(platform: Platform) -> str | None:
    """The pin of the replica that commands go to, if any."""
    consumer = topology.SCHEDULER_COMMANDS
    where = f"$JS.API.CONSUMER.INFO.{consumer.stream.name}.{consumer.durable}"
    async with platform.broker.connected() as admin:
        told = json.loads((await admin.request(where, b"")).data)
    (group,) = told["priority_groups"]
    return group.get("pinned_client_id")


async def test_a_replica_that_leaves_hands_over_at_once(platform: Platform) -> None:
    async with contextlib.AsyncExitStack() as leaving, contextlib.AsyncExitStack() as staying:
        await leaving.enter_async_context(platform.scheduler(loops=False))
        await platform.ask(Verb.CREATE, trigger_id="t1", **once(timedelta(hours=1)))
        await staying.enter_async_context(platform.scheduler(loops=False))
        assert await pin(platform)
        await leaving.aclose()
        # It said so: nobody waits until the broker thinks that it is dead.
        assert not await pin(platform)
        await platform.ask(Verb.UPDATE, trigger_id="t1", patch={"name": "renamed"})
        assert await pin(platform)


async def test_commands_stored_while_the_scheduler_is_down_are_applied_so(
    platform: Platform,
) -> None:
    await publish_histories(platform)
    async with platform.scheduler(loops=False):
        assert await eventually(lambda: all_edited(platform), within=20)


async def test_commands_stored_while_the_database_is_down_are_applied_so(
    platform: Platform, postgres: Postgres
) -> None:
    async with platform.scheduler(loops=False):
        await platform.ask(Verb.CREATE, trigger_id="warm", name="w", type="api")
        await platform.ask(Verb.DELETE, trigger_id="warm")
        async with platform.database.connected() as owner:
            await owner.execute("DELETE FROM scheduler.trigger")
        await postgres.kill()
        try:
            await publish_histories(platform)
        finally:
            await postgres.start()
        assert await eventually(lambda: all_edited(platform), within=40)


@pytest.mark.parametrize("point", ["decided", "change appended", "projected"])
async def test_an_edit_waits_for_a_create_that_a_crash_put_off(
    platform: Platform, point: str
) -> None:
    """The broker gives the create to somebody else only after the ack wait."""
    async with faulty(platform, point) as process:
        await platform.send(Verb.CREATE, {"trigger_id": "t1", **once(timedelta(hours=1))})
        await died(process)
    async with platform.scheduler(loops=False):
        edited = await platform.ask(
            Verb.UPDATE, within=40, trigger_id="t1", patch={"name": "edited"}
        )
    assert (edited["version"], edited["trigger"]["name"]) == (2, "edited")


async def test_an_unknown_trigger_is_refused_at_once_where_nothing_is_put_off(
    platform: Platform,
) -> None:
    async with platform.scheduler(loops=False):
        await platform.ask(Verb.CREATE, trigger_id="t1", **once(timedelta(hours=1)))
        refused = await platform.ask(Verb.DELETE, within=2, trigger_id="nobody")
    assert refused["status"] == 404


async def test_refusals_do_not_wait_for_each_other(platform: Platform) -> None:
    """However many name unknown triggers, and whatever others consume between them."""
    async with platform.scheduler(loops=False):
        await platform.ask(Verb.CREATE, trigger_id="t1", **once(timedelta(hours=1)))
        for number in range(20):
            await platform.send(Verb.FIRE, {"trigger_id": "nobody"})
            await platform.send(Verb.DELETE, {"trigger_id": f"nobody-{number % 3}"})
            refused = await platform.ask(Verb.DELETE, within=2, trigger_id=f"nobody-{number % 3}")
            assert refused["status"] == 404
