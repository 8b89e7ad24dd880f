"""Somebody else's ordinary work beside a test: whatever the test does, it is answered and on time.

While the body runs, a user creates, edits, deletes and fires by REST, edits and fires by NATS,
and has a schedule of every second. At the end every request has had its answer, every fire its
row, and every occurrence its row, once and in time. It asks five things a second: what it
measures is what others do to it. Used by the tests of attacks and bad input, mostly for a whole
module at once (``tests/e2e/conftest.py``).
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
from nats.aio.client import Client
from nats.js.errors import APIError

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, now, text

NAME = "good traffic"
"""Of its triggers, so that a test can tell their rows from its own."""

PAUSE_S = 0.2
"""Between two requests."""

ANSWERED_S = 5.0
"""What any answer may take: alone it takes 0.02 s, but the machine may be busy with other tests."""

LATE_S = 1.0
"""What is promised of schedules, and kept by 0.05 s on a machine with nothing else to do."""

TOO_LATE_S = 5.0
"""What no occurrence may be, on any machine."""

TOO_MANY_WAIT = 10167
"""Of the broker: too many commands of NATS users wait to be stored, and this one was not."""

AGAIN_S = 0.05

IN_LINE_S = 15.0
"""What an answer by NATS may take behind a thousand other commands: two syncs each, then their
handling. On a disk that takes 2 ms, it is 4 s."""

EXCUSED = 20
"""Of so many, one may be slower than promised.

Two test runs and two platforms of seven processes share the two cores of a CI machine, and a
process that is not scheduled for a second says nothing of our code. What stands still behind
somebody's message stands still for more than one in twenty, or for longer than ``TOO_LATE_S``.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was answered as it should be."""

    what: str
    took_s: float
    within_s: float
    is_applied: bool
    """Not only stored, to be applied later (202)."""


