"""The events: past-tense facts, and the records of what the scheduler decided.

``TriggerChanged`` is the source of truth of definitions: each carries the full state, so
the newest one is the trigger. ``DueRecord``s form the fenced log of a trigger's schedule
decisions. ``LogEntry`` is a row of the event log; it leaves the platform as a CloudEvent.
Golden files keep every version of each readable for ever.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from . import subjects
from .definition import Definition
from .errors import FieldError
from .schedule import Schedule
from .targets.in_tests import TestTarget

_QUIET = ConfigDict(hide_input_in_errors=True)
"""An error is logged, and payloads never are."""


class Status(StrEnum):
    """Where a trigger is in its life."""

    ACTIVE = "active"
    COMPLETED = "completed"
    DELETED = "deleted"


class ChangeKind(StrEnum):
    """What happened to a trigger."""

    CREATED = "created"
    UPDATED = "updated"
    COMPLETED = "completed"
    DELETED = "deleted"
    CHECKPOINTED = "checkpointed"
    """Nothing changed: a count that outlives the log was written down."""


class TriggerChanged(BaseModel):
    """A trigger changed, and this is its full state since.

    ``creation_id`` is the id of the command that created it: a trigger deleted and
    created again under its id is another one. ``armed_from`` is the instant after which
    the schedule's occurrences belong to this version. A completion keeps the version:
    the definition has not changed; so does a checkpoint, which also keeps ``at``.
    ``fires`` is how often the schedule had fired since it has a ``max_fires``.
    ``created_by`` is the actor of the create; the first version did not note it. Of a test,
    ``test_target`` is the one target that it is delivered to, where its command wrote it out.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    schema_version: Literal[1] = 1
    kind: ChangeKind
    trigger_id: str
    creation_id: str
    command_id: str
    version: int
    status: Status
    definition: Definition
    schedule: Schedule | None
    armed_from: AwareDatetime
    is_test: bool = False
    actor: str
    at: AwareDatetime
    created_at: AwareDatetime
    created_by: str | None = None
    fires: int = 0
    checkpointed_at: AwareDatetime | None = None
    test_target: TestTarget | None = None


def subject_of(change: TriggerChanged) -> str:
    """Where a change is published."""
    if change.test_target is not None:
        return subjects.tested(change.trigger_id)
    return subjects.changed(change.trigger_id)


class _DueRecord(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    schema_version: Literal[1] = 1
    trigger_id: str
    creation_id: str
    version: int
    change_seq: int
    cursor: AwareDatetime | None
    """Everything scheduled up to here is decided."""
    fires: int = 0
    """How often the schedule has fired by then, where it has a ``max_fires``."""


class Due(_DueRecord):
    """An occurrence fires. ``published_at`` becomes the event's ``fired_at``."""

    kind: Literal["due"] = "due"
    scheduled_for: AwareDatetime
    published_at: AwareDatetime
    misfire: bool = False


class Missed(_DueRecord):
    """Occurrences that will never fire, found due too late.

    ``occurrences`` lists each of them, or is empty where they are only counted, from
    ``first`` to ``last``.
    """

    kind: Literal["missed"] = "missed"
    occurrences: tuple[AwareDatetime, ...]
    first: AwareDatetime
    last: AwareDatetime
    count: int = Field(ge=1)
    reason: str
    decided_at: AwareDatetime


class Fence(_DueRecord):
    """An edit or delete took effect: nothing of an earlier version may follow."""

    kind: Literal["fence"] = "fence"
    fenced_at: AwareDatetime


AnyDueRecord = Due | Missed | Fence

DueRecord = Annotated[AnyDueRecord, Field(discriminator="kind")]
DUE_RECORD: TypeAdapter[AnyDueRecord] = TypeAdapter(DueRecord, config=_QUIET)


def recorded_at(record: AnyDueRecord) -> datetime:
    """When a record was appended, by its writer's clock of record."""
    match record:
        case Due():
            return record.published_at
        case Missed():
            return record.decided_at
        case Fence():
            return record.fenced_at


class EntryStatus(StrEnum):
    """What became of an occurrence or a fire."""

    FIRED = "fired"
    MISSED = "missed"
    REJECTED = "rejected"


class Source(StrEnum):
    """What made a log row come into being."""

    SCHEDULE = "schedule"
    API = "api"
    NATS = "nats"
    TEST = "test"
    REPLAY = "replay"


class LogEntry(BaseModel):
    """One row of the event log: the ``data`` of its CloudEvent.

    ``logged_at`` starts the row's two lives: ``fired_at``, or for missed and rejected rows
    the instant at which that was decided. ``count`` is above 1 only for a missed row that
    stands for many occurrences, from ``scheduled_for`` to ``last_scheduled_for``.
    ``replay_of`` is the id of the event that this one repeats.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    event_id: str
    trigger_id: str
    trigger_name: str
    trigger_type: Literal["scheduled", "api"]
    trigger_version: int
    status: EntryStatus
    source: Source
    is_test: bool
    scheduled_for: AwareDatetime | None
    fired_at: AwareDatetime | None
    logged_at: AwareDatetime
    misfire: bool = False
    reason: str | None = None
    errors: tuple[FieldError, ...] = ()
    count: int = 1
    last_scheduled_for: AwareDatetime | None = None
    replay_of: str | None = None
    payload: Any = None


class CloudEvent(BaseModel):
    """A log row as it leaves the platform: CloudEvents 1.0, structured mode."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: LogEntry


def cloud_event(entry: LogEntry) -> CloudEvent:
    return CloudEvent(
        id=entry.event_id,
        source=f"/triggers/{entry.trigger_id}",
        type=f"trigger.{entry.status}.v1",
        subject=entry.trigger_id,
        time=entry.logged_at,
        data=entry,
    )


class Swept(BaseModel):
    """A retention sweep erased rows: how many, and which partitions went whole."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    swept_at: AwareDatetime
    erased_before: AwareDatetime
    rows: int
    partitions: tuple[str, ...] = ()


class DeadLetter(BaseModel):
    """A message that could not be handled: the reason, and the original as it came.

    ``body`` is the original as text, or base64 where it is not UTF-8. ``deletes_at`` is when
    the original's own life ends, and with it the letter's. ``redrives`` is how often it was
    handled again since and failed; ``dead_at`` and ``reason`` are those of the last time.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    schema_version: Literal[1] = 1
    reason: str
    subject: str
    stream: str
    stream_seq: int
    stored_at: AwareDatetime
    dead_at: AwareDatetime
    deletes_at: AwareDatetime | None = None
    redrives: int = 0
    headers: dict[str, str]
    body: str
    encoding: Literal["utf-8", "base64"]
    is_whole: bool = True
    """Whether all of the original is here; what was too large is cut."""


class DeadLetterHandled(BaseModel):
    """A dead letter was handled after all. Takes its place, and holds nothing of it."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    handled_at: AwareDatetime


DEAD_LETTER: TypeAdapter[DeadLetter | DeadLetterHandled] = TypeAdapter(
    DeadLetter | DeadLetterHandled, config=_QUIET
)
"""What stands on a dead letter's subject."""
