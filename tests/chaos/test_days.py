"""Days on which clocks change, in four zones, lived through by real processes in a minute.

Triggers are created by REST for days that are months ahead. Then the clock of record is set, step
by step, to just before each instant at which something should fire, never past one. In the end the
log holds exactly the rows that the oracle foretells, which shares nothing with the engine.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import pytest
from nats.aio.msg import Msg

from tests.support.cron_oracle import MINUTE, occurrences
from tests.support.eventually import eventually
from tests.support.fake_clock import FakeClock, on_one_clock
from tests.support.whole_platform import Json, Platform, text
from trigger_contracts.events import CloudEvent
from trigger_contracts.instants import zone
from trigger_contracts.subjects import ALL_FIRED

ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago")
"""Changes by an hour and by half an hour, in the night and at midnight, in spring and autumn."""

POLICIES = ("vixie", "skip_once", "literal")

HALF_A_DAY = timedelta(hours=12)

JUST_BEFORE = timedelta(milliseconds=20)
"""Where the clock is set to: it runs into the occurrence, and the scheduler looks meanwhile."""

LOOKS = {"ETP_CLAIM_POLL": "20ms"}
"""The scheduler notices within this that the clock was set; as shipped it is ten times as long."""

ON_TIME = timedelta(seconds=10)
"""A misfire is 30 s late; this is generous to a busy machine."""


@dataclass(frozen=True)
class Change:
    """A zone's clock is put forward or back: at ``at`` it shows ``after`` instead of ``before``."""

    zone: str
    at: datetime
    before: datetime
    after: datetime

    @property
    def forward(self) -> bool:
        return self.after > self.before

    @property
    def expressions(self) -> tuple[str, ...]:
        """Fixed times and wildcards, around the middle of what is skipped or repeated."""
        middle = min(self.before, self.after) + abs(self.after - self.before) / 2
        minute, hour = middle.minute, middle.hour
        # At another hour as well: a schedule without any occurrence is refused.
        hours = f"{hour},{(hour + 6) % 24}"
        around = ",".join(str((hour + offset) % 24) for offset in (-2, -1, 0, 1, 12))
        return (
            f"{minute} {hours} * * *",
            f"5,25,50 {hours} * * *",
            f"10 {around} * * *",
            f"*/20 {hours} * * *",
            "0 * * * *",
            "*/15 * * * *",
            "10 */2 * * *",
        )


@dataclass(frozen=True)
class Foretold:
    """A trigger, and when the oracle says that it fires."""

    trigger_id: str
    about: str
    due: tuple[datetime, ...]


def next_change(name: str, after: datetime, *, forward: bool) -> Change:
    """When a zone's clock is put forward next, or back: found by watching it."""
    hour = timedelta(hours=1)
    at = after.replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    while not _is_put(name, at, hour, forward=forward):
        at += hour
    while not _is_put(name, at, MINUTE, forward=forward):
        at += MINUTE
    return Change(name, at + MINUTE, _local(name, at) + MINUTE, _local(name, at + MINUTE))


def _is_put(name: str, at: datetime, within: timedelta, *, forward: bool) -> bool:
    passed = _local(name, at + within) - _local(name, at)
    return passed > within if forward else passed < within


def _local(name: str, at: datetime) -> datetime:
    return at.astimezone(zone(name)).replace(tzinfo=None)


@pytest.fixture(scope="module")
async def platform_and_clock() -> AsyncIterator[tuple[Platform, FakeClock]]:
    """One for both: the second has the changes after those that were lived through."""
    async with on_one_clock(LOOKS) as both:
        yield both


