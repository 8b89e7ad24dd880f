"""A command that fails by itself fails alone, is answered, and is a dead letter; others go on."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from tests.integration.runtime.test_reading import KEPT, hpub, spoken
from tests.integration.scheduler.conftest import Platform
from tests.support.eventually import eventually
from tests.support.redrives import letters
from trigger_contracts import subjects
from trigger_contracts.subjects import Verb
from trigger_scheduler.adapters.due_index import PostgresTransaction
from trigger_scheduler.handlers import command_cases

OTHERS = 40


def api(trigger_id: str) -> dict[str, Any]:
    return {"name": trigger_id, "type": "api", "trigger_id": trigger_id}


async def buried(platform: Platform, count: int) -> bool:
    return len(await letters(platform.broker)) == count


async def all_answered(platform: Platform) -> float:
    """Others' creates; how many seconds the slowest took to be answered."""
    begun = time.monotonic()
    names = [f"good-{n}" for n in range(OTHERS)]
    answers = await asyncio.gather(*(platform.ask(Verb.CREATE, **api(one)) for one in names))
    assert [one.get("trigger_id") for one in answers] == names
    return time.monotonic() - begun


@pytest.mark.parametrize(
    "error", [FileNotFoundError, OSError, ConnectionResetError, TimeoutError, asyncio.TimeoutError]
)
async def test_an_error_of_one_command_is_not_a_server_that_is_away(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    decide = command_cases.decide

    def fails(*arguments: Any, trigger_id: str, **named: Any) -> Any:
        if trigger_id == "bad":
            raise error("a fault of ours")
        return decide(*arguments, trigger_id=trigger_id, **named)

    monkeypatch.setattr(command_cases, "decide", fails)
    async with platform.scheduler(loops=False):
        answer, took = await asyncio.gather(
            platform.ask(Verb.CREATE, within=20, **api("bad"), command_id="c-bad"),
            all_answered(platform),
        )
        assert (answer["code"], answer["status"]) == ("internal", 500)
        assert answer["request_id"] == "c-bad"
        assert took < 5, took
        await eventually(lambda: buried(platform, 1), within=5)
        (stored,) = await letters(platform.broker)
        assert stored.letter.reason.startswith(f"failed 5 times: {error.__name__}")
        assert await platform.row("bad") is None


async def test_a_value_that_the_database_refuses_is_one_commands_matter(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = PostgresTransaction.project

    async def refused(self: PostgresTransaction, changes: Any) -> None:
        if any(row.trigger_id == "bad" for _, row in changes):
            await self._connection.execute("SELECT $1::int", 2**40)
        await project(self, changes)

    monkeypatch.setattr(PostgresTransaction, "project", refused)
    async with platform.scheduler(loops=False):
        answer, _ = await asyncio.gather(
            platform.ask(Verb.CREATE, within=20, **api("bad")), all_answered(platform)
        )
        assert answer["code"] == "internal"
        (stored,) = await letters(platform.broker)
        assert asyncpg.DataError.__name__ in stored.letter.reason


async def test_commands_with_malformed_headers_are_dead_letters(platform: Platform) -> None:
    subject = subjects.command(Verb.CREATE).encode()
    # The broker adds its pin to each of these, and makes a whole block of two bytes or fewer.
    bad = [one for one in KEPT if len(one) > 2]
    said = [
        hpub(subject, block, b'{"name":"x","type":"api","trigger_id":"bad-%d"}' % n)
        for n, block in enumerate(bad)
    ]
    async with platform.scheduler(loops=False):
        _, took = await asyncio.gather(
            # In the platform's account: on the way from another the broker mends some of them.
            spoken(platform.broker, "api", b"".join(said)),
            all_answered(platform),
        )
        assert took < 5, took
        await eventually(lambda: buried(platform, len(said)), within=30)
        assert await platform.row("bad-1") is None
        assert {one.letter.reason.partition(" ")[0] for one in await letters(platform.broker)} == {
            "its"
        }
        await all_edited(platform)


async def all_edited(platform: Platform) -> None:
    answers = await asyncio.gather(
        *(
            platform.ask(Verb.UPDATE, trigger_id=f"good-{n}", patch={"name": "edited"})
            for n in range(3)
        )
    )
    assert [one["version"] for one in answers] == [2] * 3
