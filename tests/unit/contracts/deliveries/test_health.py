"""Changes of targets' health: what they are on the wire, their ids, how long they live."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from trigger_contracts import subjects
from trigger_contracts.commands import parse_command
from trigger_contracts.deliveries.health import (
    HealthCause,
    HealthChange,
    HealthChanged,
    event_id_of,
    health_in,
    is_of_alert,
    message_of,
    plan_of,
)
from trigger_contracts.deliveries.records import delivery_id_of, recorded_at
from trigger_contracts.errors import Code, Refused
from trigger_contracts.ids import ALERTS_TRIGGER_ID, instant_of
from trigger_contracts.records import Unreadable
from trigger_contracts.subjects import Verb

from .factories import EVENT, LIFE, NOON, attempted, ended, planned

ON = subjects.health("erp")
CAUSE = attempted()
AT = recorded_at(CAUSE)


def fact(change: HealthChange = HealthChange.FAILING, **given: Any) -> HealthChanged:
    fields = {
        "event_id": event_id_of(change, CAUSE, AT),
        "target_id": "erp",
        "target_name": "ERP",
        "change": change,
        "logged_at": AT,
        "failures": 5,
        "since": NOON,
        "cause": HealthCause(
            delivery_id=CAUSE.delivery_id, event_id=EVENT, trigger_id="backup", round=1
        ),
        "payload": {"text": "it fails", "content": "it fails"},
    }
    return HealthChanged(**{**fields, **given})


def written(one: HealthChanged) -> bytes:
    message = message_of(one, kept_for=LIFE, now=NOON)
    assert message is not None
    return message.body


def spoilt(**given: Any) -> bytes:
    event = json.loads(written(fact()))
    of_event = {key: value for key, value in given.items() if key in event}
    event["data"] |= {key: value for key, value in given.items() if key not in of_event}
    return json.dumps(event | of_event).encode()


@pytest.mark.parametrize("change", list(HealthChange))
def test_a_fact_is_a_cloud_event_about_its_target_and_is_read_as_it_was_written(
    change: HealthChange,
):
    body = written(fact(change))
    event = json.loads(body)

    assert health_in(ON, body) == fact(change)
    assert (event["source"], event["subject"]) == ("/targets/erp", "erp")
    assert event["type"] == f"trigger.health.{change}.v1"
    assert event["id"] == event["data"]["event_id"]
    assert instant_of(UUID(event["id"])) == AT


def test_what_follows_from_the_same_record_has_the_same_id_and_no_other_has():
    one = event_id_of(HealthChange.FAILING, CAUSE, AT)

    assert one == event_id_of(HealthChange.FAILING, attempted(), AT)
    others = [
        event_id_of(HealthChange.DEAD, CAUSE, AT),
        event_id_of(HealthChange.FAILING, attempted(attempt=2), AT),
        event_id_of(HealthChange.FAILING, attempted(target_id="crm"), AT),
        event_id_of(HealthChange.FAILING, ended(), AT),
    ]
    assert len({one, *others}) == 5


def test_its_message_is_found_by_its_own_id_and_lives_as_long_as_an_event():
    one = fact()
    message = message_of(one, kept_for=LIFE, now=AT + timedelta(seconds=3))

    assert message is not None
    assert (message.subject, message.message_id) == (ON, one.event_id)
    assert message.ttl == LIFE - timedelta(seconds=3)
    assert message_of(one, kept_for=LIFE, now=AT + LIFE) is None


def test_it_is_planned_as_an_event_of_no_trigger():
    plan = plan_of(fact(), 7, "ops", NOON, LIFE)

    assert plan.delivery_id == delivery_id_of(fact().event_id, "ops")
    assert (plan.event_id, plan.event_seq, plan.target_id) == (fact().event_id, 7, "ops")
    assert (plan.round, plan.logged_at, plan.expires_at) == (1, AT, AT + LIFE)
    assert is_of_alert(plan)
    assert not is_of_alert(planned())


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.TEST])
def test_no_trigger_may_have_the_id_under_which_alerts_are_delivered(verb: Verb):
    with pytest.raises(Refused) as error:
        parse_command(verb, {"trigger_id": ALERTS_TRIGGER_ID})

    assert error.value.problem.code is Code.INVALID
    assert [one.pointer for one in error.value.problem.errors] == ["/trigger_id"]


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        (ON, b"{"),
        (ON, b"{}"),
        (ON, spoilt(change="fine")),
        (ON, spoilt(type="trigger.health.gone.v1")),
        (ON, spoilt(id="another")),
        (ON, spoilt(event_id="none")),
        (ON, spoilt(logged_at="9999-01-01T00:00:00Z")),
        (ON, spoilt(since="1969-01-01T00:00:00Z")),
        (ON, spoilt(failures=-1)),
        (ON, spoilt(schema_version=2)),
        (ON, spoilt(cause=None)),
        (subjects.health("crm"), written(fact())),
    ],
)
def test_what_is_no_fact_of_ours_is_unreadable(subject: str, body: bytes):
    with pytest.raises(Unreadable):
        health_in(subject, body)


def test_why_it_is_unreadable_quotes_nothing_of_it():
    with pytest.raises(Unreadable) as error:
        health_in(ON, spoilt(target_name={"canary": 1}))
    assert "canary" not in str(error.value)

    with pytest.raises(ValidationError) as invalid:
        fact(target_name=["canary"])
    assert "canary" not in str(invalid.value)
