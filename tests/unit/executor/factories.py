"""Triggers, records and commands as the other services would send them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from trigger_contracts.definition import Definition
from trigger_contracts.events import ChangeKind, Due, Missed, Status, TriggerChanged
from trigger_contracts.schedule import Once
from trigger_executor.domain.fire import RequestedFire, parse_fire

NOON = datetime(2027, 1, 26, 12, 0, 0, 250_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "integer"}},
    "required": ["amount"],
}


def make_change(trigger_id: str = "t1", **fields: Any) -> TriggerChanged:
    """A scheduled trigger's creation; ``payload`` goes into its definition."""
    payload = fields.pop("payload", {"hello": "world"})
    definition = Definition(
        name="Tea", type="scheduled", schedule_time=NOON.isoformat(), payload=payload
    )
    change = TriggerChanged(
        kind=ChangeKind.CREATED,
        trigger_id=trigger_id,
        creation_id=f"create-{trigger_id}",
        command_id=f"create-{trigger_id}",
        version=1,
        status=Status.ACTIVE,
        definition=definition,
        schedule=Once(at=NOON),
        armed_from=NOON - SECOND,
        actor="key:owner",
        at=NOON - SECOND,
        created_at=NOON - SECOND,
    )
    return change.model_copy(update=fields)


def make_api_change(trigger_id: str = "a1", **fields: Any) -> TriggerChanged:
    """An api trigger with predefined values and a schema."""
    payload = fields.pop("payload", {"currency": "EUR"})
    schema = fields.pop("payload_schema", SCHEMA)
    definition = Definition(name="Order", type="api", payload=payload, payload_schema=schema)
    return make_change(trigger_id, **{"definition": definition, "schedule": None, **fields})


def deleted(change: TriggerChanged, at: datetime) -> TriggerChanged:
    return change.model_copy(
        update={
            "kind": ChangeKind.DELETED,
            "status": Status.DELETED,
            "version": change.version + 1,
            "at": at,
        }
    )


def make_due(change: TriggerChanged, change_seq: int = 1, **fields: Any) -> Due:
    return Due(
        **{
            "trigger_id": change.trigger_id,
            "creation_id": change.creation_id,
            "version": change.version,
            "change_seq": change_seq,
            "cursor": NOON,
            "scheduled_for": NOON,
            "published_at": NOON + timedelta(milliseconds=3),
            **fields,
        }
    )


def make_missed(change: TriggerChanged, change_seq: int = 1, **fields: Any) -> Missed:
    occurrences = tuple(NOON + SECOND * n for n in range(3))
    return Missed(
        **{
            "trigger_id": change.trigger_id,
            "creation_id": change.creation_id,
            "version": change.version,
            "change_seq": change_seq,
            "cursor": occurrences[-1],
            "occurrences": occurrences,
            "first": occurrences[0],
            "last": occurrences[-1],
            "count": len(occurrences),
            "reason": "the platform was away",
            "decided_at": NOON + 100 * SECOND,
            **fields,
        }
    )


def fire_body(trigger_id: str = "a1", **fields: Any) -> bytes:
    return json.dumps({"trigger_id": trigger_id, **fields}).encode()


def make_fire(trigger_id: str = "a1", **fields: Any) -> RequestedFire:
    fire = parse_fire(
        fire_body(trigger_id, **fields), message_id="m1", stream_seq=7, stored_at=NOON
    )
    assert isinstance(fire, RequestedFire)
    return fire


@dataclass(frozen=True)
class FakeMessage:
    """An ``Incoming`` without a broker."""

    payload: bytes
    subject: str = "trigger.command.fire"
    headers: Mapping[str, str] = field(default_factory=dict)
    stream_seq: int = 1
    delivered_count: int = 1
    stored_at: datetime = NOON
