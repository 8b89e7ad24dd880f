"""Pages of the log that are kept: for whom, how long, and what happens meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.unit.api.fakes import NOW, FakeClock
from trigger_api.domain.live_tail.tail_position import StreamPosition
from trigger_api.domain.log.pages import FRESH_FOR, EventPage, Repeats, key_of, packed, unpacked
from trigger_api.domain.queries import EventQuery
from trigger_api.handlers.pages import EventPages
from trigger_api.ports.log import ListedEvents
from trigger_runtime.process.errors import DatabaseUnavailable

AT = StreamPosition(epoch=10, seq=7)


class FakeViews:
    """Has the same page each time, once it is let go on."""

    def __init__(self, true_until: datetime) -> None:
        self.true_until = true_until
        self.database_is_ahead = timedelta()
        self.reads = 0
        self.away = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.projected = 0

    async def certain(self) -> StreamPosition:
        return StreamPosition(1, self.projected)

    async def events(self, _query: EventQuery) -> ListedEvents:
        self.reads += 1
        await self.may_answer.wait()
        if self.away:
            raise DatabaseUnavailable
        return ListedEvents(b"[{}]", None, NOW + self.database_is_ahead, self.true_until)


class FakeCache:
    """Keeps everything for ever: what expires must be seen by whoever asks."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.lives: list[timedelta] = []

    async def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    async def set(self, key: str, value: bytes, expires_in: timedelta) -> None:
        self.kept[key] = value
        self.lives.append(expires_in)


class Desk:
    def __init__(self, true_until: datetime = NOW + timedelta(hours=1)) -> None:
        self.views, self.cache, self.clock = FakeViews(true_until), FakeCache(), FakeClock()
        self.pages = EventPages(
            positions=self.views,
            views=self.views,  # type: ignore[arg-type]  # the one method that is needed
            cache=self.cache,
            clock=self.clock,
        )

    async def ask(self, **fields: Any) -> EventPage:
        return await self.pages.page(EventQuery.model_validate(fields))

    async def ask_for_the_first_time(self) -> None:
        """Afterwards it is worth keeping; the read is not counted."""
        await self.ask()
        self.views.reads = 0


async def test_what_nobody_asks_for_again_in_time_is_not_kept() -> None:
    desk = Desk()
    for _ in range(3):
        await desk.ask()
        desk.clock.advance(FRESH_FOR)
    await desk.ask(limit=7)
    assert desk.views.reads == 4
    assert desk.cache.kept == {}


def test_only_so_many_questions_are_remembered() -> None:
    repeats = Repeats(limit=2)
    assert [repeats.again(key, NOW) for key in "abacba"] == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]


async def test_a_page_is_read_once_within_its_moment_and_anew_after_it() -> None:
    desk = Desk()
    await desk.ask_for_the_first_time()
    first = await desk.ask()
    desk.clock.advance(FRESH_FOR - timedelta(microseconds=1))
    assert await desk.ask() == first
    assert desk.views.reads == 1
    desk.clock.advance(timedelta(microseconds=1))
    await desk.ask()
    assert desk.views.reads == 2


async def test_a_clock_that_is_set_back_makes_no_page_younger() -> None:
    desk = Desk()
    await desk.ask_for_the_first_time()
    await desk.ask()
    desk.clock.advance(-timedelta(seconds=90))
    await desk.ask()
    assert desk.views.reads == 2


async def test_a_page_is_not_shown_at_the_end_of_a_rows_life() -> None:
    desk = Desk(true_until=NOW + timedelta(milliseconds=300))
    await desk.ask_for_the_first_time()
    await desk.ask()
    assert desk.cache.lives == [timedelta(milliseconds=300)]
    desk.clock.advance(timedelta(milliseconds=300) - timedelta(microseconds=1))
    await desk.ask()
    assert desk.views.reads == 1
    desk.clock.advance(timedelta(microseconds=1))
    await desk.ask()
    assert desk.views.reads == 2


async def test_lives_end_by_the_databases_clock() -> None:
    desk = Desk(true_until=NOW + timedelta(seconds=60))
    desk.views.database_is_ahead = timedelta(seconds=59.8)
    await desk.ask_for_the_first_time()
    await desk.ask()
    assert desk.cache.lives == [timedelta(seconds=0.2)]


@pytest.mark.parametrize("fields", [{"state": "archived"}, {"cursor": "x"}, {"count": True}])
async def test_what_must_be_exact_or_is_asked_by_one_alone_is_not_kept(
    fields: dict[str, Any],
) -> None:
    desk = Desk()
    for _ in range(2):
        await desk.ask(**fields)
    assert desk.views.reads == 2
    assert desk.cache.kept == {}


