"""Floods: what one sender pours in delays nobody else's edits by more than it must."""

import asyncio
import json
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.integration.scheduler.conftest import Platform, now
from tests.integration.scheduler.test_rebuild import rebuilt
from tests.support.eventually import eventually
from tests.support.stretches import stretches
from trigger_contracts import subjects, topology
from trigger_contracts.commands import CreateTrigger
from trigger_contracts.subjects import Verb
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.process.ids import new_id
from trigger_scheduler.handlers import command_cases
from trigger_scheduler.handlers.command_cases import Request

FLOOD = 3000
"""Messages; buried one by one they would take as many syncs."""

TIMEOUT = 60.0

SLOW = 15
"""Commands whose schemas take half a second together: with a tenth of a core they still have their
turns within the 10 s after which they would be turned away."""


def batches(stream: str) -> float:
    """How many times something was published to a stream: alone, or a batch at once."""
    return REGISTRY.get_sample_value("etp_publish_batches_total", {"stream": stream}) or 0.0


async def test_junk_is_buried_in_batches_and_an_edit_behind_it_is_answered(
    platform: Platform,
) -> None:
    flood = JetStreamPublisher(
        platform.admin, topology.COMMANDS.name, timeout=platform.settings().publish_timeout
    )
    async with platform.scheduler(loops=False):
        created = await platform.ask(Verb.CREATE, name="x", type="api")
    junk = [Message(subjects.command(Verb.CREATE), b"junk%d" % (n % 10)) for n in range(FLOOD)]
    for start in range(0, FLOOD, 1000):
        await flood.publish_batch(junk[start : start + 1000])
    before = batches(topology.DEAD.name)
    async with platform.scheduler(loops=False):
        edit: dict[str, Any] = {"trigger_id": created["trigger_id"], "patch": {"name": "edited"}}
        done = await platform.ask(Verb.UPDATE, within=TIMEOUT, **edit)
        assert done["version"] == 2

        async def buried() -> bool:
            letters = await platform.stored(topology.DEAD.name, subjects.ALL_DEAD)
            return len(letters) == FLOOD

        await eventually(buried, within=TIMEOUT)
    # Ten a batch at the least: on a quiet machine it is hundreds, but where the scheduler gets a
    # core for a moment at a time, so do its batches fill.
    assert batches(topology.DEAD.name) - before < FLOOD / 10


async def test_junk_beside_good_commands_hinders_none_of_them(platform: Platform) -> None:
    async with platform.scheduler(loops=False):
        asked = [platform.ask(Verb.CREATE, name=f"good {n}", type="api") for n in range(20)]
        junk = [platform.send(Verb.CREATE, b"junk %d" % n) for n in range(20)]
        answers = await asyncio.gather(*asked)
        await asyncio.gather(*junk)
    assert all(answer["version"] == 1 for answer in answers)


async def usage(platform: Platform) -> dict[str, tuple[int, int]]:
    async with platform.database.connected() as connection:
        rows = await connection.fetch("SELECT * FROM scheduler.usage")
    return {row["created_by"]: (row["triggers"], row["fires_a_day"]) for row in rows}


async def test_who_asks_for_too_much_is_refused_and_others_go_on(platform: Platform) -> None:
    greedy = {"name": "greedy", "type": "scheduled", "interval": 1, "actor": "key:greedy"}
    other = {"name": "other", "type": "scheduled", "cron": "* * * * * *", "actor": "key:other"}
    async with platform.scheduler(max_triggers=6, max_fires_per_second=7):
        done = await platform.ask(Verb.CREATE, **other)
        asked = [platform.ask(Verb.CREATE, **greedy) for _ in range(20)]
        answers = await asyncio.gather(*asked)
        made = [answer["trigger_id"] for answer in answers if "trigger_id" in answer]
        refused = [answer for answer in answers if "trigger_id" not in answer]
        assert len(made) == 6
        assert {(one["status"], one["code"]) for one in refused} == {(409, "quota-exceeded")}
        assert await usage(platform) == {"key:greedy": (6, 6 * 86_400), "key:other": (1, 86_400)}

        # The budget of all is used up, too: for schedules, and for nothing else.
        late = await platform.ask(Verb.CREATE, **{**other, "interval": 60, "cron": None})
        assert (late["status"], late["errors"][0]["pointer"]) == (409, "/interval")
        await platform.ask(Verb.CREATE, name="other", type="api", actor="key:other")
        edit = {"trigger_id": done["trigger_id"], "patch": {"name": "still mine"}}
        assert (await platform.ask(Verb.UPDATE, **edit))["version"] == 2
        await platform.fires(done["trigger_id"], 2)

        await platform.ask(Verb.DELETE, trigger_id=made[0])
        slow = {"trigger_id": made[1], "patch": {"interval": 86_400}}
        assert (await platform.ask(Verb.UPDATE, **slow))["version"] == 2
        assert await usage(platform) == {
            "key:greedy": (5, 4 * 86_400 + 1),
            "key:other": (2, 86_400),
        }
        again = await platform.ask(Verb.CREATE, **greedy)
        assert again["version"] == 1


