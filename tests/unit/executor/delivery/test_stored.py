"""A lane's record survives being stored, and what cannot be read counts as none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trigger_executor.domain.delivery.breaker import CLOSED, Breaker
from trigger_executor.domain.delivery.lane import LaneRecord, Standing
from trigger_executor.domain.delivery.rate import Mark, RateRecord
from trigger_executor.domain.delivery.stored import dumped, loaded

INSTANTS = st.integers(0, 2**51).map(
    lambda micros: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
)
BREAKERS = st.one_of(
    st.builds(Breaker, failures=st.integers(0, 4)),
    st.builds(
        Breaker,
        failures=st.integers(1, 99),
        openings=st.integers(1, 99),
        open_until=INSTANTS,
        is_gone=st.booleans(),
    ),
)
RECORDS = st.builds(
    LaneRecord,
    version=st.integers(0, 99),
    breaker=BREAKERS,
    paused_until=st.none() | INSTANTS,
    standing=st.sampled_from(list(Standing)),
    rate=st.builds(
        RateRecord,
        st.lists(st.builds(Mark, INSTANTS, st.integers(1, 99)), max_size=3).map(tuple),
        st.integers(0, 99),
    ),
)


@given(RECORDS)
@settings(max_examples=60, deadline=None)
def test_it_is_read_as_it_was_stored(record):
    assert loaded(dumped(record)) == record


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"standing":"odd"}', '{"open_until":"soon"}', '{"marks":[1]}']
)
def test_what_cannot_be_read_counts_as_nothing_stored(text):
    assert loaded(text) == LaneRecord()


def test_nothing_stored_is_a_closed_breaker():
    assert loaded("{}").breaker == CLOSED


def test_a_breaker_that_opened_is_shown_by_when_it_lets_one_through():
    until = datetime(2026, 11, 30, 12, tzinfo=UTC) + timedelta(seconds=10)

    assert '"open_until":"2026-11-30T12:00:10+00:00"' in dumped(
        LaneRecord(breaker=Breaker(5, 1, until))
    )
