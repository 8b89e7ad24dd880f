"""Schemas that take long are compiled one after the other, and others have their turns between."""

import asyncio
import json
from typing import Any

import pytest

from tests.support.stretches import stretches
from tests.unit.api.fakes import FakeClock
from tests.unit.api.test_bulk import World as BulkWorld
from trigger_api.domain.triggers import creates
from trigger_api.handlers import bulk, schemas
from trigger_api.handlers.schemas import SchemaTurns
from trigger_contracts import schema_time
from trigger_contracts.errors import Code, Refused


def slow(name: str) -> Any:
    return {"allOf": [{"pattern": r"\p{L}{3}" + f"{part} {name}"} for part in range(12)]}


def definition(n: int, schema: Any) -> dict[str, Any]:
    return {"name": f"n{n}", "type": "api", "payload_schema": schema}


@pytest.fixture
def turns() -> SchemaTurns:
    return SchemaTurns(FakeClock().monotonic)


async def test_one_after_the_other_with_a_turn_for_everybody_between(
    turns: SchemaTurns, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stretches() as work:
        counted = work.counting(schema_time.make_ready)
        monkeypatch.setattr(schema_time, "make_ready", counted)
        await asyncio.gather(*(turns.ready(slow(f"turns {n}")) for n in range(5)))
    assert (work.calls, work.longest) == (5, 1)


async def test_what_is_known_or_quick_waits_for_nobody(
    turns: SchemaTurns, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = slow("known")
    await turns.ready(known)
    waiting = asyncio.create_task(turns.ready(slow("in hand")))
    monkeypatch.setattr(schemas, "MOST_WAITING", 0)
    for schema in (known, {"type": "object"}, True, None, {"pattern": 1}):
        assert await turns.ready(schema) == 0.0
    waiting.cancel()


async def test_whoever_cannot_have_a_turn_is_told_to_come_again(
    turns: SchemaTurns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "TURN_TIMEOUT_S", 0.01)
    monkeypatch.setattr(schemas, "MOST_WAITING", 2)
    await turns._turn.acquire()
    asked = [asyncio.create_task(turns.ready(slow(f"come again {n}"))) for n in range(3)]
    for found in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(found, Refused)
        assert (found.problem.code, found.problem.status) == (Code.UNAVAILABLE, 503)
    turns._turn.release()
    assert await turns.ready(slow("come again 0")) >= 0.0


async def test_definitions_with_schemas_are_checked_one_at_a_stretch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = BulkWorld()
    async with stretches() as work:
        monkeypatch.setattr(creates, "checked", work.counting(creates.checked))
        await world.create(definition(n, {"title": f"bulk {n}"}) for n in range(20))
    assert (work.calls, work.longest) == (20, 1)


async def test_definitions_without_are_checked_a_bite_at_a_stretch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = BulkWorld()
    lines = [{"name": f"n{n}", "type": "api"} for n in range(300)]
    async with stretches() as work:
        monkeypatch.setattr(creates, "checked", work.counting(creates.checked))
        await world.create(lines)
    assert work.calls == 300
    assert work.longest <= bulk.SLICE_COST / (250 + len(json.dumps(lines[0]))) + 1


async def test_a_request_whose_schemas_take_too_long_together_is_refused_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = BulkWorld()
    monkeypatch.setattr(bulk, "COMPILING_S", -1.0)
    found = await world.refusal([definition(1, slow("whole"))])
    assert (found.code, found.status) == (Code.BODY_TOO_LARGE, 413)
    assert "several requests" in found.detail
    assert world.published == []
