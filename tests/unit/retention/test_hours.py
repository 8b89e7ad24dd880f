"""An event's partition follows from its id alone."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.support.event_ids import lowest_uuid7
from trigger_contracts.ids import uuid7
from trigger_retention.domain.hours import (
    HOUR,
    hour_at,
    hour_number,
    number_of,
    partition_hour,
    partition_name,
)

instants = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(instants)
def test_an_id_lies_within_the_bounds_of_its_hour(at: datetime) -> None:
    event_id = uuid7(at, "one")
    hour = hour_at(hour_number(str(event_id)))
    assert hour <= at < hour + HOUR
    assert lowest_uuid7(hour) <= event_id < lowest_uuid7(hour + HOUR)
    assert hour_at(number_of(at)) == hour


@given(instants, instants)
def test_names_of_partitions_sort_as_their_hours(one: datetime, other: datetime) -> None:
    assert partition_hour(partition_name(one)) == hour_at(number_of(one))
    later = one + HOUR + abs(one - other)
    if later.year < 2200:
        assert partition_name(one) < partition_name(later)


def test_the_last_microsecond_of_an_hour_is_in_it() -> None:
    hour = datetime(2026, 11, 23, 12, tzinfo=UTC)
    last = hour + HOUR - timedelta(microseconds=1)
    assert hour_at(hour_number(str(uuid7(last, "x")))) == hour
    assert hour_at(hour_number(str(uuid7(hour + HOUR, "x")))) == hour + HOUR
