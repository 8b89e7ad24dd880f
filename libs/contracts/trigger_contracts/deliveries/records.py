"""The records of deliveries: facts about an event's way to a target, each a CloudEvent.

A round begins with ``DeliveryPlanned``, has a ``DeliveryAttempted`` for each request that was
made, and ends with one of these that is final or with ``DeliveryEnded``. ``fold`` says what they
amount to. No record holds a secret, or more of a URL than its origin. Golden files keep every
version of each readable for ever.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import to_json

from trigger_contracts import subjects
from trigger_contracts.ids import EventId, Id, uuid7_beside
from trigger_contracts.records import (
    AFTER_YEAR_9999,
    LAST_YEAR,
    MAX_COUNT,
    MAX_SEQ,
    Unreadable,
)

from .outcomes import FailureCode, Final, Outcome, Reason

MAX_ORIGIN = 2_100
"""Characters: of the longest URL, or subject, that a target may have."""
MAX_EXCERPT = 16 * 1024
"""Characters: no more of an answer is read, whatever is kept of it."""

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_TYPE = "trigger.delivery.{}.v1"

Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Sequence = Annotated[int, Field(ge=1, le=MAX_SEQ)]
Milliseconds = Annotated[int, Field(ge=0, le=MAX_COUNT)]


def _text(longest: int) -> StringConstraints:
    return StringConstraints(max_length=longest, pattern=r"^[^\x00]*$")


class _Record(BaseModel):
    """``round`` counts from 1; a redelivery of what had ended begins another. ``logged_at`` is the
    event's own: with it begins the life that ends for both at once.
    """

    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)

    schema_version: Literal[1] = 1
    delivery_id: EventId
    event_id: EventId
    trigger_id: Id
    target_id: Id
    round: Count
    logged_at: AwareDatetime


class DeliveryPlanned(_Record):
    """An event is to be delivered to a target.

    ``event_seq`` is the place of the event in TRIGGER_EVENTS, ``expires_at`` the end of its life:
    nothing of it is delivered after. ``change_seq`` is given where the target is written out in a
    test's own change: that one's place in TRIGGER_CHANGES.
    """

    kind: Literal["planned"] = "planned"
    event_seq: Sequence
    planned_at: AwareDatetime
    expires_at: AwareDatetime
    is_test: bool = False
    change_seq: Sequence | None = None


class DeliveryAttempted(_Record):
    """A request was made, or refused before a packet was sent; and when the next one is.

    ``attempt`` counts from 1 in its round; ``epoch`` is that of the lane it was made in, by which
    two replicas' attempts of one number are told apart. Times it did not get to are None.
    ``origin`` is the scheme, host and port of a URL, or the subject of a NATS target; ``address``
    what was connected to. ``next_attempt_at`` is given as long as the round goes on, ``reason``
    where it ends dead. ``is_gone``: its receiver wants nothing for now.
    """

    kind: Literal["attempted"] = "attempted"
    attempt: Count
    epoch: Sequence
    target_version: Count
    started_at: AwareDatetime
    duration_ms: Milliseconds
    dns_ms: Milliseconds | None = None
    connect_ms: Milliseconds | None = None
    first_byte_ms: Milliseconds | None = None
    outcome: Outcome
    code: FailureCode | None = None
    status: Annotated[int, Field(ge=100, le=999)] | None = None
    origin: Annotated[str, _text(MAX_ORIGIN)]
    address: Annotated[str, _text(100)] | None = None
    excerpt: Annotated[str, _text(MAX_EXCERPT)] | None = None
    retry_after_s: Milliseconds | None = None
    next_attempt_at: AwareDatetime | None = None
    final: Final | None = None
    reason: Reason | None = None
    is_gone: bool = False

    @model_validator(mode="after")
    def _agrees(self) -> "DeliveryAttempted":
        if (self.code is None) != (self.outcome is Outcome.DELIVERED):
            raise ValueError("what does not deliver has a code, and nothing else has")
        if (self.code is FailureCode.BLOCKED) != (self.outcome is Outcome.BLOCKED):
            raise ValueError("what is blocked has that code")
        ends = {Outcome.DELIVERED: Final.DELIVERED, Outcome.BLOCKED: Final.BLOCKED}
        expected = ends.get(self.outcome)
        if self.final is not expected and not (expected is None and self.final is Final.DEAD):
            raise ValueError("its outcome does not end a round so")
        if (self.reason is None) != (self.final is not Final.DEAD):
            raise ValueError("a round that ends dead has a reason, and nothing else has")
        if (self.next_attempt_at is None) != (self.final is not None):
            raise ValueError("a round that goes on has a next attempt, and no other has")
        return self


class DeliveryEnded(_Record):
    """A round ended dead without another attempt."""

    kind: Literal["ended"] = "ended"
    ended_at: AwareDatetime
    reason: Reason


DeliveryRecord = DeliveryPlanned | DeliveryAttempted | DeliveryEnded


class DeliveryEvent(BaseModel):
    """A record as it leaves the platform: CloudEvents 1.0, structured mode."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: DeliveryRecord = Field(discriminator="kind")


