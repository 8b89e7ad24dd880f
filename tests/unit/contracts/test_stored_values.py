"""What an earlier version accepted, and today's does not: an edit of another field goes on."""

from typing import Any

import pytest

from tests.unit.contracts.factories import NOON, created, decide_on, fields
from trigger_contracts import trigger
from trigger_contracts.commands import UpdateTrigger
from trigger_contracts.definition import SCHEDULE_FIELDS, Definition

OUTDATED: dict[str, dict[str, Any]] = {
    "a finer interval": {"interval": 1.0000001},
    "a shorter interval": {"interval": 0.5},
    "an instant": {"schedule_time": "2027-01-26T13:00:00+05:60"},
    "an expression": {"cron": "0 9 * * SUN-SAT-MON"},
    "a start": {"interval": 60, "starts_at": "2027-02-30T00:00:00Z"},
    "an end": {"interval": 60, "ends_at": "24:00"},
    "jitter": {"interval": 60, "jitter": 1e-9},
    "a date": {"interval": 60, "exclude": ["2027-12-25", "2027-02-30"]},
    "misfire": {"interval": 60, "misfire": {"policy": "all", "max_age": 0.1}},
}


def stored(**outdated: Any) -> trigger.Trigger:
    """A trigger of an earlier version: its schedule was made of these fields as they were read."""
    good = created(fields(interval=60))
    definition = Definition.model_validate({"name": "old", "type": "scheduled", **outdated})
    change = good.change.model_copy(update={"definition": definition})
    return trigger.Trigger(type(change).model_validate_json(change.model_dump_json()), 7)


def patched(state: trigger.Trigger, **patch: Any) -> Any:
    return decide_on(UpdateTrigger(trigger_id="t1", patch=patch), state)


@pytest.mark.parametrize("outdated", OUTDATED.values(), ids=OUTDATED)
def test_an_edit_of_another_field_leaves_it_and_its_schedule_as_they_are(
    outdated: dict[str, Any],
) -> None:
    state = stored(**outdated)
    for patch in ({"name": "new"}, {"payload": 1, "labels": ["x"]}, {"description": "d"}):
        decision = patched(state, **patch)
        assert isinstance(decision, trigger.Changed), decision
        assert decision.change.schedule == state.change.schedule
        assert decision.change.status is state.change.status
        assert decision.change.armed_from == state.change.armed_from
        kept = decision.change.definition.model_dump(include=set(SCHEDULE_FIELDS))
        assert kept == state.change.definition.model_dump(include=set(SCHEDULE_FIELDS))


@pytest.mark.parametrize("outdated", OUTDATED.values(), ids=OUTDATED)
def test_where_it_must_be_read_again_the_refusal_says_that_it_was_stored(
    outdated: dict[str, Any],
) -> None:
    field = list(outdated)[-1]
    decision = patched(stored(**outdated), max_fires=5)
    assert isinstance(decision, trigger.Rejected)
    (error,) = decision.problem.errors
    assert error.pointer.split("/")[1] == field
    assert error.message.endswith(
        f"(it was stored by an earlier version, and is not allowed any more: send {field} as well)"
    )
    assert decision.problem.detail == error.message


@pytest.mark.parametrize(
    ("outdated", "pointer"),
    [
        ({"interval": 60, "timezone": "America.Argentina/Buenos_Aires"}, "/timezone"),
        ({"interval": 60, "cron": "0 9 * * *"}, "/cron"),
        ({"interval": 60, "dst_policy": "literal"}, "/dst_policy"),
    ],
)
def test_a_definition_that_is_none_any_more_is_refused_with_what_to_send(
    outdated: dict[str, Any], pointer: str
) -> None:
    decision = patched(stored(**outdated), name="new")
    assert isinstance(decision, trigger.Rejected)
    (error,) = decision.problem.errors
    assert error.pointer == pointer
    assert f"not allowed any more: send {pointer[1:]} as well)" in error.message


def test_what_a_patch_names_is_refused_in_the_usual_words() -> None:
    """Also beside what was stored and is not named; a conflict with it is not its fault."""
    for state, patch in (
        (stored(interval=1.0000001), {"interval": 1.0000001, "name": "new"}),
        (stored(interval=60), {"interval": 1.0000001}),
        (stored(interval=60), {"cron": "0 9 * * *"}),
        (stored(interval=60, ends_at="2027-02-01T00:00:00Z"), {"starts_at": "2027-03-01T00:00Z"}),
        (stored(interval=1.0000001), {"name": ""}),
        (stored(interval=60), {"type": "api", "interval": None}),
    ):
        decision = patched(state, **patch)
        assert isinstance(decision, trigger.Rejected), patch
        assert "earlier version" not in str(decision.problem), patch


def test_it_is_mended_by_sending_it() -> None:
    decision = patched(stored(interval=1.0000001), interval=2, max_fires=5)
    assert isinstance(decision, trigger.Changed)
    assert decision.change.definition.interval == 2
    assert decision.change.at == NOON
