"""Whole lives in a minute: every door, every store, polled all the while.

Real processes, with settings as a user would write them (active 8 s, kept 18 s),
a real Valkey as the shared cache. Events are fired throughout, each with a canary of its own in
its payload. Every look is framed by what the database's clock says before and after it: whatever
the gateway answers must be right at some instant between the two (invariant 9). After its life
an event's canary is in no table, statistic, stream, bucket, dead letter, cache or log file, and
behind no door (invariant 10).
"""

import asyncio
import contextlib
import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from nats.aio.client import Client

from tests.e2e.test_life import places
from tests.support.eventually import eventually
from tests.support.valkey import Valkey, valkey
from tests.support.whole_platform import Platform, now, running
from trigger_contracts import subjects, topology
from trigger_runtime.process.ids import new_id

ACTIVE_FOR = timedelta(seconds=8)
KEPT_FOR = timedelta(seconds=18)
FIRED_FOR = timedelta(seconds=20)
"""Longer than a life: events are born while others are archived and erased."""
GONE_WITHIN = timedelta(seconds=10)
"""From tables and streams, of the 60 s that are promised."""

PAUSE_S = 0.2
"""Between two looks through one door; all doors together take a core's time without."""

pytestmark = pytest.mark.timeout(400)


@dataclass
class Born:
    """An event as its client knows it, and since when each look may have missed it."""

    event_id: str
    canary: str
    logged_at: datetime | None = None


@dataclass
class Watch:
    """What is fired, and what was seen of it through each door."""

    platform: Platform
    trigger_id: str
    born: list[Born] = field(default_factory=list)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    streamed: list[str] = field(default_factory=list)
    swept_rows: int = 0
    listens: asyncio.Event = field(default_factory=asyncio.Event)
    """The live tail has begun: from now on it must have every event."""

    @property
    def known(self) -> dict[str, Born]:
        return {one.event_id: one for one in self.born}

    def state_of(self, born: Born, at: datetime) -> str:
        assert born.logged_at is not None
        age = at - born.logged_at
        return "active" if age < ACTIVE_FOR else "archived" if age < KEPT_FOR else "gone"

    def check(
        self, door: str, shown: Iterable[tuple[str, str]], state: str | None, frame: "Frame"
    ) -> None:
        """``shown`` are ids and states; ``state`` is what the door was asked for."""
        found = dict(shown)
        for born in frame.rows:
            possible = {self.state_of(born, frame.before), self.state_of(born, frame.after)}
            possible |= {"archived"} if possible == {"active", "gone"} else set()
            said = found.pop(born.event_id, "gone")
            expected = (
                possible if state is None else {s if s == state else "gone" for s in possible}
            )
            assert said in expected, (door, born, frame.before, frame.after, said)
            self.seen[door, said] += 1
        over = {
            one.event_id
            for one in self.born
            if one.logged_at and frame.before - one.logged_at >= KEPT_FOR
        }
        assert not over & found.keys(), (door, "shows what is gone")


@dataclass
class Frame:
    """The database's clock around a look, and the rows that were in the log before it."""

    before: datetime
    rows: list[Born]
    after: datetime


Look = Callable[[Watch], Awaitable[None]]


async def clock(watch: Watch) -> datetime:
    (row,) = await watch.platform.query("SELECT clock_timestamp() AS at")
    at: datetime = row["at"]
    return at


@contextlib.asynccontextmanager
async def framed(watch: Watch) -> AsyncIterator[Frame]:
    at = await clock(watch)
    rows = [b for b in watch.born if b.logged_at and at - b.logged_at < KEPT_FOR + ACTIVE_FOR]
    frame = Frame(at, rows, at)
    yield frame
    frame.after = await clock(watch)


@pytest.fixture(scope="module")
async def cache() -> AsyncIterator[Valkey]:
    async with valkey() as started:
        yield started


@pytest.fixture(scope="module")
async def platform(cache: Valkey) -> AsyncIterator[Platform]:
    lives = {
        "ETP_ACTIVE_FOR": f"{ACTIVE_FOR.seconds}s",
        "ETP_KEPT_FOR": f"{KEPT_FOR.seconds}s",
        "CACHE_URL": cache.url,
        "ETP_STREAM_HEARTBEAT": "1s",
    }
    async with running("--retention-replicas", "2", environment=lives) as started:
        yield started


