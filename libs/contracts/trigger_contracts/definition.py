"""A trigger's definition as its owner writes it.

``Definition`` keeps the owner's own form, so that what is read is what was written and a
merge patch acts on it; ``schedule_fields`` turns it into a schedule. Anything unknown or
contradictory is refused with the pointer of the field.
"""

from collections.abc import Iterator, Mapping
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
from .cron import DstPolicy
from .errors import Code, FieldError, Refused, from_validation, problem, refused
from .ids import Id
from .misfire import DEFAULT_COUNT, MAX_COUNT
from .zone_names import UnknownZone, canonical_zone

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
NO_PAUSE = "a trigger cannot be paused: edit its `ends_at`, or delete it"
RULE_FIELDS = ("schedule_time", "interval", "cron")
"""A scheduled trigger has one of them."""
LIMIT_FIELDS = ("starts_at", "ends_at", "max_fires", "jitter", "exclude", "misfire")
"""What may bound a rule; other lists of them are made of this one."""
SCHEDULE_FIELDS = frozenset((*RULE_FIELDS, *LIMIT_FIELDS, "timezone", "dst_policy"))
"""All that a schedule is made of."""
_PLAIN_TEXTS = (*RULE_FIELDS, "starts_at", "ends_at", "jitter")
"""Fields that are read as a date, a duration or cron where they are text."""


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


object_like = BeforeValidator(partial(_expect, dict | BaseModel, "must be an object"))


def few(limit: int, of_what: str, value: Any) -> Any:
    """Refuse too many before each is looked at: 60,000 wrong ones took 80 ms to describe."""
    if isinstance(value, list | tuple | dict) and len(value) > limit:
        raise PydanticCustomError("too_many", f"must be at most {limit} {of_what}")
    return value


MAX_LABELS = 20

MAX_TARGETS = 8

MAX_EXCLUDED = 200
"""Dates and ranges of dates; each can cost a search of its own when a schedule is asked."""

MAX_FIRES = 2**31 - 1
"""One a second for 68 years; what the due index counts with."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Duration = Annotated[StrictInt | StrictFloat | str | None, _duration_like]


class MisfireFields(BaseModel):
    """What becomes of occurrences found later than the grace period."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: Literal["none", "last", "all"] = Field(
        default="last",
        description="Which of the occurrences found late fire late: none, the last one, or all "
        "in order. Whatever does not fire is logged as missed.",
    )
    max_age: Duration = Field(
        default=None, description="None older than this fires late; at most 47 hours."
    )
    max_count: StrictInt = Field(
        default=DEFAULT_COUNT,
        ge=1,
        le=MAX_COUNT,
        description="Of `all`: at most as many fire, the last ones. Of `none` and `last`: more "
        "missed occurrences than this, found at once, are summed in one row of the log.",
    )


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
    interval: Duration = Field(
        default=None,
        description="Seconds or an ISO 8601 duration between occurrences, 1 s or more.",
    )
    cron: str | None = Field(
        default=None,
        description="5 fields (minute hour day-of-month month day-of-week), 6 with a leading "
        "second, or a nickname such as @daily; read in `timezone`.",
    )
    timezone: str = Field(
        default="UTC",
        description="IANA zone in which local times, dates and cron are read. Any case is taken, "
        "and shown as the list of zones has it.",
    )
    dst_policy: DstPolicy = Field(
        default="vixie",
        description="What a cron schedule does where the zone's clock skips or repeats a time: "
        "`vixie` fires a fixed time once, right after a gap; `skip_once` skips it in a gap and "
        "fires once in an overlap; `literal` fires whenever the clock shows the time.",
    )
    starts_at: str | None = Field(
        default=None,
        description="No occurrence is earlier. For an interval, its first occurrence: the later "
        "ones are counted from it.",
    )
    ends_at: str | None = Field(default=None, description="No occurrence is later.")
    max_fires: Annotated[StrictInt, Field(ge=1, le=MAX_FIRES)] | None = Field(
        default=None,
        description="The schedule is over after as many fires; late ones count, missed ones do "
        "not. Counted from the version that first sets it.",
    )
    jitter: Duration = Field(
        default=None,
        description="Every occurrence is later by the trigger's own fixed part of this, so that "
        "many triggers with one schedule do not fire at once; at most a day.",
    )
    exclude: Annotated[
        tuple[str, ...], BeforeValidator(partial(few, MAX_EXCLUDED, "dates or ranges"))
    ] = Field(
        default=(),
        description="Dates of the zone on which nothing fires: 2026-12-25, or from the first to "
        "the last of a range, 2026-12-24/2027-01-01.",
    )
    misfire: Annotated[MisfireFields | None, object_like] = Field(
        default=None, description="What becomes of occurrences found too late."
    )
    payload_schema: Annotated[dict[str, Any] | bool | None, _schema_like] = Field(
        default=None,
        description="JSON Schema 2020-12 to which an api trigger's payload must conform.",
    )
    targets: Annotated[tuple[Id, ...], BeforeValidator(partial(few, MAX_TARGETS, "targets"))] = (
        Field(
            default=(),
            max_length=MAX_TARGETS,
            description="Where what it fires is delivered: ids of targets, each once.",
        )
    )
    description: str | None = Field(default=None, max_length=2000)
    labels: Annotated[tuple[Label, ...], BeforeValidator(partial(few, MAX_LABELS, "labels"))] = (
        Field(default=(), max_length=MAX_LABELS)
    )

    @cached_property
    def schema_key(self) -> bytes:
        """The payload schema's name among the compiled ones, once for this definition."""
        return payloads.key_of(self.payload_schema)

    @property
    def compiled_schema(self) -> payloads.CompiledSchema | None:
        """The payload schema made ready; raises ``Refused`` for one stored before its bounds."""
        if self.payload_schema is None:
            return None
        return payloads.compiled(self.payload_schema, self.schema_key)


