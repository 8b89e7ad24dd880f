"""A trigger's definition as its owner writes it, and the schedule it means.

``Definition`` keeps the owner's own form, so that what is read is what was written and a
merge patch acts on it. ``schedule_of`` turns it into a ``Schedule`` relative to the
instant at which the command was accepted. Anything unknown or contradictory is refused
with the pointer of the field.
"""

from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from types import UnionType
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from . import payloads
from .errors import Code, Refused, from_validation, refused
from .instants import UnknownZone, parse_duration, parse_instant, zone
from .schedule import HORIZON, MIN_INTERVAL, Interval, Once

_PAUSE_FIELDS = frozenset(
    {
        "status",
        "state",
        "paused",
        "pause",
        "enabled",
        "disabled",
        "active",
        "is_active",
        "suspended",
    }
)
_SCHEDULE_FIELDS = ("schedule_time", "interval", "cron")
_BOUND_FIELDS = ("starts_at", "ends_at")


def _expect(types: type | UnionType, message: str, value: Any) -> Any:
    """Refuse a wrong type as a whole: a union's own errors name its members, not the field."""
    if value is not None and not isinstance(value, types):
        raise PydanticCustomError("wrong_type", message)
    return value


_duration_like = BeforeValidator(
    lambda value: _expect(
        int | float | str,
        "must be seconds or an ISO 8601 duration",
        # A boolean is an int to Python, and no number of seconds to anyone else.
        () if isinstance(value, bool) else value,
    )
)
_schema_like = BeforeValidator(partial(_expect, dict | bool, "must be an object or a boolean"))


def _few_labels(value: Any) -> Any:
    """Refuse too many before each is looked at: 60,000 wrong ones took 80 ms to describe."""
    if isinstance(value, list | tuple) and len(value) > MAX_LABELS:
        raise PydanticCustomError("too_many", f"must be at most {MAX_LABELS} labels")
    return value


MAX_LABELS = 20

Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Definition(BaseModel):
    """The fields that an owner sets; the body of a create and of a PUT."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200, description="For people; need not be unique.")
    type: Literal["scheduled", "api"]
    payload: Any = Field(
        default=None,
        description="Any JSON. What an event carries; an api trigger's predefined values.",
    )
    schedule_time: str | None = Field(
        default=None, description="When a one-time trigger fires: RFC 3339, or local to `timezone`."
    )
    interval: Annotated[StrictInt | StrictFloat | str | None, _duration_like] = Field(
        default=None,
        description="Seconds or an ISO 8601 duration between occurrences, 1 s or more.",
    )
    cron: str | None = Field(default=None, description="Reserved: cron schedules come later.")
    timezone: str = Field(default="UTC", description="IANA zone in which local times are read.")
    starts_at: str | None = Field(
        default=None,
        description="First occurrence of an interval; the later ones are counted from it.",
    )
    ends_at: str | None = Field(default=None, description="No occurrence of an interval is later.")
    payload_schema: Annotated[dict[str, Any] | bool | None, _schema_like] = Field(
        default=None,
        description="JSON Schema 2020-12 to which an api trigger's payload must conform.",
    )
    description: str | None = Field(default=None, max_length=2000)
    labels: Annotated[tuple[Label, ...], BeforeValidator(_few_labels)] = Field(
        default=(), max_length=MAX_LABELS
    )

    @cached_property
    def compiled_schema(self) -> payloads.CompiledSchema | None:
        """The payload schema made ready, once for as long as this definition is kept."""
        return None if self.payload_schema is None else payloads.compiled(self.payload_schema)


def parse_definition(fields: Any) -> Definition:
    """Validate an owner's fields as a whole; raises ``Refused`` with the pointers."""
    _refuse_pause(fields)
    try:
        definition = Definition.model_validate(fields)
    except ValidationError as error:
        raise Refused(from_validation(error)) from None
    try:
        zone(definition.timezone)
    except UnknownZone as error:
        raise refused(Code.UNKNOWN_TIMEZONE, str(error), pointer="/timezone") from None
    _check_fields_fit(definition)
    if definition.payload_schema is not None:
        payloads.check_schema(definition.payload_schema)
    return definition


