"""A target's definition as its owner writes it: the fields, and what each may be.

What a URL or a subject may name besides depends on settings (``url``, ``nats_subjects``); what a
secret may be depends on who writes it (``secrets``). Pure.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)

from trigger_contracts.definition import Duration, few, object_like
from trigger_contracts.errors import (
    Code,
    FieldError,
    Problem,
    Refused,
    combined,
    from_validation,
    problem,
    refused,
)
from trigger_contracts.ids import Id
from trigger_contracts.instants import parse_duration

from .certificates import MAX_BYTES, check_authorities
from .sealing import is_sealed
from .url import MAX_URL, parse_url

MASK = "***"
"""Shown in the place of a secret value; in a PUT or PATCH it keeps the one that is there."""

MAX_HEADERS = 20
MAX_HEADER_NAME = 100
MAX_HEADER_VALUE = 2048
MAX_STATUSES = 20
MAX_RETRIES = 20

SHORTEST_RETRY, LONGEST_RETRY = timedelta(seconds=1), timedelta(hours=24)
LONGEST_RETRIES = timedelta(hours=39)
"""All delays together: an event lives for 48 h, and each may be a fifth longer."""
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = timedelta(seconds=1), timedelta(seconds=30)

DEFAULT_TIMEOUT_S = 15

OWN_HEADERS = frozenset(
    {
        "host",
        "connection",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
        "user-agent",
        "date",
        "traceparent",
        "keep-alive",
    }
)
OWN_PREFIXES = ("content-", "proxy-", "webhook-", "ce-", "etp-")
"""Headers that say what the request is, or how it travels: ours to write."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")

WEBHOOK_FIELDS = ("url", "headers", "secret_headers", "final_statuses", "ca")
NATS_FIELDS = ("subject", "durable")


class Rate(BaseModel):
    """At most so many attempts in each span of that length."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: StrictInt = Field(ge=1, le=100_000)
    per: Literal["1s", "1m", "1h"]


_Headers = Annotated[dict[str, str], BeforeValidator(partial(few, MAX_HEADERS, "headers"))]


class TargetDefinition(BaseModel):
    """The fields that an owner sets and may read back; secret values are sealed or masked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["webhook", "nats"] = Field(description="Fixed for the target's life.")
    name: str | None = Field(
        default=None, min_length=1, max_length=200, description="For people; need not be unique."
    )
    url: str | None = Field(
        default=None,
        max_length=MAX_URL,
        description="Of a webhook. https, or http where the operator allows it; never a private "
        "address, unless the operator allows that, too.",
    )
    headers: _Headers = Field(default_factory=dict, description="Sent with each attempt.")
    secret_headers: _Headers = Field(
        default_factory=dict,
        description=f"The same, and never shown again: read as `{MASK}`, which keeps the value "
        "where it is written back.",
    )
    body: Literal["event", "payload"] = Field(
        default="event",
        description="The CloudEvent as it is stored, or its payload alone.",
    )
    timeout: Duration = Field(
        default=DEFAULT_TIMEOUT_S, description="Of a whole attempt: 1 to 30 s."
    )
    retry: Annotated[tuple[Duration, ...], BeforeValidator(partial(few, MAX_RETRIES, "delays"))] = (
        Field(
            default=(),
            description="Delays between attempts, each 1 s to 24 h, 39 h together; none: those of "
            "the platform.",
        )
    )
    final_statuses: Annotated[
        tuple[StrictInt, ...], BeforeValidator(partial(few, MAX_STATUSES, "statuses"))
    ] = Field(
        default=(410,), description="Answers (400 to 499) after which nothing is tried again."
    )
    concurrency: StrictInt = Field(
        default=10, ge=1, le=100, description="Attempts at the same time."
    )
    rate: Annotated[Rate | None, object_like] = Field(
        default=None, description="At most so many attempts in each second, minute or hour."
    )
    ordered: StrictBool = Field(
        default=False,
        description="Deliver the events of one trigger one after another; each waits for the one "
        "before it to be delivered or given up.",
    )
    ca: str | None = Field(
        default=None,
        max_length=MAX_BYTES,
        description="Certificates (PEM) that are trusted instead of the system's.",
    )
    subject: str | None = Field(
        default=None, max_length=1040, description="Of a NATS target: where events are published."
    )
    durable: StrictBool = Field(
        default=False,
        description="Of a NATS target: wait for a stream's acknowledgement, not the broker's.",
    )
    alert_target: Id | None = Field(
        default=None, description="The target that is told when this one fails and recovers."
    )

    @property
    def timeout_s(self) -> float:
        return parse_duration(_given(self.timeout)).total_seconds()

    @property
    def delays(self) -> tuple[timedelta, ...]:
        """Between attempts; empty: those of the platform."""
        return tuple(parse_duration(_given(one)) for one in self.retry)


def parse_target(
    fields: Any, rules: Callable[[TargetDefinition], None] | None = None
) -> TargetDefinition:
    """Validate an owner's fields; raises ``Refused`` with every fault and its pointer.

    ``rules`` raise it, too, for what settings do not allow.
    """
    target, errors, unread = _read(fields)
    if "type" not in unread:
        errors += _misfits(target, fields, unread)
    _must_be_sound(target, errors, rules)
    return target


def check_patch(patch: Mapping[str, Any]) -> None:
    """Refuse what is wrong with a merge patch, whatever it is merged over: raises ``Refused``.

    The merge takes out what is null, so that an unknown name with a null would go unseen. And what
    is sealed once it is merged is looked at here, while it can be read.
    """
    given = {
        name: _without_nulls(value)
        for name, value in patch.items()
        # A part of a rate is completed by what is stored.
        if (value is not None or name not in TargetDefinition.model_fields)
        and not (name == "rate" and isinstance(value, dict))
    }
    target, errors, _ = _read({"type": "webhook", **given})
    _must_be_sound(target, errors)


