"""Several clients edit one trigger at the same time, before two scheduler replicas, as it fires.

Of edits that name the version they saw, one wins and the others are told; of edits that do not,
each takes effect, one after the other. Nothing of a version fires once the next one is
acknowledged, and no occurrence fires twice or is lost.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, ahead, distinct, running
from trigger_contracts import subjects, topology
from trigger_contracts.events import DUE_RECORD, Due, Fence, Missed, TriggerChanged

CLIENTS = 6
ROUNDS = 15


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    async with running("--scheduler-replicas", "2") as started:
        yield started


async def often(platform: Platform) -> str:
    trigger = await platform.create(name="often", type="scheduled", interval=1)
    return str(trigger["id"])


async def records(platform: Platform, trigger_id: str) -> list[Due | Missed | Fence]:
    found = await platform.stored(topology.DUE.name, subjects.due(trigger_id))
    return [DUE_RECORD.validate_json(one.payload) for one in found]


async def edit_what_was_seen(platform: Platform, url: str, client: int) -> list[Json]:
    """Read, edit under If-Match, begin anew where somebody was faster; what took effect."""
    applied: list[Json] = []
    async with platform.new_rest() as rest:
        for number in range(ROUNDS):
            etag = (await rest.get(url)).headers["etag"]
            response = await rest.patch(url, json=edit(client, number), headers={"If-Match": etag})
            assert response.status_code in (200, 412), response.text
            if response.status_code == 200:
                assert response.headers["etag"] == f'"{int(etag.strip(chr(34))) + 1}"'
                applied.append(response.json())
    return applied


async def edit_blindly(platform: Platform, url: str, client: int) -> list[Json]:
    applied = []
    async with platform.new_rest() as rest:
        for number in range(ROUNDS):
            response = await rest.patch(url, json=edit(client, number))
            assert response.status_code == 200, response.text
            applied.append(response.json())
    return applied


def edit(client: int, number: int) -> Json:
    """Of the payload, or of the schedule as well; never the same twice."""
    changed: dict[str, Any] = {"payload": [client, number]}
    if number % 3 == 0:
        changed["interval"] = 1 + client / 100
    if number % 5 == 0:
        changed["max_fires"] = 10_000 + client
    return changed


@pytest.mark.parametrize("edits", [edit_what_was_seen, edit_blindly])
async def test_versions_are_one_line_and_nothing_old_fires(platform: Platform, edits: Any) -> None:
    trigger_id = await often(platform)
    url = f"/triggers/{trigger_id}"

    applied = [
        shown
        for many in await asyncio.gather(*(edits(platform, url, n) for n in range(CLIENTS)))
        for shown in many
    ]

    versions = sorted(shown["version"] for shown in applied)
    assert versions == list(range(2, len(applied) + 2)), "each edit is a version of its own"
    last = max(applied, key=lambda shown: shown["version"])
    shown = (await platform.rest.get(url)).json()
    assert {name: shown[name] for name in ("version", "payload", "interval")} == {
        name: last[name] for name in ("version", "payload", "interval")
    }
    stored = await platform.stored(topology.CHANGES.name, subjects.changed(trigger_id))
    history = [TriggerChanged.model_validate_json(one.payload) for one in stored]
    told = {one["version"]: one["payload"] for one in applied}
    assert {one.version: one.definition.payload for one in history[1:]} == told
    found = await records(platform, trigger_id)
    for before, after in itertools.pairwise(found):
        assert after.version >= before.version, "an older version after a newer one's fence"
    fired = [one.scheduled_for for one in found if isinstance(one, Due)]
    assert distinct(fired)
    assert fired == sorted(fired)


async def test_one_time_edits_at_once_rearm_it_exactly_once(platform: Platform) -> None:
    trigger = await platform.create(name="once", type="scheduled", schedule_time=ahead(0.5))
    url = f"/triggers/{trigger['id']}"

    async def completed() -> bool:
        return bool((await platform.rest.get(url)).json()["status"] == "completed")

    await eventually(completed)
    again = ahead(1.5)
    answers = await asyncio.gather(
        *(
            platform.rest.patch(url, json={"schedule_time": again}, headers={"If-Match": '"1"'})
            for _ in range(CLIENTS)
        )
    )
    assert sorted(one.status_code for one in answers) == [200] + [412] * (CLIENTS - 1)
    await eventually(completed)
    renamed = await platform.rest.patch(url, json={"name": "renamed"})

    assert (renamed.status_code, renamed.json()["status"]) == (200, "completed")
    refused = await platform.rest.patch(url, json={"schedule_time": trigger["schedule_time"]})
    assert refused.json()["code"] == "schedule-in-past"
    await platform.until_quiet()
    rows = await platform.log_rows(trigger["id"])
    assert [row["status"] for row in rows] == ["fired", "fired"]