async def test_a_hundred_at_once_cause_one_read() -> None:
    desk = Desk()
    desk.views.may_answer.clear()
    asking = [asyncio.create_task(desk.ask()) for _ in range(100)]
    await eventually(lambda: desk.views.reads == 1)
    desk.views.may_answer.set()
    assert len({(await one).body for one in asking}) == 1
    assert desk.views.reads == 1


async def test_nobody_joins_a_read_that_began_too_long_ago() -> None:
    desk = Desk()
    desk.views.may_answer.clear()
    slow = asyncio.create_task(desk.ask())
    await eventually(lambda: desk.views.reads == 1)
    desk.clock.advance(FRESH_FOR)
    other = asyncio.create_task(desk.ask())
    await eventually(lambda: desk.views.reads == 2)
    desk.views.may_answer.set()
    await asyncio.gather(slow, other)
    assert desk.views.reads == 2


async def test_whoever_asks_after_a_life_ended_is_not_given_a_page_that_was_read_before() -> None:
    desk = Desk(true_until=NOW + timedelta(milliseconds=300))
    desk.views.may_answer.clear()
    early = asyncio.create_task(desk.ask())
    await eventually(lambda: desk.views.reads == 1)
    desk.clock.advance(timedelta(milliseconds=300))
    late = [asyncio.create_task(desk.ask()) for _ in range(3)]
    await asyncio.sleep(0)  # they have asked, and wait for the page that is being read
    desk.views.may_answer.set()
    assert (await early).read_at == NOW
    assert {(await one).read_at for one in late} == {NOW + timedelta(milliseconds=300)}
    assert desk.views.reads == 2, "once more for all of them"


async def test_whoever_goes_away_leaves_the_page_to_the_others() -> None:
    desk = Desk()
    desk.views.may_answer.clear()
    impatient, patient = (asyncio.create_task(desk.ask()) for _ in range(2))
    await eventually(lambda: desk.views.reads == 1)
    impatient.cancel()
    desk.views.may_answer.set()
    assert (await patient).body


async def test_a_failure_is_told_to_all_and_kept_by_nobody() -> None:
    desk = Desk()
    desk.views.away = True
    results = await asyncio.gather(desk.ask(), desk.ask(), return_exceptions=True)
    assert [type(result) for result in results] == [DatabaseUnavailable] * 2
    desk.views.away = False
    assert (await desk.ask()).body


_FORGED = packed(EventPage(b"[]", None, NOW, NOW + FRESH_FOR, AT)).replace(b"a-7", b"a-7\\r\\nx: y")


async def test_a_page_that_is_kept_has_the_position_of_its_own_read() -> None:
    desk = Desk()
    desk.views.projected = 5
    for _ in range(2):  # the second time it is kept
        assert (await desk.ask()).position == StreamPosition(1, 5)
    desk.views.projected = 9
    assert (await desk.ask()).position == StreamPosition(1, 5)
    desk.clock.advance(FRESH_FOR)
    assert (await desk.ask()).position == StreamPosition(1, 9)


async def test_a_position_is_taken_before_the_rows_are_read() -> None:
    desk = Desk()
    desk.views.may_answer.clear()
    asking = asyncio.create_task(desk.ask())
    await eventually(lambda: desk.views.reads == 1)
    desk.views.projected = 9
    desk.views.may_answer.set()
    assert (await asking).position == StreamPosition(1, 0)


async def test_what_a_stranger_left_in_the_cache_is_read_over() -> None:
    desk = Desk()
    await desk.ask_for_the_first_time()
    for kept in (b"", b"\x80\x04pickle", b"[1]\n[]", b'["c", "x", "y"]\n[]', b"{}\n", _FORGED):
        desk.cache.kept[key_of(EventQuery())] = kept
        assert (await desk.ask()).body.startswith(b"[{")


def test_a_page_survives_its_packing() -> None:
    page = EventPage(b'[{"a":"\n"}]', "cursor", NOW, datetime(2027, 1, 1, tzinfo=UTC), AT)
    assert unpacked(packed(page)) == page


def test_a_key_tells_queries_apart_and_nothing_of_them() -> None:
    queries = [{}, {"q": "canary"}, {"q": "canaries"}, {"limit": 7}, {"trigger_id": "canary"}]
    keys = [key_of(EventQuery.model_validate(query)) for query in queries]
    assert len(set(keys)) == len(queries)
    assert not any("canar" in key for key in keys)
