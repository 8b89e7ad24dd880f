"""Waiting for events: however many wait, one read asks for all of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.support.eventually import eventually
from tests.unit.api.fake_views import FakeViews
from trigger_api.handlers import arrivals
from trigger_api.handlers.arrivals import Arrivals
from trigger_contracts.errors import Refused
from trigger_runtime.process.errors import DatabaseUnavailable

NOW = datetime(2027, 1, 1, tzinfo=UTC)
LONG = timedelta(seconds=30)


async def test_all_who_wait_share_one_read_and_each_goes_on_with_its_event() -> None:
    views = FakeViews()
    waiting = Arrivals(views)  # type: ignore[arg-type]
    known = UUID(views.add(NOW).event_id)
    not_there = UUID(int=1)
    await asyncio.gather(*(waiting.arrived(known, LONG) for _ in range(100)))
    assert views.looks == 1
    brief = timedelta(seconds=arrivals.LOOK_EVERY_S * 1.5)
    await asyncio.gather(waiting.arrived(not_there, brief), waiting.arrived(known, LONG))
    assert views.looks == 2


async def test_an_event_that_comes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "LOOK_EVERY_S", 0.001)
    views = FakeViews()
    waiting = Arrivals(views)  # type: ignore[arg-type]
    other = FakeViews().add(NOW)
    task = asyncio.create_task(waiting.arrived(UUID(other.event_id), LONG))
    await eventually(lambda: views.looks >= 3, what="it was looked for")
    assert not task.done()
    views.entries.append(other)
    await task


async def test_nobody_waits_for_a_database_that_is_away_or_a_gateway_that_stops() -> None:
    views = FakeViews()
    waiting = Arrivals(views)  # type: ignore[arg-type]
    views.away_after = 0
    with pytest.raises(DatabaseUnavailable):
        await waiting.arrived(UUID(int=1), LONG)
    views.away_after = None
    task = asyncio.create_task(waiting.arrived(UUID(int=1), LONG))
    await asyncio.sleep(0)
    waiting.stop()
    await task
    await waiting.arrived(UUID(int=1), LONG)


async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MOST_WAITING", 2)
    waiting = Arrivals(FakeViews())  # type: ignore[arg-type]
    tasks = [asyncio.create_task(waiting.arrived(UUID(int=n), LONG)) for n in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Refused) as refusal:
        await waiting.arrived(UUID(int=9), LONG)
    assert refusal.value.problem.status == 503
    waiting.stop()
    await asyncio.gather(*tasks)
