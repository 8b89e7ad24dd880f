"""What a delivery is said to wait for: the first thing that is in its way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trigger_api.domain.deliveries.waiting import Waiting, WaitsFor, waits_for

NOW = datetime(2027, 1, 26, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DUE = Waiting(NOW, NOW, None, None, has_rate=False, is_behind=False)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (DUE, None),
        (replace(DUE, next_attempt_at=NOW + SECOND), WaitsFor.SCHEDULE),
        (replace(DUE, open_until=NOW + SECOND), WaitsFor.BREAKER),
        # Half-open: one of them is tried, and the others wait for what becomes of it.
        (replace(DUE, open_until=NOW - SECOND), WaitsFor.BREAKER),
        (replace(DUE, paused_until=NOW + SECOND), WaitsFor.RATE),
        (replace(DUE, paused_until=NOW), None),
        (replace(DUE, has_rate=True), WaitsFor.RATE),
        (replace(DUE, is_behind=True), WaitsFor.ORDER),
        (replace(DUE, is_behind=True, has_rate=True), WaitsFor.ORDER),
        (replace(DUE, is_behind=True, open_until=NOW), WaitsFor.BREAKER),
        (replace(DUE, next_attempt_at=NOW + SECOND, open_until=NOW), WaitsFor.SCHEDULE),
    ],
)
def test_the_first_thing_in_the_way_is_named(one: Waiting, expected: WaitsFor | None):
    assert waits_for(one) is expected