async def test_what_is_over_makes_room_and_a_rebuild_counts_the_same(platform: Platform) -> None:
    soon = {"name": "soon", "type": "scheduled", "cron": "* * * * * *", "max_fires": 1}
    async with platform.scheduler(max_triggers=2):
        await platform.ask(Verb.CREATE, **soon)
        await platform.ask(Verb.CREATE, name="x", type="api")

        async def over() -> bool:
            return await usage(platform) == {"nats": (1, 0)}

        await eventually(over)
        await platform.ask(Verb.TEST, name="test", type="api")
        await platform.ask(Verb.CREATE, name="y", type="scheduled", interval=10)
    before = await usage(platform)
    assert before == {"nats": (2, 8640)}
    await rebuilt(platform)
    assert await usage(platform) == before


@pytest.mark.parametrize(("schema", "at_a_stretch"), [({"payload_schema": {}}, 1), ({}, 10)])
async def test_what_is_due_has_its_turn_between_the_commands_of_a_round(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, schema: dict[str, Any], at_a_stretch: int
) -> None:
    asked: list[Request] = []
    for n in range(60):
        command = CreateTrigger.model_validate({"name": f"n{n}", "type": "api", **schema})
        asked.append(Request(command, new_id(), new_id(), now(), n))
    async with platform.scheduler(loops=False) as scheduler, stretches() as work:
        monkeypatch.setattr(command_cases, "decide", work.counting(command_cases.decide))
        answers = await scheduler.commands.answer(asked)
    assert len(answers) == work.calls == 60
    assert work.longest <= at_a_stretch


async def test_edits_are_answered_beside_commands_whose_schemas_take_long(
    platform: Platform,
) -> None:
    """And those that a scheduler leaves behind are answered by the next, each once."""
    slow = [
        {
            "name": f"slow {n}",
            "type": "api",
            "trigger_id": f"slow-{n}",
            "payload_schema": {
                "allOf": [{"pattern": r"\p{L}{3}" + f"{part} left {n}"} for part in range(12)]
            },
        }
        for n in range(SLOW)
    ]
    inbox = f"_INBOX_client.{new_id()}"
    results = await platform.client.subscribe(inbox)

    async def answer() -> dict[str, Any]:
        told: dict[str, Any] = json.loads((await results.next_msg(timeout=30)).data)
        return told

    async with platform.scheduler():
        api = await platform.ask(Verb.CREATE, name="x", type="api")
    for body in slow:
        await platform.send(Verb.CREATE, body, **{subjects.REPLY_TO_HEADER: inbox})
    renamed = {"trigger_id": "slow-0", "patch": {"name": "renamed"}}
    await platform.send(Verb.UPDATE, renamed, **{subjects.REPLY_TO_HEADER: inbox})
    edit = {"trigger_id": api["trigger_id"], "patch": {"name": "y"}}
    await platform.send(Verb.UPDATE, edit, **{subjects.REPLY_TO_HEADER: inbox})
    came: list[dict[str, Any]] = []
    async with platform.scheduler():
        while (told := await answer())["trigger_id"] != api["trigger_id"]:
            came.append(told)
    assert told["version"] == 2
    assert len(came) < SLOW, "the edit waited for all of them"
    async with platform.scheduler():
        while len(came) < SLOW + 1:
            came.append(await answer())
    versions = sorted((one["trigger_id"], one["version"]) for one in came)
    wanted = [(body["trigger_id"], 1) for body in slow] + [("slow-0", 2)]
    assert sorted(set(versions)) == sorted(wanted)
    row = await platform.row("slow-0")
    assert row is not None
    assert row["name"] == "renamed"
