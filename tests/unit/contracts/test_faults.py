"""All faults of a definition are told at once, each once, and none for another one's sake."""

from itertools import combinations
from typing import Any

import pytest

from tests.unit.contracts.factories import DAY, NOON, api_fields, created, decide_on, make_test
from trigger_contracts import trigger
from trigger_contracts.commands import CreateTrigger, UpdateTrigger
from trigger_contracts.errors import MAX_REPORTED_ERRORS, Code, Problem, Refused
from trigger_contracts.faults import accepted

CRON: dict[str, Any] = {"name": "x", "type": "scheduled", "cron": "0 9 * * *"}
ONCE: dict[str, Any] = {"name": "x", "type": "scheduled", "schedule_time": "2030-01-01T00:00:00"}

OF_A_CRON: dict[str, dict[str, Any]] = {
    "/name": {"name": ""},
    "/timezone": {"timezone": "Mars/Olympus"},
    "/cron": {"cron": "0 25 * * *"},
    "/dst_policy": {"dst_policy": "sometimes"},
    "/starts_at": {"starts_at": "tomorrow"},
    "/ends_at": {"ends_at": "2030-02-30"},
    "/max_fires": {"max_fires": 0},
    "/jitter": {"jitter": "P2D"},
    "/exclude/1": {"exclude": ["2030-12-25", "Christmas"]},
    "/misfire/policy": {"misfire": {"policy": "maybe"}},
    "/payload_schema": {"payload_schema": {}},
    "/labels/0": {"labels": [""]},
    "/description": {"description": 5},
    "/nme": {"nme": "x"},
    "/paused": {"paused": True},
}
"""One fault each, at its pointer."""


def faults(fields: Any) -> Problem:
    with pytest.raises(Refused) as refusal:
        accepted(fields, NOON, further=(trigger.has_a_future(NOON),))
    return refusal.value.problem


def pointers(found: Problem) -> list[str]:
    return [error.pointer for error in found.errors]


@pytest.mark.parametrize("pointer", OF_A_CRON)
def test_one_fault_is_told_alone(pointer: str) -> None:
    found = faults({**CRON, **OF_A_CRON[pointer]})
    assert pointers(found) == [pointer]
    assert found.detail == found.errors[0].message


@pytest.mark.parametrize("pair", list(combinations(OF_A_CRON, 2)), ids=" ".join)
def test_two_faults_are_told_together_whatever_layer_finds_them(pair: tuple[str, str]) -> None:
    one, other = pair
    found = faults({**CRON, **OF_A_CRON[one], **OF_A_CRON[other]})
    assert sorted(pointers(found)) == sorted(pair)
    assert found.detail == "2 fields are not valid"
    is_pause = "/paused" in pair
    assert found.code is (Code.PAUSE_NOT_SUPPORTED if is_pause else Code.INVALID)


def test_all_of_them_are_told_together() -> None:
    every: dict[str, Any] = dict(CRON)
    for one in OF_A_CRON.values():
        every |= one
    found = faults(every)
    assert sorted(pointers(found)) == sorted(OF_A_CRON)
    assert next(error.at for error in found.errors if error.pointer == "/cron") == 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # What would follow from a fault is not told beside it.
        ({**CRON, "type": "cron"}, ["/type"]),
        ({"name": "x"}, ["/type"]),
        ({**ONCE, "schedule_time": 5}, ["/schedule_time"]),
        ({**ONCE, "schedule_time": "soon", "starts_at": "2031-01-01T00:00"}, ["/schedule_time"]),
        ({**CRON, "cron": 5, "dst_policy": "literal"}, ["/cron"]),
        ({**CRON, "cron": "x", "dst_policy": "literal"}, ["/cron"]),
        # The end is before the start only in the zone that is none; the time far ahead, too.
        (
            {
                **CRON,
                "timezone": "X",
                "starts_at": "2030-01-02T00:00",
                "ends_at": "2030-01-01T00:00:00Z",
            },
            ["/timezone"],
        ),
        ({**ONCE, "timezone": "X", "schedule_time": "2999-01-01T00:00:00"}, ["/timezone"]),
        ({**ONCE, "timezone": "X", "schedule_time": "2020-01-01T00:00:00"}, ["/timezone"]),
        ({**CRON, "starts_at": "x", "ends_at": "2020-01-01T00:00"}, ["/starts_at"]),
        # The first of two rules is read, and no future is looked at.
        ({**CRON, "interval": -5}, ["/cron", "/interval"]),
        ({**CRON, "cron": "x", "interval": -5}, ["/cron", "/interval"]),
        # A fault of any field goes with one of the whole schedule.
        ({**ONCE, "name": "", "schedule_time": "2020-01-01T00:00"}, ["/name", "/schedule_time"]),
        ({**CRON, "labels": [5], "cron": "0 0 30 2 *"}, ["/labels/0", "/cron"]),
        (
            {**CRON, "starts_at": "2030-01-02T00:00", "ends_at": "2030-01-01T00:00", "jitter": -1},
            ["/ends_at", "/jitter"],
        ),
        # Of an api trigger each field that it cannot have, and its schema.
        (
            api_fields(cron="x", max_fires=3, exclude=["x"], payload_schema={"type": "nothing"}),
            ["/cron", "/max_fires", "/exclude", "/payload_schema/type"],
        ),
        # What of a field is good is read, too.
        ({**CRON, "exclude": [5, "x", "2030-01-01"]}, ["/exclude/0", "/exclude/1"]),
        (
            {**CRON, "misfire": {"policy": "x", "max_age": "x", "max_count": 0}},
            ["/misfire/policy", "/misfire/max_count", "/misfire/max_age"],
        ),
        ([], [""]),
        (None, [""]),
    ],
)
def test_nothing_is_told_for_another_faults_sake(fields: Any, expected: list[str]) -> None:
    assert pointers(faults(fields)) == expected