@pytest.mark.parametrize("direction", ["forward", "back"])
async def test_days_on_which_clocks_are_put(
    platform_and_clock: tuple[Platform, FakeClock], direction: str
) -> None:
    platform, clock = platform_and_clock
    forward = direction == "forward"
    changes = [next_change(name, clock.now(), forward=forward) for name in ZONES]
    assert {change.forward for change in changes} == {forward}
    before = {row["id"] for row in await platform.events()}
    foretold = [one for change in changes for one in await create(platform, change)]
    rows = [row for row in await live_through(platform, clock, foretold) if row["id"] not in before]
    assert await platform.dead_letters() == []

    abouts = {one.trigger_id: one.about for one in foretold}
    found = sorted((abouts[row["trigger_id"]], row["scheduled_for"]) for row in rows)
    expected = sorted((one.about, text(at)) for one in foretold for at in one.due)
    assert found == expected
    assert len(expected) > 1000
    for row in rows:
        assert (row["status"], row["misfire"], row["count"]) == ("fired", False, 1)
        fired_at, due = map(datetime.fromisoformat, (row["fired_at"], row["scheduled_for"]))
        assert timedelta() <= fired_at - due < ON_TIME


STATUS = "SELECT status FROM scheduler.trigger"
NEXT = "SELECT trigger_id, name, next_fire_at FROM scheduler.trigger WHERE next_fire_at <= $1"
LOGGED = "SELECT count(*) FROM retention.event WHERE scheduled_for BETWEEN $1 AND $2"


async def create(platform: Platform, change: Change) -> list[Foretold]:
    """Each expression under each policy, from half a day before the change to half a day after."""
    first, last = change.at - HALF_A_DAY, change.at + HALF_A_DAY
    foretold = []
    for expression in change.expressions:
        for policy in POLICIES:
            about = f"{expression} in {change.zone}, {policy}"
            trigger = await platform.create(
                name=about,
                type="scheduled",
                cron=expression,
                timezone=change.zone,
                dst_policy=policy,
                starts_at=text(first),
                ends_at=text(last),
            )
            due = occurrences(expression, change.zone, policy, first, last)
            foretold.append(Foretold(trigger["id"], about, tuple(due)))
    return foretold


async def live_through(
    platform: Platform, clock: FakeClock, foretold: list[Foretold]
) -> list[Json]:
    """Let everything come due; the rows of the log, read at the end of each day that it keeps.

    The clock is set on when all that is due has fired and the scheduler is done with it.
    """
    due = Counter(at for one in foretold for at in one.due)
    fired: Counter[datetime] = Counter()
    rows: dict[str, Json] = {}

    async def hear(message: Msg) -> None:
        at = CloudEvent.model_validate_json(message.data).data.scheduled_for
        assert at is not None
        fired[at] += 1

    async with platform.database() as connection, platform.connected("reader") as reader:
        await reader.subscribe(ALL_FIRED, cb=hear)
        await reader.flush()

        async def over(at: datetime) -> bool:
            return fired[at] >= due[at] and not await connection.fetch(NEXT, at)

        for _, day in groupby(sorted(due), key=datetime.date):
            instants = list(day)
            count = sum(due[at] for at in instants)

            async def logged(instants: list[datetime] = instants, count: int = count) -> bool:
                found = await connection.fetchval(LOGGED, instants[0], instants[-1])
                return bool(found >= count)

            try:
                for at in instants:
                    assert clock.now() < at - JUST_BEFORE
                    clock.jump_to(at - JUST_BEFORE)
                    what = f"the {due[at]} events of {at}"
                    await eventually(lambda at=at: over(at), within=30, poll=0.005, what=what)
                await eventually(logged, within=30, what=f"the {count} rows of {instants[0]:%F}")
            except AssertionError as error:
                error.add_note(f"{await connection.fetch(NEXT, at)}")
                error.add_note(await platform.evidence())
                raise
            rows.update((row["id"], row) for row in await platform.events())
    # Whatever else there was to come.
    await eventually(lambda: completed(platform), within=30, poll=0.1)
    await platform.until_quiet()
    rows.update((row["id"], row) for row in await platform.events())
    return list(rows.values())


async def completed(platform: Platform) -> bool:
    return {row["status"] for row in await platform.query(STATUS)} == {"completed"}
