"""Records of deliveries: what they are on the wire, their ids, and how long they live."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from trigger_contracts import subjects
from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason
from trigger_contracts.deliveries.records import (
    DeliveryEvent,
    DeliveryRecord,
    delivery_id_of,
    message_id_of,
    message_of,
    record_in,
)
from trigger_contracts.ids import instant_of, uuid7
from trigger_contracts.records import Unreadable

from .factories import EVENT, LIFE, NOON, attempted, ended, planned

ON = subjects.delivery("backup")
RECORDS = [
    planned(),
    planned(round=2, is_test=True, change_seq=9),
    attempted(),
    attempted(Outcome.DELIVERED, dns_ms=1, connect_ms=2, first_byte_ms=3, address="192.0.2.1"),
    attempted(Outcome.BLOCKED),
    attempted(final=Final.DEAD, excerpt="gone\n", retry_after_s=7),
    ended(),
]


def written(record: DeliveryRecord) -> bytes:
    message = message_of(record, expires_at=NOON + LIFE, now=NOON)
    assert message is not None
    return message.body


def spoilt(record: DeliveryRecord = RECORDS[0], **given: Any) -> bytes:
    event = json.loads(written(record))
    of_event = {key: value for key, value in given.items() if key in event and key != "data"}
    event["data"] |= {key: value for key, value in given.items() if key not in of_event}
    return json.dumps(event | of_event).encode()


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_read_as_it_was_written(record: DeliveryRecord):
    assert record_in(ON, written(record)) == record


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_a_cloud_event_of_its_kind(record: DeliveryRecord):
    event = json.loads(written(record))

    assert event["specversion"] == "1.0"
    assert event["type"] == f"trigger.delivery.{record.kind}.v1"
    assert (event["source"], event["subject"]) == ("/triggers/backup", "backup")
    assert event["id"] == message_id_of(record)


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_written_as_its_model_writes_it(record: DeliveryRecord):
    model = DeliveryEvent.model_validate_json(written(record))

    assert written(record) == model.model_dump_json().encode()


def test_a_delivery_has_the_time_of_its_event_and_an_id_of_both():
    one = delivery_id_of(EVENT, "erp")

    assert instant_of(UUID(one)) == instant_of(UUID(EVENT))
    assert UUID(one).version == 7
    assert one == str(uuid7(instant_of(UUID(EVENT)), "delivery", EVENT, "erp"))
    assert len({one, EVENT, delivery_id_of(EVENT, "crm")}) == 3


def test_a_repetition_has_the_message_id_of_the_first():
    assert message_id_of(planned()) == message_id_of(planned(event_seq=8, planned_at=NOON + LIFE))
    assert message_id_of(ended()) == message_id_of(ended(Reason.CANCELLED))


def test_what_is_another_fact_has_another_message_id():
    facts = [
        planned(),
        planned(round=2),
        attempted(),
        attempted(attempt=2),
        attempted(epoch=2),
        attempted(round=2),
        ended(),
        ended(round=2),
    ]

    assert len({message_id_of(fact) for fact in facts}) == len(facts)


def test_a_record_lives_as_long_as_its_event():
    ends = NOON + LIFE
    message = message_of(ended(), expires_at=ends, now=ends - timedelta(seconds=3))

    assert message is not None
    assert message.ttl == timedelta(seconds=3)
    assert message_of(ended(), expires_at=ends, now=ends) is None


@pytest.mark.parametrize(
    ("outcome", "given"),
    [
        (Outcome.DELIVERED, {"final": None}),
        (Outcome.DELIVERED, {"final": Final.DEAD, "reason": Reason.EXHAUSTED}),
        (Outcome.DELIVERED, {"code": FailureCode.STATUS}),
        (Outcome.DELIVERED, {"next_attempt_at": NOON}),
        (Outcome.DELIVERED, {"reason": Reason.EXPIRED}),
        (Outcome.BLOCKED, {"final": None, "next_attempt_at": NOON}),
        (Outcome.BLOCKED, {"code": FailureCode.DNS}),
        (Outcome.FAILED, {"code": None}),
        (Outcome.FAILED, {"code": FailureCode.BLOCKED}),
        (Outcome.FAILED, {"next_attempt_at": None}),
        (Outcome.FAILED, {"final": Final.DELIVERED, "next_attempt_at": None}),
        (Outcome.FAILED, {"final": Final.DEAD, "reason": None}),
        (Outcome.FAILED, {"reason": Reason.EXHAUSTED}),
        (Outcome.FAILED, {"attempt": 0}),
        (Outcome.FAILED, {"epoch": 0}),
        (Outcome.FAILED, {"duration_ms": -1}),
        (Outcome.FAILED, {"status": 99}),
        (Outcome.FAILED, {"excerpt": "\0"}),
    ],
)
def test_an_attempt_that_contradicts_itself_is_none(outcome: Outcome, given: dict[str, Any]):
    with pytest.raises(ValidationError):
        attempted(outcome, **given)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        spoilt(kind="sent"),
        spoilt(round=0),
        spoilt(round="1"),
        spoilt(round=2**31),
        spoilt(event_seq=0),
        spoilt(event_seq=2**63),
        spoilt(schema_version=2),
        spoilt(target_id="a.b"),
        spoilt(target_id="crm"),
        spoilt(trigger_id="other"),
        spoilt(event_id="01a351dd"),
        spoilt(event_id="ffffffff-ffff-7fff-bfff-ffffffffffff"),
        spoilt(delivery_id=EVENT),
        spoilt(planned_at="2027-01-26T12:00:00"),
        spoilt(planned_at=1),
        spoilt(expires_at="9999-12-31T23:59:59-14:00"),
        spoilt(logged_at="0001-01-01T00:00:00+14:00"),
        spoilt(type="trigger.delivery.ended.v1"),
        spoilt(id="canary"),
        spoilt(attempted(), outcome="delivered"),
        spoilt(attempted(), excerpt="x" * 20_000),
        spoilt(ended(), reason="bored"),
    ],
)
def test_what_is_no_record_is_unreadable(body: bytes):
    with pytest.raises(Unreadable):
        record_in(ON, body)


def test_a_record_on_another_triggers_subject_is_unreadable():
    with pytest.raises(Unreadable):
        record_in(subjects.delivery("other"), written(planned()))


def test_a_reason_quotes_nothing_of_what_is_stored():
    with pytest.raises(Unreadable) as raised:
        record_in(ON, spoilt(ended(), reason="canary", ended_at="canary"))

    assert "canary" not in str(raised.value)


def test_a_field_of_a_later_release_is_passed_over():
    assert record_in(ON, spoilt(colour="blue")) == planned()
