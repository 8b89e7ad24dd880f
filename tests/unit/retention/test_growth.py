"""An hour is left alone as long as it grows."""

from datetime import UTC, datetime, timedelta

from trigger_retention.domain.growth import Growth, Look

HOUR = datetime(2026, 11, 24, 12, tzinfo=UTC)
OTHER = HOUR - timedelta(hours=1)
AT = HOUR + timedelta(hours=2)
SECOND = timedelta(seconds=1)


def test_an_hour_is_quiet_once_it_has_kept_its_size_for_long_enough() -> None:
    growth = Growth(30 * SECOND)
    assert growth.quiet([Look(HOUR, 10, AT)]) == []
    assert growth.quiet([Look(HOUR, 10, AT + 29 * SECOND)]) == []
    assert growth.quiet([Look(HOUR, 10, AT + 30 * SECOND)]) == [HOUR]


def test_growing_begins_the_wait_anew() -> None:
    growth = Growth(30 * SECOND)
    growth.quiet([Look(HOUR, 10, AT)])
    assert growth.quiet([Look(HOUR, 11, AT + 30 * SECOND)]) == []
    assert growth.quiet([Look(HOUR, 11, AT + 60 * SECOND)]) == [HOUR]


def test_each_hour_waits_for_itself_and_one_that_was_not_looked_at_is_forgotten() -> None:
    growth = Growth(30 * SECOND)
    growth.quiet([Look(HOUR, 10, AT), Look(OTHER, 5, AT)])
    later = AT + 30 * SECOND
    assert growth.quiet([Look(HOUR, 11, later), Look(OTHER, 5, later)]) == [OTHER]
    growth.quiet([])
    assert growth.quiet([Look(OTHER, 5, later)]) == []


def test_without_a_wait_every_hour_is_quiet_at_once() -> None:
    assert Growth(timedelta()).quiet([Look(HOUR, 10, AT), Look(OTHER, 5, AT)]) == [HOUR, OTHER]
