"""The history of a trigger is bounded: the newest versions stay, what is still needed as well."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.scheduler.conftest import Platform
from tests.integration.scheduler.test_rebuild import rebuilt
from tests.support.eventually import eventually
from trigger_contracts import subjects, topology
from trigger_contracts.events import TriggerChanged
from trigger_contracts.subjects import Verb
from trigger_scheduler.handlers import history

KEPT = 3


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was superseded is erased at once; by the product a minute later."""
    monkeypatch.setattr(history, "SUPERSEDED_FOR", timedelta())
    monkeypatch.setattr(history, "PAUSE", timedelta(seconds=0.05))


async def edited(platform: Platform, trigger_id: str, times: int) -> None:
    for n in range(times):
        await platform.ask(Verb.UPDATE, trigger_id=trigger_id, patch={"name": f"edit {n}"})


async def in_log(platform: Platform, trigger_id: str) -> list[int]:
    found = await platform.stored(topology.CHANGES.name, subjects.changed(trigger_id))
    return [TriggerChanged.model_validate_json(body).version for body in found]


async def in_index(platform: Platform, trigger_id: str) -> list[int]:
    async with platform.database.connected() as connection:
        rows = await connection.fetch(
            "SELECT version FROM scheduler.trigger_history WHERE trigger_id = $1"
            " ORDER BY change_seq",
            trigger_id,
        )
    return [row["version"] for row in rows]


async def until_kept(platform: Platform, trigger_id: str, versions: list[int]) -> None:
    async def kept() -> bool:
        both = await in_log(platform, trigger_id), await in_index(platform, trigger_id)
        return both == (versions, versions)

    await eventually(kept, what=f"the versions {versions} of {trigger_id}")


async def test_the_newest_versions_stay_in_the_log_and_in_the_index(platform: Platform) -> None:
    async with platform.scheduler(history_kept=KEPT):
        done = await platform.ask(Verb.CREATE, name="x", type="api", trigger_id="edited")
        await platform.ask(Verb.CREATE, name="x", type="api", trigger_id="other")
        await edited(platform, "other", KEPT - 1)
        await edited(platform, done["trigger_id"], 6)
        await until_kept(platform, "edited", [5, 6, 7])
        await edited(platform, "edited", 1)
        await until_kept(platform, "edited", [6, 7, 8])
        assert await in_log(platform, "other") == [1, 2, 3]
        await platform.ask(Verb.DELETE, trigger_id="edited")
        await until_kept(platform, "edited", [7, 8, 9])


async def test_one_version_is_enough_for_a_trigger_to_go_on(platform: Platform) -> None:
    async with platform.scheduler(history_kept=1):
        every = {"name": "x", "type": "scheduled", "interval": 1, "trigger_id": "one"}
        await platform.ask(Verb.CREATE, **every)
        await edited(platform, "one", 3)
        # Nothing has recorded what is due: its version is needed.
        await platform.fires("one", 1)
        await edited(platform, "one", 1)
        row = await platform.row("one")
        assert row is not None
        assert row["versions"] > 1
        await acknowledge_dues(platform)
        await platform.fires("one", 3)

    async with platform.scheduler(history_kept=1):
        await acknowledge_dues(platform)
        await until_kept(platform, "one", [5])
        before = len(await platform.records("one"))
        await rebuilt(platform)
        await platform.fires("one", before + 2)
        assert (await platform.ask(Verb.UPDATE, trigger_id="one", patch={"name": "y"}))[
            "version"
        ] == 6


async def test_a_version_under_which_something_is_due_unrecorded_stays(platform: Platform) -> None:
    async with platform.scheduler(history_kept=1):
        await platform.ask(
            Verb.CREATE, name="x", type="scheduled", interval=1, trigger_id="waiting"
        )
        await platform.fires("waiting", 1)
        await edited(platform, "waiting", 2)
        await platform.ask(Verb.CREATE, name="x", type="api", trigger_id="free")
        await edited(platform, "free", 1)
        await platform.ask(Verb.UPDATE, trigger_id="waiting", patch={"interval": 86_400})
        assert await in_log(platform, "waiting") == [1, 2, 3, 4]
        await acknowledge_dues(platform)
        await until_kept(platform, "waiting", [4])
        await until_kept(platform, "free", [2])


async def test_a_command_whose_version_is_erased_is_not_applied_again(platform: Platform) -> None:
    async with platform.scheduler(history_kept=1):
        await platform.ask(Verb.CREATE, name="x", type="api", trigger_id="t")
        first: dict[str, Any] = {
            "trigger_id": "t",
            "command_id": "first",
            "patch": {"name": "first"},
        }
        await platform.ask(Verb.UPDATE, **first)
        await edited(platform, "t", 1)
        await until_kept(platform, "t", [3])
        again = await platform.ask(Verb.UPDATE, **first)
        assert (again["status"], again["code"]) == (410, "gone")
        newest = (await platform.stored(topology.CHANGES.name, subjects.changed("t")))[-1]
        assert json.loads(newest)["definition"]["name"] == "edit 0"


async def test_old_versions_go_whatever_their_number(platform: Platform) -> None:
    async with platform.scheduler(loops=False):
        await platform.ask(Verb.CREATE, name="x", type="api", trigger_id="t")
        await edited(platform, "t", 2)
    async with platform.database.connected() as connection:
        # As if the first edit were 31 days old, and the second one 29.
        for version, days in ((1, 40), (2, 31), (3, 29)):
            await connection.execute(
                "UPDATE scheduler.change SET at = at - make_interval(days => $1)"
                " WHERE version = $2",
                days,
                version,
            )
        await connection.execute(
            "UPDATE scheduler.trigger SET superseded_at = superseded_at - interval '31 days'"
        )
    async with platform.scheduler():
        await until_kept(platform, "t", [2, 3])


async def acknowledge_dues(platform: Platform) -> None:
    """As the executor does once it has recorded what is due."""
    async with platform.broker.connected("executor") as client:
        consumer = topology.EXECUTOR_DUES
        jetstream = client.jetstream()
        pull = await jetstream.pull_subscribe_bind(
            consumer=consumer.durable, stream=consumer.stream.name
        )

        async def all_acknowledged() -> bool:
            info = await pull.consumer_info()
            if not info.num_pending and not info.num_ack_pending:
                return True
            for message in await pull.fetch(100, timeout=2):
                await message.ack_sync()
            return False

        await eventually(all_acknowledged, within=20)