async def test_two_lives_through_every_door(platform: Platform, cache: Valkey) -> None:
    trigger = await platform.create(name="mortal", type="api", payload_schema={"type": "object"})
    watch = Watch(platform, trigger["id"])
    stop = asyncio.Event()
    async with platform.connected() as client, platform.connected("admin") as admin:
        await _shorten_streams(admin)
        sweeps = await _hear_sweeps(watch, admin)
        # Whatever a look finds wrong ends the test at once.
        async with asyncio.TaskGroup() as group:
            group.create_task(_tail(watch, stop))
            for look in LOOKS:
                group.create_task(_keep_looking(look, watch, stop))
            await watch.listens.wait()
            await _fire_throughout(watch, client)

            async def all_gone() -> bool:
                return not await platform.log_rows(watch.trigger_id)

            await eventually(all_gone, within=120, poll=0.5, what="every row is erased")
            stop.set()
        await sweeps.unsubscribe()
    _assert_everything_was_seen(watch)
    await _assert_nowhere(watch, cache)


def _assert_everything_was_seen(watch: Watch) -> None:
    for door in ("all", "active", "words", "detail", "ndjson", "csv"):
        assert watch.seen[door, "active"], door
    for door in ("all", "archived", "words", "detail", "ndjson", "csv"):
        assert watch.seen[door, "archived"], door
    assert watch.seen["detail", "gone"]
    # Each once, in spite of reconnects, and none that was over.
    assert len(watch.streamed) == len(set(watch.streamed))
    assert set(watch.streamed) == {one.event_id for one in watch.born}
    assert watch.swept_rows == len(watch.born)


async def _assert_nowhere(watch: Watch, cache: Valkey) -> None:
    platform = watch.platform
    canary = watch.born[0].canary.partition("x")[0]
    """What all canaries begin with."""

    async def nowhere() -> bool:
        return not await places(platform, canary) and await cache.ask("DBSIZE") == b":0"

    await eventually(nowhere, within=GONE_WITHIN.total_seconds() + 50, poll=0.5, what="gone")
    statistics = await platform.query("SELECT s::text AS line FROM pg_stats AS s")
    assert not [row for row in statistics if canary in row["line"]]
    assert await platform.events() == []
    for path in ("/events/export", "/events/export?format=csv"):
        assert canary not in (await platform.rest.get(path)).text
    assert (await platform.rest.get("/events/stats")).json()["total"] == 0
    (letters,) = [(await platform.rest.get("/dead-letters/")).json()]
    assert canary not in json.dumps(letters)
    for file in (*platform.root.rglob("*.log"), platform.printed):
        assert canary not in file.read_text(errors="replace"), file


# What happens meanwhile.


async def _fire_throughout(watch: Watch, client: Client) -> None:
    prefix = f"canary{new_id()[:8]}"
    end = now() + FIRED_FOR
    while now() < end:
        canary = f"{prefix}x{len(watch.born)}"
        event_id = await watch.platform.fire(watch.trigger_id, payload={"secret": canary})
        born = Born(event_id, canary)
        watch.born.append(born)

        async def logged(event_id: str = event_id) -> datetime | None:
            rows = await watch.platform.query(
                "SELECT logged_at FROM retention.event WHERE event_id = $1", event_id
            )
            return rows[0]["logged_at"] if rows else None

        born.logged_at = await eventually(logged, within=20, what="the event is logged")
        if len(watch.born) % 10 == 0:
            # Not a fire: a dead letter that holds a canary.
            await watch.platform.send(client, "fire", f'{{"secret": "{canary}'.encode())


async def _shorten_streams(admin: Client) -> None:
    """The streams' own 48 h, to what the log's life is: no setting of a service does that."""
    jetstream = admin.jetstream(timeout=10)
    mortal = [s.name for s in topology.STREAMS if s.max_age] + [topology.IDEMPOTENCY.stream]
    for name in mortal:
        config = (await jetstream.stream_info(name)).config
        config.max_age = KEPT_FOR.total_seconds()
        config.duplicate_window = 1
        await jetstream.update_stream(config)


async def _hear_sweeps(watch: Watch, admin: Client) -> Any:
    async def swept(message: Any) -> None:
        watch.swept_rows += json.loads(message.data)["rows"]

    return await admin.subscribe(subjects.SWEPT, cb=swept)


async def _keep_looking(look: Look, watch: Watch, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await look(watch)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), PAUSE_S)