def test_a_code_that_all_faults_share_is_kept() -> None:
    only_schema = api_fields(payload_schema={"type": "nothing"})
    assert faults(only_schema).code is Code.INVALID_SCHEMA
    assert faults({**CRON, "timezone": "X"}).code is Code.UNKNOWN_TIMEZONE
    both = faults({**CRON, "timezone": "X", "cron": "x"})
    assert (both.code, both.status) == (Code.INVALID, 422)


def test_no_more_faults_are_named_than_help() -> None:
    strange = {f"strange{n}": n for n in range(50)}
    many = faults({**CRON, **strange, "timezone": "X"})
    assert len(many.errors) == MAX_REPORTED_ERRORS
    dates = faults({**CRON, "exclude": ["x"] * 50, "timezone": "X"})
    assert len(dates.errors) == MAX_REPORTED_ERRORS
    assert "more than 20" in dates.detail


def refusal(command: Any, state: trigger.Trigger | None) -> Problem:
    decision = decide_on(command, state)
    assert isinstance(decision, trigger.Rejected)
    return decision.problem


def test_the_scheduler_tells_all_of_them_to_who_creates_tests_or_edits() -> None:
    """Of a command, so of REST and NATS alike."""
    wrong = {"name": "", "timezone": "X", "cron": "x"}
    expected = ["/name", "/timezone", "/cron"]
    create = CreateTrigger.model_validate({"type": "scheduled", **wrong})
    assert pointers(refusal(create, None)) == expected
    test = make_test(type="scheduled", **wrong)
    assert pointers(refusal(test, None)) == expected
    state = created({**CRON, "jitter": 5})
    put = UpdateTrigger(trigger_id="t1", definition={"type": "scheduled", **wrong})
    assert pointers(refusal(put, state)) == expected
    patch = UpdateTrigger(trigger_id="t1", patch={**wrong, "nothing": None})
    assert pointers(refusal(patch, state)) == ["/nothing", *expected]


def test_an_edit_is_told_of_the_stored_trigger_beside_its_own_faults() -> None:
    state = created(CRON)
    other_type = UpdateTrigger(trigger_id="t1", patch={"type": "api", "name": ""})
    assert pointers(refusal(other_type, state)) == ["/name", "/type"]
    never = UpdateTrigger(trigger_id="t1", patch={"name": "", "ends_at": "2020-01-01T00:00:00Z"})
    assert pointers(refusal(never, state)) == ["/name", "/ends_at"]


def test_a_patch_that_leaves_the_schedule_alone_is_not_told_of_it() -> None:
    """It may lie in the past by now."""
    state = created(ONCE)
    command = UpdateTrigger(trigger_id="t1", patch={"name": "", "labels": [""]})
    decision = decide_on(command, state, NOON + 2000 * DAY)
    assert isinstance(decision, trigger.Rejected)
    assert pointers(decision.problem) == ["/name", "/labels/0"]


def test_a_test_is_not_told_that_a_wrong_schema_is_not_met() -> None:
    test = make_test(type="api", payload=5, payload_schema={"type": "nothing"}, labels=[""])
    assert pointers(refusal(test, None)) == ["/labels/0", "/payload_schema/type"]
    unmet = make_test(type="api", payload=5, payload_schema={"type": "string"}, labels=[""])
    assert pointers(refusal(unmet, None)) == ["/labels/0", "/payload"]
