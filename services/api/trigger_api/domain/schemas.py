"""What the gateway shows: the bodies of its answers, and their documentation.

A trigger's representation is the contracts' (``trigger_contracts.trigger.representation``):
``TriggerShown`` documents the same fields, of a view's row or of a result, and words for them.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from trigger_contracts.definition import Definition
from trigger_contracts.errors import FieldError
from trigger_contracts.events import ChangeKind, EntryStatus, Source, Status
from trigger_contracts.preview import ClockChange, Occurrence

_FROZEN = ConfigDict(frozen=True)


class _Standing(Definition):
    """What its owner set, and how it stands."""

    version: int = Field(description="Also the ETag. Grows with every edit.")
    next_fire_at: AwareDatetime | None
    next_fire_local: AwareDatetime | None = Field(
        description="`next_fire_at` on the clock of its time zone."
    )
    created_at: AwareDatetime
    updated_at: AwareDatetime
    fires: int = Field(
        description="How often its schedule has fired, where `max_fires` limits it; else 0."
    )


class TriggerShown(_Standing):
    """A trigger."""

    id: str
    status: Literal["active", "completed"]
    in_words: str | None = Field(description="When it fires.")


class LabelCount(BaseModel):
    """A label, and how many triggers have it."""

    model_config = _FROZEN

    label: str
    count: int


class NextFires(BaseModel):
    """The next occurrences of the schedule as it was, and as it is."""

    before: tuple[AwareDatetime, ...]
    after: tuple[AwareDatetime, ...]


class NextOccurrences(BaseModel):
    """The same, also on the zone's clock and with what its changes do to them."""

    before: tuple[Occurrence, ...]
    after: tuple[Occurrence, ...]


class TriggerUpdated(TriggerShown):
    """A trigger after an edit."""

    next_fires: NextFires
    next_occurrences: NextOccurrences


class InWords(BaseModel):
    """When the trigger fires, in words, as it is and as it would be; null where it does not."""

    model_config = _FROZEN

    before: str | None
    after: str | None


class DryRun(_Standing):
    """What a write would make of a trigger; nothing was changed."""

    id: str | None = Field(description="Null for a create: its id is made when it is one.")
    status: Literal["active", "completed", "deleted"]
    next_occurrences: NextOccurrences
    in_words: InWords
    clock_changes: tuple[ClockChange, ...] = Field(
        description="Within the occurrences shown as `after`."
    )


class EditShown(RootModel[TriggerUpdated | DryRun]):
    """The trigger after an edit; with `dry_run`, as it would be."""


_READ_ONLY = (
    (TriggerUpdated.model_fields.keys() | DryRun.model_fields.keys())
    - Definition.model_fields.keys()
    - {"status"}
)
_STATUSES = ("active", "completed")


def written(fields: Any) -> Any:
    """What a trigger's representation, read, edited and sent back, says of its definition.

    What its owner cannot set is left out. Any other ``status`` than those shown stays, to be
    refused: whoever writes "paused" must not believe that it did something.
    """
    if not isinstance(fields, dict):
        return fields
    return {
        name: value
        for name, value in fields.items()
        if name not in _READ_ONLY and not (name == "status" and value in _STATUSES)
    }


class PreviewShown(BaseModel):
    """What a schedule will do."""

    model_config = _FROZEN

    description: str = Field(description="When it fires, in words.")
    timezone: str
    occurrences: tuple[Occurrence, ...] = ()
    clock_changes: tuple[ClockChange, ...] = Field(
        default=(), description="Within the occurrences shown, for ten years at most."
    )
    more: bool = Field(default=False, description="Whether further occurrences follow.")


class UpcomingTrigger(BaseModel):
    """A trigger's next occurrences within what was asked for."""

    model_config = _FROZEN

    id: str
    name: str
    timezone: str
    more: bool = Field(description="Whether further occurrences follow by then.")
    occurrences: tuple[Occurrence, ...]


class Upcoming(BaseModel):
    """What all triggers will do, the trigger that fires next first."""

    model_config = _FROZEN

    now: AwareDatetime
    until: AwareDatetime
    more: bool = Field(description="Whether further triggers fire by then.")
    triggers: tuple[UpcomingTrigger, ...]


class Version(BaseModel):
    """An entry of a trigger's history: who did what when, and the definition since."""

    model_config = _FROZEN

    version: int
    kind: ChangeKind
    status: Status
    at: AwareDatetime
    actor: str
    definition: Definition


class SessionShown(BaseModel):
    """Who asks, and until when that is known by a cookie."""

    model_config = _FROZEN

    key_id: str | None
    scopes: tuple[str, ...]
    expires_at: AwareDatetime | None = Field(description="Of a session; null for a key itself.")
    now: AwareDatetime = Field(description="The server's clock.")


class Accepted(BaseModel):
    """The command is stored and will be applied; its result is not known yet."""

    model_config = _FROZEN

    id: str
    status: Literal["accepted"] = "accepted"
    detail: str = "stored, and applied as soon as the scheduler gets to it"


class FireAccepted(BaseModel):
    """The fire is stored; its event appears under this id."""

    model_config = _FROZEN

    event_id: str
    status: Literal["accepted"] = "accepted"


class TestAccepted(BaseModel):
    """The test is stored; its event appears under this id, at ``fires_at``."""

    __test__ = False  # pytest: not a test class, whatever its name

    model_config = _FROZEN

    event_id: str
    fires_at: AwareDatetime
    next_fires: tuple[AwareDatetime, ...] = Field(
        default=(), description="What a recurring schedule would do if it were saved."
    )
    status: Literal["accepted"] = "accepted"
    secret: str | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="What requests to the `target` are signed with, where it was written out "
        "without one. Shown once.",
    )


def _seconds(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


Seconds = Annotated[float, BeforeValidator(_seconds)]


class EventShown(BaseModel):
    """A row of the log, as lists show it."""

    model_config = _FROZEN

    id: UUID
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
    misfire: bool
    reason: str | None
    errors: tuple[FieldError, ...]
    count: int = Field(description="Above 1 where one missed row stands for many occurrences.")
    last_scheduled_for: AwareDatetime | None
    replay_of: UUID | None = Field(description="The event that this one repeats.")
    lateness: Seconds | None = Field(
        description="Seconds from when it was scheduled to when it fired; null for what did not."
    )
    state: Literal["active", "archived"]
    archives_at: AwareDatetime
    deletes_at: AwareDatetime


class EventListed(EventShown):
    """A row of a list, with what it carried where that was asked for."""

    payload: Any = Field(default=None, description="There with `payload=true` alone.")


class EventDetail(EventShown):
    """A row of the log with what it carried."""

    payload: Any