@dataclass
class GoodTraffic:
    """Goes on by itself; what it saw so far."""

    platform: Platform
    rest: httpx.AsyncClient
    client: Client
    asked: list[Asked] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    fired: list[str] = field(default_factory=list)
    """Event ids of what was accepted."""
    late_s: list[float] = field(default_factory=list)
    """Of each occurrence; known at the end."""
    _kept: str = ""
    _ticking: str = ""
    _first_at: datetime = field(default_factory=now)
    _nats_answered_s: float = ANSWERED_S
    _rounds: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @contextlib.contextmanager
    def in_line_behind_a_flood(self) -> Iterator[None]:
        """Of the NATS user that it is itself: only what it asks by REST is as quick as ever."""
        self._nats_answered_s = IN_LINE_S
        yield
        self._nats_answered_s = ANSWERED_S

    def assert_answered(self) -> None:
        """So far."""
        assert not self.failures, self.failures
        slow = [one for one in self.asked if one.took_s >= one.within_s]
        assert not slow, slow
        stored = [one for one in self.asked if not one.is_applied]
        assert len(stored) <= excused(len(self.asked)), stored

    async def go_round(self) -> None:
        """Wait until one of everything was asked for and answered, from now on.

        For an attack that is over sooner than that.
        """
        until = self._rounds + 2
        await eventually(lambda: self._rounds >= until or self.failures, within=30)
        self.assert_answered()

    def measured(self) -> str:
        slowest = max(self.asked, key=lambda one: one.took_s)
        return (
            f"good traffic: {len(self.asked)} requests, the slowest ({slowest.what})"
            f" {slowest.took_s:.2f} s;"
            f" {len(self.late_s)} occurrences, the latest {max(self.late_s):.3f} s"
        )

    # What it does.

    async def begin(self) -> None:
        """One of everything: what fails from here on is the test's doing."""
        self._kept = (await self._created({"type": "api"}))["id"]
        self._first_at = now() + timedelta(seconds=0.5)
        ticks = {"type": "scheduled", "interval": 1, "starts_at": text(self._first_at)}
        self._ticking = (await self._created(ticks))["id"]
        await self._round(PAUSE_S / 10)
        self.assert_answered()

    async def keep_asking(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self._round(PAUSE_S)

    async def end(self) -> None:
        """Everything that was asked for is there, once and in time."""
        last_at = now()
        await eventually(lambda: self._all_there(last_at), within=30, poll=0.1)
        for one in (self._ticking, self._kept):
            await self.platform.rest.delete(f"/triggers/{one}")
        rows = await self.platform.log_rows(self._ticking)
        expected = self._occurrences(last_at)
        ticks = sorted(row["scheduled_for"] for row in rows)
        assert ticks[: len(expected)] == expected, (ticks, expected)
        assert len(ticks) == len(set(ticks)), ticks
        assert {row["status"] for row in rows} == {"fired"}, rows
        self.late_s = [(row["fired_at"] - row["scheduled_for"]).total_seconds() for row in rows]
        late = [one for one in self.late_s if one >= LATE_S]
        assert len(late) <= excused(len(self.late_s)), late
        assert max(self.late_s) < TOO_LATE_S, max(self.late_s)
        fires = await self.platform.log_rows(self._kept)
        found = sorted(str(row["event_id"]) for row in fires)
        assert found == sorted(self.fired), set(found) ^ set(self.fired)
        assert {row["status"] for row in fires} == {"fired"}, fires
        self.assert_answered()

    def _occurrences(self, until: datetime) -> list[datetime]:
        count = (until - self._first_at) // timedelta(seconds=1) + 1
        return [self._first_at + timedelta(seconds=n) for n in range(count)]

    async def _all_there(self, until: datetime) -> bool:
        ticks = await self.platform.log_rows(self._ticking)
        fires = await self.platform.log_rows(self._kept)
        return len(ticks) >= len(self._occurrences(until)) and len(fires) >= len(self.fired)

    async def _round(self, pause_s: float) -> None:
        """A short life by REST, and fires and an edit of the trigger that stays."""
        made = await self._created({"type": "api"})
        acts: list[Callable[[], Awaitable[object]]] = [
            lambda: self._by_rest("PATCH", f"/triggers/{made.get('id')}", self._edit(), 200),
            self._fire_by_rest,
            lambda: self._by_nats("update", {"trigger_id": self._kept, "patch": self._edit()}),
            self._fire_by_nats,
            lambda: self._by_rest("DELETE", f"/triggers/{made.get('id')}", None, 204),
        ]
        for act in acts:
            await asyncio.sleep(pause_s)
            await act()
        self._rounds += 1

    def _edit(self) -> Json:
        return {"name": f"{NAME} {next(self._numbers)}"}

    async def _created(self, fields: Json) -> Json:
        return await self._by_rest("POST", "/triggers/", {"name": NAME, **fields}, 201)

    async def _fire_by_rest(self) -> None:
        path = f"/triggers/{self._kept}/fire"
        done = await self._by_rest("POST", path, {"payload": {"by": "REST"}}, 202)
        self._note_fired(done)

    async def _fire_by_nats(self) -> None:
        fire = {"trigger_id": self._kept, "payload": {"by": "NATS"}}
        self._note_fired(await self._by_nats("fire", fire))

    def _note_fired(self, done: Json) -> None:
        if "event_id" in done:
            self.fired.append(done["event_id"])

    async def _by_rest(self, method: str, path: str, body: Json | None, status: int) -> Json:
        async def ask() -> tuple[bool, Json]:
            response = await self.rest.request(method, path, json=body)
            assert response.status_code in {status, 202}, response.text
            return response.status_code == status, response.json() if response.content else {}

        return await self._timed(f"{method} {path}", ask)

    async def _by_nats(self, verb: str, body: Json) -> Json:
        async def ask() -> tuple[bool, Json]:
            while True:
                try:
                    done = await self.platform.ask(self.client, verb, body)
                except APIError as error:
                    # Nothing was stored; so it is asked again, as everybody is told to.
                    if error.err_code != TOO_MANY_WAIT:
                        raise
                    await asyncio.sleep(AGAIN_S)
                    continue
                assert "code" not in done, done
                return True, done

        return await self._timed(f"{verb} by NATS", ask, self._nats_answered_s)

    async def _timed(
        self,
        what: str,
        ask: Callable[[], Awaitable[tuple[bool, Json]]],
        within_s: float = ANSWERED_S,
    ) -> Json:
        begun = time.monotonic()
        try:
            is_applied, answer = await ask()
        except Exception as error:  # noqa: BLE001 (any way not to be answered is told at the end)
            took_s = time.monotonic() - begun
            self.failures.append(f"{what}: {error!r} after {took_s:.2f} s")
            return {}
        self.asked.append(Asked(what, time.monotonic() - begun, within_s, is_applied))
        return answer


def excused(count: int) -> int:
    return max(1, count // EXCUSED)


@contextlib.asynccontextmanager
async def good_traffic(platform: Platform) -> AsyncIterator[GoodTraffic]:
    """Goes on while the body runs, and is judged at its end, unless the body failed already."""
    over = asyncio.Event()
    async with platform.new_rest() as rest, platform.connected() as client:
        traffic = GoodTraffic(platform, rest, client)
        await traffic.begin()
        going = asyncio.create_task(traffic.keep_asking(over))
        try:
            yield traffic
        finally:
            over.set()
            await going
        await traffic.end()
        print(traffic.measured())
