"""Ids of traces and spans, who is sampled, and what a traceparent says."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts.ids import fire_event_id, low_bits_of_occurrence, occurrence_event_id
from trigger_contracts.tracing import (
    Sampling,
    SpanContext,
    beside,
    root_of,
    sampled_caller,
    stage_of,
    trace_id_of,
    traceparent_of,
)

NOON = datetime(2027, 1, 26, 12, tzinfo=UTC)
EVENT = "019bf9a5-6280-7c1e-a2b3-0123456789ab"
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def some_ids(count: int) -> list[int]:
    return [occurrence_event_id("tea", "c1", NOON + timedelta(seconds=n)).int for n in range(count)]


def test_a_trace_has_the_id_of_its_event() -> None:
    assert trace_id_of(EVENT) == UUID(EVENT).int
    assert f"{root_of(EVENT).trace_id:032x}" == EVENT.replace("-", "")


def test_the_ids_of_spans_never_change() -> None:
    """Services of two versions may have a trace in hand."""
    assert [f"{stage_of(EVENT, stage).span_id:016x}" for stage in ("root", "decide")] == [
        "c699a9d6cdde8dc5",
        "6bd9640fae7f236d",
    ]


def test_each_stage_has_a_span_of_its_own() -> None:
    stages = ("root", "claim", "publish", "decide", "project")
    assert len({stage_of(EVENT, stage).span_id for stage in stages}) == len(stages)
    assert root_of(EVENT) == stage_of(EVENT, "root")


def test_half_are_sampled_at_one_half_and_the_same_ones_everywhere() -> None:
    ids = some_ids(20_000)
    for ratio in (0.01, 0.1, 0.5, 0.6, 0.99):
        taken = [one for one in ids if Sampling(ratio).takes(one)]
        assert len(taken) / len(ids) == pytest.approx(ratio, abs=0.02 if ratio > 0.01 else 0.003)
        assert taken == [one for one in ids if Sampling(ratio).takes(one)]


def test_none_is_sampled_at_zero_and_each_at_one() -> None:
    ids = [*some_ids(1000), UUID("ffffffff-ffff-7fff-bfff-ffffffffffff").int]
    assert not any(Sampling(0).takes(one) for one in ids)
    assert all(Sampling(1).takes(one) for one in ids)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**128 - 1))
def test_a_greater_ratio_takes_whatever_a_smaller_one_takes(
    one: float, other: float, trace_id: int
) -> None:
    less, more = sorted((one, other))
    assert Sampling(more).takes(trace_id) or not Sampling(less).takes(trace_id)
    assert Sampling(less).takes(trace_id) == ((trace_id & (2**56 - 1)) < less * 2**56)


@given(st.text(), st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)))  # noqa: DTZ001
def test_the_low_bits_of_an_occurrence_are_those_of_its_event(text: str, at: datetime) -> None:
    """What is sampled by them is what other services sample by the id."""
    trigger_id = text.encode("utf-8", "replace").decode()
    low = low_bits_of_occurrence(trigger_id, "c1", at)
    assert low == occurrence_event_id(trigger_id, "c1", at).int & (2**62 - 1)


def test_fires_are_sampled_as_evenly_as_occurrences() -> None:
    instants = random.Random(7)
    ids = [
        fire_event_id("tea", f"c{n}", NOON + timedelta(seconds=instants.random())).int
        for n in range(10_000)
    ]
    assert sum(Sampling(0.01).takes(one) for one in ids) == pytest.approx(100, abs=30)


def test_a_sampled_caller_is_read_and_written() -> None:
    caller = sampled_caller(CALLER)
    assert caller == SpanContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7)
    assert traceparent_of(caller) == CALLER
    later = "01" + CALLER[2:] + "-of-a-later-version"
    assert sampled_caller(later) == caller


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00",
        CALLER[:-1] + "0",  # not sampled
        CALLER.upper(),
        "ff" + CALLER[2:],
        CALLER + "-more",
        CALLER.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        CALLER.replace("00f067aa0ba902b7", "0" * 16),
        CALLER.replace("4bf9", "4bfé"),
        CALLER + "\n",
        f" {CALLER}",
    ],
)
def test_whoever_asks_for_nothing_or_in_other_words_asks_for_no_trace(header: str | None) -> None:
    assert sampled_caller(header) is None


def test_a_fire_has_a_span_in_the_trace_of_its_caller() -> None:
    caller = SpanContext(7, 8)
    own = beside(caller, EVENT)
    assert own.trace_id == 7
    assert own.span_id not in {8, root_of(EVENT).span_id, beside(caller, EVENT, "again").span_id}