def _refuse_pause(fields: Any) -> None:
    for field in fields if isinstance(fields, dict) else ():
        if field in _PAUSE_FIELDS:
            detail = "a trigger cannot be paused: edit its `ends_at`, or delete it"
            raise refused(Code.PAUSE_NOT_SUPPORTED, detail, pointer=f"/{field}")


def _check_fields_fit(definition: Definition) -> None:
    """Refuse fields that do not belong to the kind of trigger, and schedules that are not one."""
    given = [field for field in _SCHEDULE_FIELDS if getattr(definition, field) is not None]
    bounds = [field for field in _BOUND_FIELDS if getattr(definition, field) is not None]
    if definition.type == "api":
        for field in (*given, *bounds):
            detail = "an api trigger fires on request and has no schedule"
            raise refused(Code.INVALID, detail, pointer=f"/{field}")
        return
    if definition.payload_schema is not None:
        detail = "only an api trigger has a payload schema"
        raise refused(Code.INVALID, detail, pointer="/payload_schema")
    if not given:
        detail = "a scheduled trigger needs one of schedule_time, interval and cron"
        raise refused(Code.INVALID, detail, pointer="/schedule_time")
    if len(given) > 1:
        detail = (
            f"only one of schedule_time, interval and cron may be given, not {' and '.join(given)}"
        )
        raise refused(Code.INVALID, detail, pointer=f"/{given[1]}")
    if definition.schedule_time is not None and bounds:
        detail = "belongs to an interval, not to a schedule_time"
        raise refused(Code.INVALID, detail, pointer=f"/{bounds[0]}")


def schedule_of(definition: Definition, accepted_at: datetime) -> Once | Interval | None:
    """The schedule that a definition means if accepted at ``accepted_at``.

    None for an api trigger. Raises ``Refused`` for times that cannot be read or lie
    beyond the horizon; whether a time has passed is the decider's question.
    """
    if definition.cron is not None:
        detail = "cron schedules are not available yet: use schedule_time or interval"
        raise refused(Code.CRON_NOT_AVAILABLE, detail, pointer="/cron")
    if definition.schedule_time is not None:
        at = _instant(definition, "schedule_time")
        _within_horizon(at, accepted_at, "/schedule_time")
        return Once(at=at)
    if definition.interval is None:
        return None
    every = _interval(definition.interval)
    starts_at = _instant(definition, "starts_at") if definition.starts_at is not None else None
    ends_at = _instant(definition, "ends_at") if definition.ends_at is not None else None
    if starts_at is not None:
        _within_horizon(starts_at, accepted_at, "/starts_at")
    if ends_at is not None and starts_at is not None and ends_at < starts_at:
        raise refused(Code.INVALID, "must not be earlier than starts_at", pointer="/ends_at")
    return Interval(
        anchor=starts_at or accepted_at,
        every=every,
        fires_at_anchor=starts_at is not None,
        ends_at=ends_at,
    )


def _interval(value: float | str) -> timedelta:
    try:
        every = parse_duration(value)
    except ValueError as error:
        raise refused(Code.INVALID, str(error), pointer="/interval") from None
    if not MIN_INTERVAL <= every <= HORIZON:
        detail = f"must be from {MIN_INTERVAL.seconds} second to {HORIZON.days} days"
        raise refused(Code.INVALID, detail, pointer="/interval")
    return every


def _instant(definition: Definition, field: str) -> datetime:
    try:
        return parse_instant(getattr(definition, field), zone(definition.timezone))
    except ValueError as error:
        raise refused(Code.INVALID, str(error), pointer=f"/{field}") from None


def _within_horizon(at: datetime, accepted_at: datetime, field: str) -> None:
    if at - accepted_at > HORIZON:
        limit = (accepted_at + HORIZON).astimezone(UTC).date()
        detail = f"must not be later than {limit}: at most {HORIZON.days} days ahead"
        raise refused(Code.SCHEDULE_BEYOND_HORIZON, detail, pointer=field)
