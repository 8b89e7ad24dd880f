"""What fires late after a downtime, by each misfire policy: every occurrence has its one fate.

A downtime is short here: the clock of record is set forward, while everything runs or while
one program is dead. It is set to just after an occurrence, which is then late, but by less
than the grace; a slow start of that program leaves everything as it is for half a minute.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from tests.chaos.occurrences import all_rows, fates, grid, interval, seconds, until_fired
from tests.support.fake_clock import FakeClock, on_one_clock
from tests.support.whole_platform import Json, Platform, text

EVERY = 40
LAST = 720
BACK_AFTER = LAST + 1
MISSABLE = range(EVERY, LAST, EVERY)
"""Later than 30 s, all of them, when the clock has been set: in seconds after the start."""

POLICIES: dict[str, tuple[Json, range]] = {
    "none": ({"policy": "none"}, range(0)),
    "none, in one row": ({"policy": "none", "max_count": 10}, range(0)),
    "last": ({"policy": "last"}, MISSABLE[-1:]),
    "last, but too old": ({"policy": "last", "max_age": 35}, range(0)),
    "all": ({"policy": "all"}, MISSABLE),
    "the last five": ({"policy": "all", "max_count": 5}, MISSABLE[-5:]),
    "five minutes": ({"policy": "all", "max_age": "PT5M10S"}, range(440, LAST, EVERY)),
}
"""By name: a policy, and which of those occurrences fire late by it."""


@pytest.fixture(scope="module")
async def platform_and_clock() -> AsyncIterator[tuple[Platform, FakeClock]]:
    """One for all: whoever comes next begins where the clock is, when all before is over."""
    async with on_one_clock() as both:
        yield both


@pytest.mark.parametrize("away", ["nothing", "scheduler", "postgres"])
async def test_each_policy_decides_what_fires_late(
    platform_and_clock: tuple[Platform, FakeClock], away: str
) -> None:
    platform, clock = platform_and_clock
    start = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=2)
    clock.jump_to(start - seconds(3))
    triggers = {
        name: await interval(platform, start, EVERY, LAST, misfire=fields)
        for name, (fields, _) in POLICIES.items()
    }
    minutely = await platform.create(
        name="every minute",
        type="scheduled",
        cron="* * * * *",
        starts_at=text(start),
        ends_at=text(start + seconds(LAST)),
    )
    for trigger in (*triggers.values(), minutely):
        await until_fired(platform, trigger, start)
    async with contextlib.nullcontext() if away == "nothing" else platform.gone(away):
        clock.jump_to(start + seconds(BACK_AFTER))

    for name, trigger in triggers.items():
        rows = await all_rows(platform, trigger, EVERY, grid(start, EVERY, LAST))
        assert fates(rows, EVERY) == foretold(start, MISSABLE, POLICIES[name][1]), name
        sums = [row["count"] for row in rows if row["count"] > 1]
        assert sums == ([len(MISSABLE)] if name == "none, in one row" else [])
        fired_at = [row["fired_at"] for row in rows if row["fired_at"]]
        assert fired_at == sorted(fired_at), "in order"
    rows = await all_rows(platform, minutely, 60, grid(start, 60, LAST))
    minutes = range(60, LAST, 60)
    assert fates(rows, 60) == foretold(start, minutes, minutes[-1:])
    assert await platform.dead_letters() == []


def foretold(start: datetime, missable: range, late_fires: range) -> dict[datetime, str]:
    fate = {
        **dict.fromkeys(missable, "missed"),
        **dict.fromkeys(late_fires, "misfire"),
        **dict.fromkeys((0, LAST), "fired"),
    }
    return {start + seconds(at): what for at, what in fate.items()}
