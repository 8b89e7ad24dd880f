"""A command that the scheduler could not handle is answered when it is redriven."""

import pytest

from tests.integration.scheduler.conftest import Platform
from tests.support.eventually import eventually
from tests.support.redrives import letters, redrive
from trigger_contracts.subjects import Verb
from trigger_contracts.topology import COMMANDS
from trigger_scheduler.handlers.commands import CommandHandler


async def buried(platform: Platform, count: int) -> bool:
    return len(await letters(platform.broker)) == count


async def test_a_create_that_failed_makes_its_trigger_once(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> object:
        raise RuntimeError("broken")

    async with platform.scheduler(loops=False):
        body = {"name": "a", "type": "api", "trigger_id": "t1", "command_id": "c1"}
        with monkeypatch.context() as broken:
            broken.setattr(CommandHandler, "answer", fails)
            await platform.send(Verb.CREATE, body)
            await eventually(lambda: buried(platform, 1), within=30)
        (stored,) = await letters(platform.broker)
        assert stored.letter.reason == "failed 5 times: RuntimeError: broken"
        assert await platform.row("t1") is None

        outcomes = [(await redrive(platform.broker, stored)).outcome for _ in range(2)]

        assert outcomes == ["handled", "handled"]
        row = await platform.row("t1")
        assert row is not None
        assert (row["creation_id"], row["version"]) == ("c1", 1)
        assert await letters(platform.broker) == []


async def test_a_refusal_handles_a_redriven_command_too(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trigger is gone by now: whoever asked is told so, and nobody has anything left to do."""

    async def fails(*_: object) -> object:
        raise RuntimeError("broken")

    async with platform.scheduler(loops=False):
        with monkeypatch.context() as broken:
            broken.setattr(CommandHandler, "answer", fails)
            await platform.send(Verb.DELETE, {"trigger_id": "nobody"})
            await eventually(lambda: buried(platform, 1), within=30)
        (stored,) = await letters(platform.broker)

        assert (await redrive(platform.broker, stored)).outcome == "handled"
        assert await letters(platform.broker) == []


async def test_poison_stays_poison(platform: Platform) -> None:
    async with platform.scheduler(loops=False):
        await platform.send(Verb.CREATE, b"{")
        await eventually(lambda: buried(platform, 1))
        (stored,) = await letters(platform.broker)
        assert (stored.stream, stored.letter.body) == (COMMANDS.name, "{")

        failed = await redrive(platform.broker, stored)

        assert failed.outcome == "failed"
        assert failed.reason is not None
        assert failed.reason.startswith("malformed-json")
        (again,) = await letters(platform.broker)
        assert (again.letter_id, again.letter.redrives) == (stored.letter_id, 1)
