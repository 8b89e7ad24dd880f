"""Charts: their buckets, their sums, and how near their quantiles are."""

from datetime import UTC, datetime, timedelta
from math import ceil, floor, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_api.domain.log.lifetimes import Lifetimes
from trigger_api.domain.log.stats import MAX_BUCKETS, Chart, Counted, StatsQuery, summed
from trigger_contracts.errors import Refused
from trigger_contracts.events import EntryStatus

NOW = datetime(2027, 1, 1, 12, 34, 56, tzinfo=UTC)
ACTIVE, KEPT = timedelta(hours=2), timedelta(hours=48)
LIFETIMES = Lifetimes(ACTIVE, KEPT)


def chart(**query: object) -> Chart:
    return Chart.of(StatsQuery.model_validate(query), NOW, LIFETIMES)


def test_without_a_range_the_whole_life_is_shown_in_about_sixty_buckets() -> None:
    whole = chart()
    assert (whole.since, whole.to, whole.bucket) == (NOW - KEPT, NOW, "1h")
    begins = whole.begins()
    assert begins[0] == datetime(2026, 12, 30, 12, tzinfo=UTC)
    assert begins[-1] == datetime(2027, 1, 1, 12, tzinfo=UTC)
    assert len(begins) == 49


def test_a_short_range_gets_narrow_buckets_and_none_beyond_its_end() -> None:
    shown = chart(**{"from": "2027-01-01T12:00:00Z", "to": "2027-01-01T12:05:00Z"})
    assert shown.bucket == "1m"
    assert [begin.minute for begin in shown.begins()] == [0, 1, 2, 3, 4]


def test_a_range_beyond_the_log_is_cut_to_it() -> None:
    shown = chart(**{"from": "2020-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"})
    assert (shown.since, shown.to) == (NOW - KEPT, NOW)
    past = chart(**{"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"})
    assert len(past.begins()) == 1


def test_too_many_buckets_are_refused_at_the_bucket() -> None:
    with pytest.raises(Refused) as caught:
        chart(bucket="1m")
    assert caught.value.problem.errors[0].pointer == "/query/bucket"
    assert str(MAX_BUCKETS) in caught.value.problem.detail


def test_a_chart_of_one_life_begins_where_that_life_does() -> None:
    active = chart(state="active", bucket="1m")
    assert (active.since, active.to, len(active.begins())) == (NOW - ACTIVE, NOW, 121)
    assert chart(state="active").bucket == "5m"
    archived, both = chart(state="archived"), chart(state=["active", "archived"])
    assert archived.since == both.since == NOW - KEPT
    # What is asked for counts, and a chart never begins after its end.
    assert chart(state="active", **{"from": "2027-01-01T09:00:00Z"}).since.hour == 9
    before = chart(state="active", to="2027-01-01T09:00:00Z", bucket="1m")
    assert (before.since, len(before.begins())) == (before.to, 1)


def test_empty_buckets_are_there_and_sums_are_by_status() -> None:
    shown = chart(**{"from": "2027-01-01T09:00:00Z", "bucket": "1h"})
    ten = datetime(2027, 1, 1, 10, tzinfo=UTC)
    stats = summed(shown, [Counted(ten, "fired", [100], [3]), Counted(ten, "missed", [None], [2])])
    assert stats.total == 5
    assert stats.counts == {
        EntryStatus.FIRED: 3,
        EntryStatus.MISSED: 2,
        EntryStatus.REJECTED: 0,
    }
    assert [bucket.total for bucket in stats.buckets] == [0, 5, 0, 0]
    assert stats.buckets[0].lateness is None


@given(st.lists(st.integers(min_value=1, max_value=172_800_000_000), min_size=1, max_size=200))
def test_a_quantile_is_within_five_percent_of_the_lateness_it_stands_for(late: list[int]) -> None:
    """As retention's ``lateness_step`` counts them, in microseconds."""
    counted = [Counted(NOW, "fired", [floor(log(us) / log(1.1))], [1]) for us in late]
    lateness = summed(chart(), counted).lateness
    assert lateness is not None
    ranked = sorted(late)
    for share, shown in ((0.5, lateness.p50), (0.9, lateness.p90), (0.99, lateness.p99)):
        true = ranked[ceil(share * len(ranked)) - 1] / 1e6
        assert shown == pytest.approx(true, rel=0.056)