async def _list(watch: Watch, **query: Any) -> list[tuple[str, str]]:
    rows = await watch.platform.events(**query)
    return [(row["id"], row["state"]) for row in rows]


async def _look_at_lists(watch: Watch) -> None:
    for door, query, state in (
        ("all", {}, None),
        ("active", {"state": "active"}, "active"),
        ("archived", {"state": "archived"}, "archived"),
        ("words", {"q": "secret"}, None),
    ):
        async with framed(watch) as frame:
            shown = await _list(watch, **query)
        # A kept page may lack what came within its second.
        young = {b.event_id for b in frame.rows if _is_young(b, frame)}
        frame.rows = [b for b in frame.rows if b.event_id not in young]
        watch.check(door, [one for one in shown if one[0] not in young], state, frame)


def _is_young(born: Born, frame: Frame) -> bool:
    return born.logged_at is None or frame.after - born.logged_at < timedelta(seconds=2)


async def _look_at_details(watch: Watch) -> None:
    for born in [one for one in watch.born if one.logged_at][-60:]:
        async with framed(watch) as frame:
            response = await watch.platform.rest.get(f"/events/{born.event_id}")
        said = response.json()["state"] if response.status_code == 200 else "gone"
        assert response.status_code in (200, 410), response.text
        possible = {watch.state_of(born, frame.before), watch.state_of(born, frame.after)}
        assert said in possible, (born, said)
        watch.seen["detail", said] += 1


async def _look_at_exports(watch: Watch) -> None:
    async with framed(watch) as frame:
        lines = (await watch.platform.rest.get("/events/export")).text.splitlines()
    watch.check("ndjson", _states(map(json.loads, lines)), None, frame)
    async with framed(watch) as frame:
        text = (await watch.platform.rest.get("/events/export?format=csv")).text
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    watch.check("csv", _states(rows), None, frame)


def _states(rows: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["id"], row["state"]) for row in rows]


async def _look_at_sums(watch: Watch) -> None:
    """Counts and charts: as many as are alive at some instant between before and after."""
    for state in (None, "active", "archived"):
        async with framed(watch) as frame:
            total, charted = await _sums(watch.platform.rest, state)
        later = [b for b in watch.born if b.logged_at is None or b not in frame.rows]
        states = [
            {watch.state_of(b, frame.before), watch.state_of(b, frame.after)} for b in frame.rows
        ]
        wanted = {"active", "archived"} if state is None else {state}
        least = sum(possible <= wanted for possible in states)
        most = sum(bool(possible & wanted) for possible in states) + len(later)
        for said in (total, charted):
            assert least <= said <= most, (state, least, said, most)
        watch.seen["sums", state or "all"] += 1


async def _sums(rest: httpx.AsyncClient, state: str | None) -> tuple[int, int]:
    asked = {} if state is None else {"state": state}
    listed = await rest.get("/events/", params={**asked, "count": "true", "limit": 1})
    stats = await rest.get("/events/stats", params=asked)
    return int(listed.headers["x-total-count"]), stats.json()["total"]


LOOKS = (_look_at_lists, _look_at_details, _look_at_exports, _look_at_sums)


async def _tail(watch: Watch, stop: asyncio.Event) -> None:
    """The live tail, torn off every few events and resumed where it was."""
    last_id: str | None = None
    while not stop.is_set():
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        with contextlib.suppress(httpx.RemoteProtocolError):
            async with watch.platform.rest.stream("GET", "/events/stream", headers=headers) as feed:
                assert feed.status_code == 200, await feed.aread()
                watch.listens.set()
                last_id = await _read(watch, feed, last_id, stop)


async def _read(
    watch: Watch, feed: httpx.Response, last_id: str | None, stop: asyncio.Event
) -> str | None:
    taken = 0
    fields: dict[str, str] = {}
    async for line in feed.aiter_lines():
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.strip()
        if stop.is_set():
            return last_id
        if line or "data" not in fields:
            continue
        last_id = fields.get("id", last_id)
        event = json.loads(fields["data"])
        if event.get("subject") == watch.trigger_id:
            at = datetime.fromisoformat(event["data"]["logged_at"])
            assert now() - at < KEPT_FOR + timedelta(seconds=1)
            watch.streamed.append(event["id"])
            taken += 1
        fields = {}
        if taken == 7:
            return last_id
    return last_id