def parse_definition(fields: Any, stored: Definition | None = None) -> Definition:
    """Validate an owner's fields; raises ``Refused`` with the pointers, at the first check that
    fails (``faults`` has them all).

    The payload schema of the version that is ``stored`` was held to its bounds when it came:
    where it stays, it is not compiled again.
    """
    for error in pauses(fields):
        raise Refused(problem(Code.PAUSE_NOT_SUPPORTED, error.message, [error]))
    try:
        definition = Definition.model_validate(fields)
    except ValidationError as error:
        raise Refused(from_validation(error)) from None
    definition = plain(definition)
    for misfit in misfits(definition):
        raise Refused(problem(Code.INVALID, misfit.message, [misfit]))
    check_schema(definition, stored)
    return definition


def check_schema(definition: Definition, stored: Definition | None = None) -> None:
    """Refuse a payload schema that cannot be used, unless it is the one that is ``stored``."""
    if definition.payload_schema is None:
        return
    if stored is None or stored.schema_key != definition.schema_key:
        payloads.check_schema(definition.payload_schema)


def check_patch(patch: Mapping[str, Any]) -> None:
    """Refuse names that no definition has, whatever a merge patch is merged over.

    The merge takes out what is null, so that an unknown name with a null would go unseen.
    """
    strange = {name: given for name, given in patch.items() if name not in Definition.model_fields}
    misfire = patch.get("misfire")
    if isinstance(misfire, dict) and misfire.keys() - MisfireFields.model_fields.keys():
        known = MisfireFields.model_fields
        strange["misfire"] = {name: None for name in misfire if name not in known}
    if strange:
        parse_definition({"name": "patch", "type": "api", **strange})


def plain(definition: Definition) -> Definition:
    """The definition without blanks around what is read, its zone by the name on the list."""
    try:
        read: dict[str, Any] = {"timezone": canonical_zone(definition.timezone)}
    except UnknownZone as error:
        raise refused(Code.UNKNOWN_TIMEZONE, str(error), pointer="/timezone") from None
    for field in _PLAIN_TEXTS:
        text = getattr(definition, field)
        if isinstance(text, str):
            read[field] = text.strip()
    read["exclude"] = tuple(text.strip() for text in definition.exclude)
    misfire = definition.misfire
    if misfire is not None and isinstance(misfire.max_age, str):
        read["misfire"] = misfire.model_copy(update={"max_age": misfire.max_age.strip()})
    changed = {name: value for name, value in read.items() if value != getattr(definition, name)}
    return definition.model_copy(update=changed) if changed else definition


def pauses(fields: Any) -> Iterator[FieldError]:
    """Fields by which somebody means to pause the trigger."""
    for field in fields if isinstance(fields, dict) else ():
        if field in _PAUSE_FIELDS:
            yield FieldError(pointer=f"/{field}", message=NO_PAUSE)


def misfits(definition: Definition) -> Iterator[FieldError]:
    """Fields that do not belong to the kind of trigger, and schedules that are not one."""
    given = [field for field in RULE_FIELDS if getattr(definition, field) is not None]
    if definition.type == "api":
        limits = [field for field in LIMIT_FIELDS if getattr(definition, field) not in (None, ())]
        for field in (*given, *limits):
            yield _misfit(field, "an api trigger fires on request and has no schedule")
    else:
        if definition.payload_schema is not None:
            yield _misfit("payload_schema", "only an api trigger has a payload schema")
        if not given:
            detail = "a scheduled trigger needs one of schedule_time, interval and cron"
            yield _misfit("schedule_time", detail)
        if len(given) > 1:
            detail = (
                "only one of schedule_time, interval and cron may be given, "
                f"not {' and '.join(given)}"
            )
            yield _misfit(given[1], detail)
    for place, target_id in enumerate(definition.targets):
        if target_id in definition.targets[:place]:
            yield _misfit(f"targets/{place}", "is named twice")
    if definition.cron is None and definition.dst_policy != "vixie":
        yield _misfit("dst_policy", "concerns a cron schedule alone")


def _misfit(field: str, message: str) -> FieldError:
    return FieldError(pointer=f"/{field}", message=message)