_EVENT = TypeAdapter(DeliveryEvent)


@dataclass(frozen=True, slots=True)
class RecordMessage:
    """A record as it is published to TRIGGER_EVENTS."""

    subject: str
    body: bytes
    message_id: str
    ttl: timedelta


def delivery_id_of(event_id: str, target_id: str) -> str:
    """The one delivery of an event to a target: a UUIDv7 of the event's time."""
    return uuid7_beside(event_id, "delivery", event_id, target_id)


def message_id_of(record: DeliveryRecord) -> str:
    """What the broker knows a repetition by; also the id of its CloudEvent.

    An attempt of a replica that had lost its lane and its successor's have one number and two
    epochs: both are kept.
    """
    attempt, epoch = (
        (record.attempt, record.epoch) if isinstance(record, DeliveryAttempted) else (0, 0)
    )
    parts = (record.kind, record.delivery_id, str(record.round), str(attempt), str(epoch))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def recorded_at(record: DeliveryRecord) -> datetime:
    """When it happened, by the clock of whoever recorded it: of an attempt, when it was over."""
    match record:
        case DeliveryPlanned():
            return record.planned_at
        case DeliveryAttempted():
            return record.started_at + timedelta(milliseconds=record.duration_ms)
        case DeliveryEnded():
            return record.ended_at


def message_of(
    record: DeliveryRecord, *, expires_at: datetime, now: datetime
) -> RecordMessage | None:
    """The record to publish at ``now``, of an event whose life ends at ``expires_at``.

    It lives as long as its event; None where that is over, and the record would outlive it.
    """
    left = expires_at - now
    if left <= timedelta():
        return None
    message_id = message_id_of(record)
    return RecordMessage(
        subject=subjects.delivery(record.trigger_id),
        body=_body(record, message_id),
        message_id=message_id,
        ttl=left,
    )


def _body(record: DeliveryRecord, message_id: str) -> bytes:
    """The record as a ``DeliveryEvent`` writes it, in half the time: there is one for each target
    of each event.
    """
    return to_json(
        {
            "specversion": "1.0",
            "id": message_id,
            "source": f"/triggers/{record.trigger_id}",
            "type": _TYPE.format(record.kind),
            "subject": record.trigger_id,
            "time": recorded_at(record),
            "datacontenttype": "application/json",
            "data": record.__dict__,
        }
    )


def record_in(subject: str, body: bytes) -> DeliveryRecord:
    """The record stored on a subject; raises ``Unreadable``, which quotes nothing of it."""
    try:
        event = _EVENT.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/".join(str(token) for token in first["loc"])
        raise Unreadable(f"{place} {first['msg']}".strip()[:300]) from None
    record = event.data
    if subject != subjects.delivery(record.trigger_id):
        raise Unreadable("it names another trigger than its subject")
    if any(instant < _EARLIEST or instant.year > LAST_YEAR for instant in _instants(record)):
        raise Unreadable("an instant is out of range")
    if record.event_id >= AFTER_YEAR_9999:
        raise Unreadable("the time in event_id lies beyond the year 9999")
    if record.delivery_id != delivery_id_of(record.event_id, record.target_id):
        raise Unreadable("its delivery_id is not that of its event and target")
    if event.type != _TYPE.format(record.kind) or event.id != message_id_of(record):
        raise Unreadable("its type or id is not that of its record")
    return record


def _instants(record: DeliveryRecord) -> tuple[datetime, ...]:
    match record:
        case DeliveryPlanned():
            return record.logged_at, record.planned_at, record.expires_at
        case DeliveryAttempted():
            return (
                record.logged_at,
                record.started_at,
                record.next_attempt_at or record.started_at,
            )
        case DeliveryEnded():
            return record.logged_at, record.ended_at
