"""Changes of a target's health: facts on ``trigger.health.<target_id>``, each a CloudEvent.

A fact follows from the records of deliveries alone, so whoever computes it again gets the same one,
under the same id. Where the target has an ``alert_target`` the fact is delivered there as an event
is, its CloudEvent being the body; the deliveries of facts are those of no trigger
(``ids.ALERTS_TRIGGER_ID``), and say nothing of anybody's health. No fact holds a secret, or where a
target is. Golden files keep every version of each readable for ever.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from trigger_contracts import subjects
from trigger_contracts.ids import ALERTS_TRIGGER_ID, EventId, Id, uuid7
from trigger_contracts.records import AFTER_YEAR_9999, LAST_YEAR, MAX_COUNT, Unreadable

from .outcomes import FailureCode, Final, Reason
from .records import (
    DeliveryAttempted,
    DeliveryEnded,
    DeliveryPlanned,
    DeliveryRecord,
    RecordMessage,
    delivery_id_of,
    message_id_of,
)

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_TYPE = "trigger.health.{}.v1"
_STRICT = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)


class HealthChange(StrEnum):
    """What changed about a target."""

    FAILING = "failing"
    """Several attempts in a row did not deliver."""
    GONE = "gone"
    """Its receiver wants no more for now (410, or ``webhook-delivery: disable``)."""
    RECOVERED = "recovered"
    """The first attempt that delivered since it was failing or gone."""
    DEAD = "dead"
    """The first delivery within an hour that ended without having been delivered."""


class HealthCause(BaseModel):
    """The record that the change follows from: of the attempt, or of the end, of a delivery."""

    model_config = _STRICT

    delivery_id: EventId
    event_id: EventId
    trigger_id: Id
    round: Annotated[int, Field(ge=1, le=MAX_COUNT)]
    code: FailureCode | None = None
    status: Annotated[int, Field(ge=100, le=999)] | None = None
    final: Final | None = None
    reason: Reason | None = None


class HealthChanged(BaseModel):
    """The ``data`` of a fact.

    ``failures`` is how many attempts in a row have not delivered, ``since`` when the first of them
    was over; of a recovery these are what it ended. ``logged_at`` is when the cause was over, by
    the clock of whoever recorded it. ``payload`` is the fact in words, for targets that are sent
    the payload alone: ``text`` and ``content`` are what chats show.
    """

    model_config = _STRICT

    schema_version: Literal[1] = 1
    event_id: EventId
    target_id: Id
    target_name: Annotated[str, Field(max_length=500)]
    change: HealthChange
    logged_at: AwareDatetime
    failures: Annotated[int, Field(ge=0, le=MAX_COUNT)]
    since: AwareDatetime | None = None
    cause: HealthCause
    payload: dict[str, str]


class HealthEvent(BaseModel):
    """A change of a target's health as it leaves the platform: CloudEvents 1.0, structured mode."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: HealthChanged


def is_of_alert(record: DeliveryRecord) -> bool:
    """Whether the record is about the delivery of a fact, and not of a trigger's event."""
    return record.trigger_id == ALERTS_TRIGGER_ID


def event_id_of(
    change: HealthChange, cause: DeliveryAttempted | DeliveryEnded, at: datetime
) -> str:
    """The id of the one fact that a record, which was over ``at``, makes of this change."""
    return str(uuid7(at, "health", cause.target_id, change, message_id_of(cause)))


def message_of(fact: HealthChanged, *, kept_for: timedelta, now: datetime) -> RecordMessage | None:
    """The fact to publish at ``now``; None where its life of ``kept_for`` is over already.

    Its message id is its own id: so its body is found by its place, as that of any event.
    """
    left = fact.logged_at + kept_for - now
    if left <= timedelta():
        return None
    event = HealthEvent(
        id=fact.event_id,
        source=f"/targets/{fact.target_id}",
        type=_TYPE.format(fact.change),
        subject=fact.target_id,
        time=fact.logged_at,
        data=fact,
    )
    return RecordMessage(
        subject=subjects.health(fact.target_id),
        body=event.model_dump_json().encode(),
        message_id=fact.event_id,
        ttl=left,
    )


def plan_of(
    fact: HealthChanged, event_seq: int, alert_target: str, now: datetime, kept_for: timedelta
) -> DeliveryPlanned:
    """The record of the delivery to begin, of the fact that is stored at ``event_seq``."""
    return DeliveryPlanned(
        delivery_id=delivery_id_of(fact.event_id, alert_target),
        event_id=fact.event_id,
        trigger_id=ALERTS_TRIGGER_ID,
        target_id=alert_target,
        round=1,
        event_seq=event_seq,
        logged_at=fact.logged_at,
        planned_at=now,
        expires_at=fact.logged_at + kept_for,
    )


def health_in(subject: str, body: bytes) -> HealthChanged:
    """The fact stored on a subject; raises ``Unreadable``, which quotes nothing of it."""
    try:
        event = HealthEvent.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/".join(str(token) for token in first["loc"])
        raise Unreadable(f"{place} {first['msg']}".strip()[:300]) from None
    fact = event.data
    if subject != subjects.health(fact.target_id):
        raise Unreadable("it names another target than its subject")
    instants = (fact.logged_at, fact.since or fact.logged_at)
    if any(one < _EARLIEST or one.year > LAST_YEAR for one in instants):
        raise Unreadable("an instant is out of range")
    if fact.event_id >= AFTER_YEAR_9999:
        raise Unreadable("the time in event_id lies beyond the year 9999")
    if event.type != _TYPE.format(fact.change) or event.id != fact.event_id:
        raise Unreadable("its type or id is not that of its data")
    return fact
