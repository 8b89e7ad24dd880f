"""How a row is published, and for how long."""

import json
from datetime import timedelta

import pytest

from tests.unit.executor.factories import (
    NOON,
    make_api_change,
    make_change,
    make_due,
    make_fire,
    make_missed,
)
from trigger_contracts.topology import LOG_LIFE
from trigger_executor.domain.due import due_entries
from trigger_executor.domain.fire import decide_fire
from trigger_executor.domain.row import PROMPT, row_of
from trigger_executor.domain.version import version_of

CHANGE = make_change()
(FIRED,) = due_entries(make_due(CHANGE), version_of(CHANGE, 1))
MISSED = due_entries(make_missed(CHANGE), version_of(CHANGE, 1))[0]
REJECTED = decide_fire(make_fire(payload={}), make_api_change(), None).entry
TICK = timedelta(microseconds=1)


def test_a_row_is_a_cloud_event():
    event = json.loads(row_of(FIRED, NOON).body)

    assert event["specversion"] == "1.0"
    assert event["id"] == FIRED.event_id
    assert event["type"] == "trigger.fired.v1"
    assert event["source"] == "/triggers/t1"
    assert event["data"]["payload"] == {"hello": "world"}


@pytest.mark.parametrize(
    ("entry", "subject"),
    [
        (FIRED, "trigger.fired.t1"),
        (MISSED, "trigger.missed.t1"),
        (REJECTED, "trigger.rejected.a1"),
    ],
)
def test_its_subject_says_what_became_of_it(entry, subject):
    assert row_of(entry, NOON).subject == subject


def test_a_prompt_row_lives_as_long_as_its_stream_keeps_it():
    assert row_of(FIRED, FIRED.logged_at + PROMPT).ttl is None
    assert row_of(FIRED, FIRED.logged_at - PROMPT).ttl is None


def test_a_late_row_lives_only_for_the_rest_of_its_48_hours():
    late = row_of(FIRED, FIRED.logged_at + timedelta(hours=47))

    assert late.ttl == timedelta(hours=1)
    assert late.body == row_of(FIRED, FIRED.logged_at).body


def test_a_row_whose_life_is_over_is_not_published():
    assert row_of(FIRED, FIRED.logged_at + LOG_LIFE - TICK) is not None
    assert row_of(FIRED, FIRED.logged_at + LOG_LIFE) is None


def test_where_the_log_lives_shorter_each_row_says_so() -> None:
    kept_for = timedelta(minutes=5)
    row = row_of(FIRED, FIRED.logged_at, kept_for)
    assert row is not None
    assert row.ttl == kept_for
    assert row_of(FIRED, FIRED.logged_at + kept_for, kept_for) is None
