"""Floods: what one sender pours in delays nobody else's edits by more than it must."""

import asyncio
from typing import Any

from prometheus_client import REGISTRY

from tests.integration.scheduler.conftest import Platform
from tests.support.eventually import eventually
from trigger_contracts import subjects, topology
from trigger_contracts.subjects import Verb
from trigger_runtime.publisher import JetStreamPublisher, Message

FLOOD = 3000
"""Messages; buried one by one they would take as many syncs."""

PATIENCE = 60.0


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
        done = await platform.ask(Verb.UPDATE, within=PATIENCE, **edit)
        assert done["version"] == 2

        async def buried() -> bool:
            letters = await platform.stored(topology.DEAD.name, subjects.ALL_DEAD)
            return len(letters) == FLOOD

        await eventually(buried, within=PATIENCE)
    assert batches(topology.DEAD.name) - before < FLOOD / 50


async def test_junk_beside_good_commands_hinders_none_of_them(platform: Platform) -> None:
    async with platform.scheduler(loops=False):
        asked = [platform.ask(Verb.CREATE, name=f"good {n}", type="api") for n in range(20)]
        junk = [platform.send(Verb.CREATE, b"junk %d" % n) for n in range(20)]
        answers = await asyncio.gather(*asked)
        await asyncio.gather(*junk)
    assert all(answer["version"] == 1 for answer in answers)
