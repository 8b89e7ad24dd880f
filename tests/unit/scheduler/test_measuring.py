"""What the scheduler tells of what waits: what can be claimed, and nothing that is not known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from tests.unit.scheduler.factories import EVERY_MINUTE, GRACE, HOUR, MINUTE, NOON, make_row
from trigger_scheduler.domain.planning import DueRow
from trigger_scheduler.handlers.measuring import A_CLAIM, IndexMeasuring, Told

MONTH = timedelta(days=30)


class Impossible:
    """A schedule that cannot be computed with."""


class FakeMeasures:
    """``ports.Measures`` over rows in a list, the oldest first."""

    def __init__(self, *rows: tuple[datetime, DueRow | None]) -> None:
        self.rows = list(rows)
        self.kinds: dict[str, int] | None = {"api": 3}
        self.asked: list[int] = []

    async def due(self, most: int) -> tuple[datetime, int]:
        return NOON + HOUR, min(most, len(self.rows))

    async def oldest_due(self, limit: int) -> list[tuple[datetime, DueRow | None]]:
        self.asked.append(limit)
        return self.rows[:limit]

    async def triggers(self) -> dict[str, int] | None:
        return self.kinds

    async def erasure_overdue(self, erase_after: timedelta) -> timedelta:
        return erase_after - MONTH + HOUR


class Seen:
    def __init__(self) -> None:
        self.due: list[tuple[float, int]] = []
        self.triggers: list[Mapping[str, int]] = []
        self.overdue: list[timedelta] = []


def measuring(measures: FakeMeasures, seen: Seen) -> IndexMeasuring:
    told = Told(
        lambda oldest_s, backlog: seen.due.append((oldest_s, backlog)),
        seen.triggers.append,
        seen.overdue.append,
    )
    return IndexMeasuring(measures, told, grace=GRACE, erase_after=MONTH)


def due(ago: timedelta) -> tuple[datetime, DueRow | None]:
    at = NOON + HOUR - ago
    return at, make_row(EVERY_MINUTE, next_fire_at=at)


def parked(ago: timedelta) -> tuple[datetime, DueRow | None]:
    at, row = due(ago)
    assert row is not None
    return at, replace(row, schedule=Impossible())  # type: ignore[arg-type]


def unreadable(ago: timedelta) -> tuple[datetime, DueRow | None]:
    return NOON + HOUR - ago, None


async def looked(*rows: tuple[datetime, DueRow | None]) -> tuple[tuple[float, int], FakeMeasures]:
    measures, seen = FakeMeasures(*rows), Seen()
    assert await measuring(measures, seen).look_at_due() == timedelta(seconds=5)
    (told,) = seen.due
    return told, measures


async def test_nothing_due_is_no_age_and_costs_one_look() -> None:
    told, measures = await looked()
    assert told == (0.0, 0)
    assert measures.asked == []


async def test_the_oldest_that_is_due_says_how_long_it_waits() -> None:
    told, measures = await looked(due(3 * MINUTE), due(MINUTE))
    assert told == (180.0, 2)
    assert measures.asked == [1]


async def test_one_that_was_due_just_now_is_no_negative_age() -> None:
    told, _ = await looked(due(-timedelta(seconds=1)))
    assert told == (0.0, 1)


async def test_what_nobody_can_claim_does_not_raise_the_age() -> None:
    """It stays due for ever, and is said elsewhere."""
    assert (await looked(parked(50 * MINUTE)))[0] == (0.0, 0)
    assert (await looked(unreadable(50 * MINUTE)))[0] == (0.0, 0)
    told, _ = await looked(parked(50 * MINUTE), unreadable(40 * MINUTE), due(2 * MINUTE))
    assert told == (120.0, 1)


async def test_so_many_of_these_that_no_claim_gets_past_them_are_a_standstill() -> None:
    rows = [parked(50 * MINUTE)] * A_CLAIM + [due(MINUTE)]
    told, _ = await looked(*rows)
    assert told == (3000.0, A_CLAIM + 1)


async def test_numbers_that_are_not_known_are_not_told() -> None:
    measures, seen = FakeMeasures(), Seen()
    looks = measuring(measures, seen)
    measures.kinds = None
    await looks.look_at_rest()
    measures.kinds = {}
    await looks.look_at_rest()
    assert seen.triggers == [{}]
    assert seen.overdue == [HOUR, HOUR]
