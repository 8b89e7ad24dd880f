"""Live tails on a log in memory: whatever happens at the same time, every event comes once."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.eventually import eventually
from tests.support.log_entries import body_of, make_entry
from tests.unit.api.fake_log import FakeEventLog, FakeTailMeter
from tests.unit.api.fakes import NOW
from trigger_api.domain.filtering import passes
from trigger_api.domain.live import last_seen
from trigger_api.domain.queries import EventFilter
from trigger_api.handlers.reading import Reader, Readers
from trigger_api.handlers.tailing import Tail
from trigger_contracts.errors import Refused
from trigger_contracts.events import LogEntry
from trigger_runtime.errors import BrokerUnavailable

KEPT = timedelta(hours=48)
ALL = EventFilter()


class Clock:
    def __init__(self) -> None:
        self.at = NOW
        self.seconds = 0.0

    def now(self) -> Any:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, by: timedelta) -> None:
        self.at += by
        self.seconds += by.total_seconds()


@dataclass
class Client:
    """Somebody who reads: takes what is written as ``may_take`` allows, and keeps its place."""

    world: "World"
    wanted: EventFilter = ALL
    last_id: str | None = None
    may_take: int | None = None
    late_return: bool = False
    """A write takes a moment, in which the reader may be ended."""
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    raw: bytes = b""
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    reader: Reader | None = None
    reading: "asyncio.Task[bool] | None" = None

    async def open(self) -> None:
        self.reader = await self.world.readers.open(self.wanted, last_seen(self.last_id, None))
        self.reading = asyncio.create_task(self.reader.deliver(self))
        await asyncio.sleep(0)

    def allow(self, writes: int) -> None:
        self.may_take = (self.may_take or 0) + writes
        self.taken.set()

    async def room(self) -> None:
        while self.may_take is not None and self.may_take <= 0:
            self.taken.clear()
            await self.taken.wait()

    async def write(self, words: bytes) -> None:
        if self.may_take is not None:
            self.may_take -= 1
        self.raw += words
        for block in words.decode().split("\n\n")[:-1]:
            fields = dict(re.findall(r"^(\w+): (.*)$", block, re.MULTILINE))
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                data = json.loads(fields["data"])
                self.seen.append((fields["event"], self.last_id or "", data))
        if self.late_return:
            await asyncio.sleep(0)

    @property
    def payloads(self) -> list[Any]:
        return [data["data"]["payload"] for kind, _, data in self.seen if "data" in data]

    @property
    def notices(self) -> list[str]:
        return [kind for kind, _, data in self.seen if "data" not in data]


class World:
    def __init__(
        self,
        log: FakeEventLog | None = None,
        *,
        backlog: int = 1000,
        most: int = 10,
        kept_for: timedelta = KEPT,
        patience: timedelta = timedelta(seconds=20),
        heartbeat: timedelta = timedelta(seconds=15),
        farewell: timedelta = timedelta(seconds=5),
    ) -> None:
        self.log = log or FakeEventLog()
        self.clock = Clock()
        self.meter = FakeTailMeter()
        self.entries: dict[int, LogEntry] = {}
        self.tail = Tail(
            log=self.log,
            clock=self.clock,
            meter=self.meter,
            kept_for=kept_for,
            backlog=backlog,
            most=most,
        )
        self.readers = Readers(self.tail, heartbeat=heartbeat, patience=patience, farewell=farewell)
        self.clients: list[Client] = []

    def store(self, *names: str, **fields: Any) -> None:
        for name in names:
            entry = make_entry(name, now=self.clock.at, **fields)
            (seq,) = self.log.store(body_of(entry))
            self.entries[seq] = entry

    async def client(self, **options: Any) -> Client:
        made = Client(self, **options)
        self.clients.append(made)
        await made.open()
        return made

    async def until(self, condition: Callable[[], bool]) -> None:
        """Follow the log until it holds; nothing here waits for a real clock."""
        for _ in range(10_000):
            if condition():
                return
            await self.tail.follow()
            await asyncio.sleep(0)
        raise AssertionError([(c.payloads, c.notices) for c in self.clients])

    async def close(self) -> None:
        for client in self.clients:
            if client.reader is not None and client.reading is not None:
                client.reader.leave()
                await client.reading


@contextlib.asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    made = World(**options)
    try:
        yield made
    finally:
        await made.close()


FILTERS = (ALL, EventFilter(trigger_id="a"), EventFilter(trigger_id="b"))
OPENS = st.tuples(st.just("open"), st.integers(0, 2), st.integers(0, 30), st.integers(1, 9))
STORES = st.tuples(st.just("store"), st.text("ab", min_size=1, max_size=6))
STEPS = st.one_of(
    STORES,
    OPENS,
    st.tuples(st.just("take"), st.integers(0, 4), st.integers(1, 3)),
    st.tuples(st.just("break"), st.integers(0, 4)),
    st.tuples(st.just("look"), st.integers(1, 8)),
    st.tuples(st.just("yield"), st.integers(1, 6)),
)


@settings(max_examples=250, deadline=None)
@given(
    before=st.lists(STORES, max_size=5),
    opens=st.lists(OPENS, min_size=1, max_size=3),
    steps=st.lists(STEPS, min_size=5, max_size=60),
    pauses=st.lists(st.integers(0, 4), max_size=60),
    page=st.integers(1, 5),
    backlog=st.integers(1, 8),
    late_return=st.booleans(),
)
def test_no_gap_and_no_duplicate_whatever_happens_at_the_same_time(
    before: list[tuple[Any, ...]],
    opens: list[tuple[Any, ...]],
    steps: list[tuple[Any, ...]],
    pauses: list[int],
    page: int,
    backlog: int,
    *,
    late_return: bool,
) -> None:
    """Clients join now or earlier, read slowly, are dropped, break off, and resume: each sees
    what was stored after its beginning and passes its filter, in order, once."""

    async def scenario() -> None:
        log = FakeEventLog(page=page, pauses=iter(pauses))
        async with world(log=log, backlog=backlog, farewell=timedelta()) as here:
            begins: dict[int, int] = {}
            for step in [*before, *opens, *steps]:
                await _do(here, step, begins, late_return=late_return)
            last = here.log.last_seq
            for number, client in enumerate(here.clients):
                expected = [
                    entry.payload
                    for seq, entry in here.entries.items()
                    if begins[number] < seq <= last and passes(entry, client.wanted)
                ]
                client.may_take = None
                client.taken.set()
                await _until_all(here, client, len(expected))
                assert client.payloads == expected
            assert all(set(client.notices) <= {"dropped"} for client in here.clients)

    # Nothing here has to wait for a clock: whoever does is stuck.
    asyncio.run(asyncio.wait_for(scenario(), 10))


async def _do(
    here: World, step: tuple[Any, ...], begins: dict[int, int], *, late_return: bool
) -> None:
    match step:
        case ("store", triggers):
            for trigger_id in triggers:
                here.store(str(here.log.last_seq + 1), trigger_id=trigger_id)
        case ("open", wanted, back, writes) if len(here.clients) < 5:
            last = here.log.last_seq
            begins[len(here.clients)] = begun = max(0, last - back)
            given = None if back == 0 else str(begun)
            await here.client(
                wanted=FILTERS[wanted], last_id=given, may_take=writes, late_return=late_return
            )
        case ("take", number, writes) if number < len(here.clients):
            here.clients[number].allow(writes)
        case ("break", number) if number < len(here.clients):
            await _resume(here.clients[number])
        case ("look", times):
            for _ in range(times):
                await here.tail.follow()
        case ("yield", times):
            for _ in range(times):
                await asyncio.sleep(0)


async def _resume(client: Client) -> None:
    """Breaks off where it is, and comes back with the id that it saw last."""
    assert client.reader is not None
    assert client.reading is not None
    client.reader.leave()
    await client.reading
    if client.last_id is not None:
        await client.open()


async def _until_all(here: World, client: Client, count: int) -> None:
    def comes() -> bool:
        return len(client.payloads) >= count

    for _ in range(1000):
        assert client.reading is not None
        with contextlib.suppress(AssertionError):
            await here.until(lambda: comes() or client.reading.done())
        if comes():
            return
        assert client.reading.done()
        await client.open()  # it was dropped, as slow readers are
    raise AssertionError((client.payloads, count))


async def test_without_an_id_a_stream_begins_now_and_with_0_it_tells_all_that_is_kept() -> None:
    async with world() as here:
        here.store("1", "2")
        now, everything = await here.client(), await here.client(last_id="0")
        await here.until(lambda: len(everything.payloads) == 2)
        here.store("3")
        await here.until(lambda: bool(now.payloads))
        await here.until(lambda: len(everything.payloads) == 3)
        assert now.payloads == ["3"]
        assert everything.payloads == ["1", "2", "3"]
        assert [number for _, number, _ in everything.seen] == ["1-1", "1-2", "1-3"]
        assert everything.raw.startswith(b"retry: 1000\n: .\nid: 1-0\n\n")


async def test_the_place_is_told_before_anything_happens_and_moves_with_what_did_not_pass() -> None:
    """So whoever breaks off before the first event resumes without a gap, and looks at nothing
    twice."""
    async with world(heartbeat=timedelta(milliseconds=20)) as here:
        here.store("1", "2")
        client = await here.client(wanted=EventFilter(trigger_id="other"))
        await here.until(lambda: client.last_id == "1-2")
        here.store("3", "4")
        await here.until(lambda: here.tail.recent.upto == 4)
        here.clock.advance(timedelta(seconds=1))
        await eventually(lambda: client.last_id == "1-4")
        assert client.seen == []


async def test_all_who_read_share_one_read_of_the_log_and_nobody_leaves_one_behind() -> None:
    async with world() as here:
        clients = [await here.client() for _ in range(10)]
        here.store(*"abcdef")
        await here.until(lambda: all(len(client.payloads) == 6 for client in clients))
        assert here.log.reads <= 2
        assert here.log.hint is not None
        assert here.meter.readers == 10
        await here.close()
        assert await here.tail.follow() is None
        assert here.log.hint is None
        assert here.meter.readers == 0


async def test_a_hint_that_comes_before_its_event_is_followed_soon() -> None:
    async with world() as here:
        await here.client()
        assert await here.tail.follow() == timedelta(milliseconds=2)
        assert await here.tail.follow() == timedelta(milliseconds=4)
        for _ in range(20):
            slowest = await here.tail.follow()
        assert slowest == timedelta(seconds=1)
        woken: list[None] = []
        here.tail.on_wake(lambda: woken.append(None))
        assert here.log.hint is not None
        here.log.hint()
        assert woken
        assert await here.tail.follow() == timedelta(milliseconds=2)


async def test_a_reader_that_falls_out_of_the_memory_is_dropped_and_told_why() -> None:
    async with world(backlog=3) as here:
        slow, quick = await here.client(may_take=1), await here.client()
        here.store("1")
        await here.until(lambda: quick.payloads == ["1"])
        for number in range(2, 9):
            here.store(str(number))
            await here.until(lambda: here.tail.recent.upto == here.log.last_seq)
        slow.allow(1)
        assert slow.reading is not None
        assert await slow.reading
        assert slow.notices == ["dropped"]
        assert slow.seen[-1][2]["code"] == "reader-too-slow"
        assert slow.last_id == "1-0"
        assert here.meter.drops == 1
        assert here.meter.readers == 1
        assert quick.payloads == list("12345678")
        slow.may_take = None
        await slow.open()
        await here.until(lambda: len(slow.payloads) == 8)
        assert slow.payloads == list("12345678")


async def test_a_reader_that_takes_nothing_is_dropped_even_while_it_catches_up() -> None:
    short = timedelta(milliseconds=20)
    async with world(patience=short, farewell=short) as here:
        here.store(*"abc")
        client = await here.client(last_id="0", may_take=1)
        await here.tail.follow()
        assert client.reading is not None
        assert await asyncio.wait_for(client.reading, 5) is False
        assert client.seen == []
        assert here.meter.drops == 1


async def test_what_is_over_is_never_handed_out() -> None:
    """Neither by a resumption, nor from memory to a reader that was slow to take it."""
    async with world(kept_for=timedelta(minutes=5)) as here:
        here.store("over", age=timedelta(minutes=5))
        here.store("kept", age=timedelta(minutes=5) - timedelta(microseconds=1))
        client = await here.client(last_id="0")
        await here.until(lambda: client.payloads == ["kept"])
        slow = await here.client(may_take=2)
        here.store("1")
        await here.until(lambda: client.payloads == ["kept", "1"])
        here.store("2")
        await here.until(lambda: client.payloads == ["kept", "1", "2"])
        here.clock.advance(timedelta(minutes=5))
        here.store("3")
        slow.may_take = None
        slow.taken.set()
        await here.until(lambda: slow.payloads == ["1", "3"])
        late = await here.client(last_id="0")
        await here.until(lambda: late.payloads == ["3"])
        assert (slow.payloads, late.payloads) == (["1", "3"], ["3"])


async def test_memory_keeps_nothing_that_is_over_and_nobody_is_dropped_for_it() -> None:
    async with world(kept_for=timedelta(minutes=5), backlog=3) as here:
        client = await here.client()
        here.store(*"abc")
        await here.until(lambda: client.payloads == ["a", "b", "c"])
        assert _remembered(here) == 3
        here.clock.advance(timedelta(minutes=6))
        await here.until(lambda: _remembered(here) == 0)
        here.store(*"defgh", age=timedelta(minutes=7))
        here.store("i")
        await here.until(lambda: client.payloads == ["a", "b", "c", "i"])
        assert client.notices == []


def _remembered(here: World) -> int:
    return sum(len(stretch.events) for stretch in here.tail.recent.after(0))


async def test_what_is_no_event_of_the_log_is_left_out_and_counted() -> None:
    async with world() as here:
        client = await here.client(last_id="0")
        event = body_of(make_entry("x", now=NOW))
        odd_type = event.replace(b"trigger.fired.v1", b"two\\nlines")
        here.log.store(b"", b"{}", b"\xff", b"[]", odd_type, event.replace(b",", b",\r\n"))
        await here.until(lambda: client.payloads == ["x"])
        assert sorted(set(here.meter.skipped)) == [1, 2, 3, 4, 5]
        assert client.last_id == "1-6"


async def test_an_open_stream_outlives_the_log_being_away() -> None:
    async with world() as here:
        client, behind = await here.client(), await here.client(may_take=1, last_id="0")
        here.store("1")
        await here.until(lambda: client.payloads == ["1"])
        here.log.away = True
        here.store("2")
        behind.allow(1)
        with pytest.raises(BrokerUnavailable):
            await here.client()
        assert await here.tail.follow() == timedelta(milliseconds=200)
        here.log.away = False
        behind.may_take = None
        behind.taken.set()
        await here.until(lambda: client.payloads == ["1", "2"])
        await here.until(lambda: behind.payloads == ["1", "2"])
        assert client.notices == behind.notices == []


async def test_a_log_made_anew_is_told_and_read_from_its_beginning() -> None:
    async with world() as here:
        here.store(*"abcde")
        client = await here.client()
        await here.until(lambda: client.last_id == "1-5")
        here.log.make_anew()
        here.store(*"xyz")
        here.clock.advance(timedelta(seconds=1))
        await here.until(lambda: len(client.payloads) == 3)
        assert [kind for kind, _, _ in client.seen] == ["reset", *["trigger.fired.v1"] * 3]
        assert client.seen[0][1] == "2-0"
        assert client.seen[0][2]["code"] == "log-reset"
        assert client.payloads == ["x", "y", "z"]
        old = await here.client(last_id="1-1")
        await here.until(lambda: len(old.payloads) == 3)
        assert old.notices == ["reset"]


async def test_whoever_comes_first_after_the_log_was_made_anew_tells_the_tail() -> None:
    async with world() as here:
        here.store(*"abc")
        old = await here.client()
        await here.tail.follow()
        here.log.make_anew()
        here.store("x")
        new = await here.client()
        here.store("y")
        await here.until(lambda: new.payloads == ["y"] and old.payloads == ["x", "y"])
        assert (new.notices, old.notices) == ([], ["reset"])


async def test_an_id_that_the_log_has_not_given_yet_is_answered_with_a_reset() -> None:
    """As is a log that ends before what was read in it: an older state of it was restored."""
    async with world() as here:
        here.store("1")
        client = await here.client(last_id="7")
        here.store("2", "3")
        await here.until(lambda: client.payloads == ["2", "3"])
        assert client.notices == ["reset"]
        here.log.stored.pop()
        here.log.last_seq = 2
        here.clock.advance(timedelta(seconds=1))
        await here.until(lambda: client.notices == ["reset", "reset"])
        here.store("other 3")
        await here.until(lambda: client.payloads == ["2", "3", "other 3"])


async def test_what_is_erased_is_passed_over() -> None:
    async with world(log=FakeEventLog(page=1), backlog=1) as here:
        here.store(*"abc")
        live = await here.client()
        here.store("d", "e")
        await here.until(lambda: live.payloads == ["d", "e"])
        here.log.erase(5)
        late = await here.client(last_id="1")
        await here.tail.follow()
        here.store("f")
        await here.until(lambda: late.payloads[-1:] == ["f"])
        assert late.notices == []


async def test_a_stop_ends_every_stream_and_begins_none() -> None:
    async with world() as here:
        waiting, stuck = await here.client(), await here.client(may_take=0)
        assert waiting.reading is not None
        assert stuck.reading is not None
        here.tail.stop()
        assert await waiting.reading
        assert [data["code"] for _, _, data in waiting.seen] == ["gateway-stopping"]
        with pytest.raises(Refused, match="stops"):
            await here.client()
        stuck.allow(2)
        assert await stuck.reading
        assert stuck.notices == ["closing"]


async def test_there_is_room_for_so_many_readers() -> None:
    async with world(most=2) as here:
        first, _ = await here.client(), await here.client()
        with pytest.raises(Refused, match="2 streams are open") as refusal:
            await here.client()
        assert refusal.value.problem.status == 503
        assert first.reader is not None
        assert first.reading is not None
        first.reader.leave()
        assert await first.reading
        assert first.notices == []
        await here.client()