def no_secret(given: Any) -> None:
    """Refuse an edit of a target that brings a secret to sign with."""
    if isinstance(given, Mapping) and "secret" in given:
        detail = "a secret is exchanged by a rotation, so that both are valid for a while"
        raise refused(Code.INVALID, detail, pointer="/secret")


def _read(fields: Any) -> tuple[TargetDefinition, list[FieldError], Collection[str]]:
    """The target in ``fields`` as far as they can be read, what is wrong with the others, and
    which those are. Raises ``Refused`` for what is no object.
    """
    try:
        return TargetDefinition.model_validate(fields), [], ()
    except ValidationError as error:
        found = from_validation(error)
        unread = {entry["loc"][0] for entry in error.errors(include_url=False) if entry["loc"]}
    if not isinstance(fields, Mapping):
        raise Refused(found)
    rest = {name: value for name, value in fields.items() if name not in unread}
    target = TargetDefinition.model_validate({"type": "webhook", **rest})
    return target, list(found.errors), {str(name) for name in unread}


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: one for name, one in value.items() if one is not None}


def _must_be_sound(
    target: TargetDefinition,
    errors: Sequence[FieldError] = (),
    rules: Callable[[TargetDefinition], None] | None = None,
) -> None:
    """Raises ``Refused`` for ``errors``, and for what is wrong with any one field."""
    found = [*errors, *_headers(target), *_durations(target), *_statuses(target)]
    if target.ca is not None:
        found += check_authorities(target.ca)
    wrong: list[Problem] = []
    if found:
        detail = found[0].message if len(found) == 1 else f"{len(found)} fields are not valid"
        wrong.append(problem(Code.INVALID, detail, found))
    try:
        if target.url is not None:
            parse_url(target.url)
        if rules is not None:
            rules(target)
    except Refused as refusal:
        wrong.append(refusal.problem)
    if wrong:
        raise Refused(combined(wrong))


def _misfits(
    target: TargetDefinition, fields: Mapping[str, Any], unread: Collection[str]
) -> list[FieldError]:
    others, own = (NATS_FIELDS, "url") if target.type == "webhook" else (WEBHOOK_FIELDS, "subject")
    default = TargetDefinition(type=target.type)
    errors = [
        FieldError(pointer=f"/{name}", message=f"a {target.type} target has none")
        for name in others
        if name in fields and getattr(target, name) != getattr(default, name)
    ]
    if getattr(target, own) is None and own not in unread:
        errors.append(FieldError(pointer=f"/{own}", message=f"a {target.type} target needs one"))
    return errors


def _headers(target: TargetDefinition) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for field in ("headers", "secret_headers"):
        for name, value in getattr(target, field).items():
            why = _header_fault(field, name, value, seen)
            if why is not None:
                shown = name[:MAX_HEADER_NAME].replace("~", "~0").replace("/", "~1")
                errors.append(FieldError(pointer=f"/{field}/{shown}", message=why))
            seen.add(name.lower())
    return errors


def _header_fault(field: str, name: str, value: str, seen: set[str]) -> str | None:
    lower = name.lower()
    if len(name) > MAX_HEADER_NAME or not _HEADER_NAME.fullmatch(name):
        return (
            f"a header's name has 1 to {MAX_HEADER_NAME} letters, digits and - _ . ~ and the like"
        )
    if lower in OWN_HEADERS or lower.startswith(OWN_PREFIXES):
        return "this header is the platform's own"
    if lower in seen:
        return "this header is given twice"
    if is_sealed(value) and field == "secret_headers":
        return None
    if len(value) > MAX_HEADER_VALUE or not _HEADER_VALUE.fullmatch(value):
        return f"a value has 1 to {MAX_HEADER_VALUE} visible ASCII characters, with no blank around"
    return None


def _durations(target: TargetDefinition) -> list[FieldError]:
    errors: list[FieldError] = []
    _duration("timeout", target.timeout, (SHORTEST_TIMEOUT, LONGEST_TIMEOUT), errors)
    delays = [
        _duration(f"retry/{place}", delay, (SHORTEST_RETRY, LONGEST_RETRY), errors)
        for place, delay in enumerate(target.retry)
    ]
    if sum(delays, timedelta()) > LONGEST_RETRIES:
        told = f"must be {_told(LONGEST_RETRIES)} together at most"
        errors.append(FieldError(pointer="/retry", message=told))
    return errors


def _duration(
    place: str,
    value: str | float | None,
    bounds: tuple[timedelta, timedelta],
    errors: list[FieldError],
) -> timedelta:
    """The duration at ``place``; nothing where it is none, which is added to ``errors``."""
    least, most = bounds
    why = "must be seconds or an ISO 8601 duration"
    if value is not None:
        try:
            read = parse_duration(value)
        except ValueError as error:
            why = str(error)
        else:
            if least <= read <= most:
                return read
            why = f"must be {_told(least)} to {_told(most)}"
    errors.append(FieldError(pointer=f"/{place}", message=why))
    return timedelta()


def _statuses(target: TargetDefinition) -> list[FieldError]:
    return [
        FieldError(pointer=f"/final_statuses/{place}", message="must be 400 to 499")
        for place, status in enumerate(target.final_statuses)
        if not 400 <= status <= 499
    ]


def _given(value: str | float | None) -> str | float:
    if value is None:
        raise TypeError("a target that was accepted has its durations")
    return value


def _told(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds // 3600} h" if seconds >= 3600 else f"{seconds} s"
