"""What becomes of each occurrence of an interval, as the log tells it."""

from collections import Counter
from datetime import datetime, timedelta

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, text

GRACE = timedelta(seconds=30)
"""As shipped: found later than this, an occurrence is a misfire."""


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def grid(start: datetime, every: int, last: int) -> list[datetime]:
    """An interval's occurrences, from ``start`` to ``last`` seconds later."""
    return [start + seconds(offset) for offset in range(0, last + 1, every)]


async def interval(
    platform: Platform, start: datetime, every: int, last: int, **fields: object
) -> Json:
    return await platform.create(
        name=f"every {every} s",
        type="scheduled",
        interval=every,
        starts_at=text(start),
        ends_at=text(start + seconds(last)),
        **fields,
    )


async def once(platform: Platform, at: datetime) -> Json:
    return await platform.create(name="once", type="scheduled", schedule_time=text(at))


def accounted_for(row: Json, every: int) -> list[datetime]:
    """The occurrences of which a row of the log tells."""
    first: datetime = row["scheduled_for"]
    last: datetime = row["last_scheduled_for"] or first
    told = grid(first, every, (last - first) // seconds(1))
    assert len(told) == row["count"]
    return told


def fates(rows: list[Json], every: int) -> dict[datetime, str]:
    """What became of each occurrence: fired, misfire (fired late) or missed."""
    return {
        one: "misfire" if row["misfire"] else str(row["status"])
        for row in rows
        for one in accounted_for(row, every)
    }


async def until_fired(platform: Platform, trigger: Json, at: datetime) -> None:
    async def fired() -> bool:
        rows = await platform.log_rows(trigger["id"])
        return any(row["scheduled_for"] == at and row["status"] == "fired" for row in rows)

    await eventually(fired, within=30, poll=0.1, what=f"{trigger['name']} fires for {at}")


async def all_rows(
    platform: Platform, trigger: Json, every: int, expected: list[datetime]
) -> list[Json]:
    """Wait until the log tells of each expected occurrence; then it tells of each just once."""

    async def complete() -> bool:
        rows = await platform.log_rows(trigger["id"])
        return {one for row in rows for one in accounted_for(row, every)} >= set(expected)

    await eventually(complete, within=60, poll=0.2, what=f"all of {trigger['name']} is logged")
    await platform.until_quiet()
    rows = await platform.log_rows(trigger["id"])
    assert Counter(one for row in rows for one in accounted_for(row, every)) == Counter(expected)
    for row in rows:
        decided_after = row["logged_at"] - row["scheduled_for"]
        assert decided_after >= timedelta()
        if row["status"] == "missed":
            assert decided_after > GRACE
            assert row["reason"].startswith("found later than ")
        else:
            assert row["status"] == "fired"
            assert row["misfire"] == (decided_after > GRACE)
    return rows
