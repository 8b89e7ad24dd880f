"""The errors a caller can meet, the same by REST and by NATS, as RFC 9457 problems.

Every refusal has a stable ``code``; its status and title stand in one table. Whoever
refuses raises ``Refused`` or returns a ``Problem``; nobody invents a status elsewhere.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MAX_REPORTED_ERRORS = 20
"""A refusal names at most this many fields: more help nobody, and 60,000 took 4 MB."""

MAX_SHOWN_CHARACTERS = 300
"""Characters of a message or pointer: both may quote the caller's text."""


class Code(StrEnum):
    """Stable names of refusals, for programs to match on."""

    MALFORMED_JSON = "malformed-json"
    MALFORMED_REQUEST = "malformed-request"
    MALFORMED_ENCODING = "malformed-encoding"
    UNAUTHORIZED = "unauthorized"
    CROSS_SITE = "cross-site"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    IDEMPOTENCY_MISMATCH = "idempotency-mismatch"
    TRIGGER_EXISTS = "trigger-exists"
    TARGET_EXISTS = "target-exists"
    TARGET_IN_USE = "target-in-use"
    QUOTA_EXCEEDED = "quota-exceeded"
    GONE = "gone"
    VERSION_MISMATCH = "version-mismatch"
    BODY_TOO_LARGE = "body-too-large"
    BODY_TOO_SLOW = "body-too-slow"
    HEAD_TOO_LARGE = "head-too-large"
    HEAD_TOO_SLOW = "head-too-slow"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    UNSUPPORTED_ENCODING = "unsupported-encoding"
    UNSUPPORTED_TRANSFER_CODING = "unsupported-transfer-coding"
    INVALID = "invalid"
    SCHEDULE_IN_PAST = "schedule-in-past"
    SCHEDULE_BEYOND_HORIZON = "schedule-beyond-horizon"
    CRON_NOT_AVAILABLE = "cron-not-available"
    """Given by the first version; its refusals may still be read."""
    CRON_NEVER_FIRES = "cron-never-fires"
    UNKNOWN_TIMEZONE = "unknown-timezone"
    INVALID_SCHEMA = "invalid-schema"
    PAYLOAD_SCHEMA_MISMATCH = "payload-schema-mismatch"
    NOT_REPLAYABLE = "not-replayable"
    ADDRESS_NOT_ALLOWED = "address-not-allowed"
    SUBJECT_NOT_ALLOWED = "subject-not-allowed"
    SECRET_MUST_BE_SEALED = "secret-must-be-sealed"  # noqa: S105 - a code, and no secret
    UNKNOWN_TARGET = "unknown-target"
    TOO_MANY_REQUESTS = "too-many-requests"
    PAUSE_NOT_SUPPORTED = "pause-not-supported"
    UNKNOWN_SCHEMA_VERSION = "unknown-schema-version"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


_TABLE: dict[Code, tuple[int, str]] = {
    Code.MALFORMED_JSON: (400, "The body is not acceptable JSON"),
    Code.MALFORMED_REQUEST: (400, "The request is not HTTP"),
    Code.MALFORMED_ENCODING: (400, "The body is not encoded as its header says"),
    Code.UNAUTHORIZED: (401, "A valid API key is needed"),
    Code.CROSS_SITE: (403, "The request comes from another site"),
    Code.NOT_FOUND: (404, "There is no such thing"),
    Code.METHOD_NOT_ALLOWED: (405, "This address does not answer that method"),
    Code.BODY_TOO_SLOW: (408, "The body did not arrive in time"),
    Code.HEAD_TOO_SLOW: (408, "The request's head did not arrive in time"),
    Code.IDEMPOTENCY_MISMATCH: (409, "The idempotency key was used with another payload"),
    Code.TRIGGER_EXISTS: (409, "A trigger with this id exists"),
    Code.TARGET_EXISTS: (409, "A target with this id exists"),
    Code.TARGET_IN_USE: (409, "Triggers name the target"),
    Code.QUOTA_EXCEEDED: (409, "A quota is used up"),
    Code.GONE: (410, "It is not there any more"),
    Code.VERSION_MISMATCH: (412, "It has another version"),
    Code.BODY_TOO_LARGE: (413, "The body is too large"),
    Code.UNSUPPORTED_MEDIA_TYPE: (415, "The body must be JSON"),
    Code.UNSUPPORTED_ENCODING: (415, "The body's encoding is not understood"),
    Code.INVALID: (422, "The request is not valid"),
    Code.SCHEDULE_IN_PAST: (422, "The schedule lies in the past"),
    Code.SCHEDULE_BEYOND_HORIZON: (422, "The schedule lies too far ahead"),
    Code.CRON_NOT_AVAILABLE: (422, "Cron schedules are not available"),
    Code.CRON_NEVER_FIRES: (422, "The cron schedule never fires"),
    Code.UNKNOWN_TIMEZONE: (422, "The time zone is not known"),
    Code.INVALID_SCHEMA: (422, "The payload schema is not acceptable"),
    Code.PAYLOAD_SCHEMA_MISMATCH: (422, "The payload does not match the trigger's schema"),
    Code.NOT_REPLAYABLE: (422, "The event cannot be replayed"),
    Code.ADDRESS_NOT_ALLOWED: (422, "Nothing may be sent to this address"),
    Code.SUBJECT_NOT_ALLOWED: (422, "Nothing may be sent to this subject"),
    Code.SECRET_MUST_BE_SEALED: (422, "A secret may not be published in the clear"),
    Code.UNKNOWN_TARGET: (422, "There is no such target"),
    Code.PAUSE_NOT_SUPPORTED: (422, "A trigger cannot be paused"),
    Code.UNKNOWN_SCHEMA_VERSION: (422, "The message's schema version is not known"),
    Code.TOO_MANY_REQUESTS: (429, "Too many requests"),
    Code.HEAD_TOO_LARGE: (431, "The request's head is too large"),
    Code.UNSUPPORTED_TRANSFER_CODING: (501, "The transfer coding is not understood"),
    Code.UNAVAILABLE: (503, "A part of the platform is away"),
    Code.INTERNAL: (500, "The platform failed"),
}


# What pydantic says in Python's words to callers who wrote JSON.
_IN_JSON_WORDS = {
    "extra_forbidden": "This field is not known",
    "list_type": "Input should be an array",
    "tuple_type": "Input should be an array",
    "dict_type": "Input should be an object",
    "model_type": "Input should be an object",
}


def _is_none(value: Any) -> bool:
    return value is None


class FieldError(BaseModel):
    """What is wrong with one field; ``pointer`` is a JSON Pointer (RFC 6901)."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    message: str
    at: int | None = Field(
        default=None,
        exclude_if=_is_none,
        description="Where in the field's text the fault begins, in characters from 0; only there "
        "where that is known.",
    )


class Problem(BaseModel):
    """A refusal in the form of RFC 9457, also the error reply to a NATS command."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    code: Code
    request_id: str | None = None
    current_version: int | None = Field(
        default=None,
        exclude_if=_is_none,
        description="With `version-mismatch`: the version that it has.",
    )
    errors: tuple[FieldError, ...] = ()


class Refused(Exception):  # noqa: N818  # a refusal is an outcome, and reads as one where raised
    """The request is refused for the reason in ``problem``; nothing was changed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem(code: Code, detail: str, errors: Iterable[FieldError] = ()) -> Problem:
    status, title = _TABLE[code]
    return Problem(
        type=f"urn:etp:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        errors=tuple(errors),
    )


def refused(
    code: Code, detail: str, *, pointer: str | None = None, at: int | None = None
) -> Refused:
    """A refusal that concerns one field (``pointer``, and ``at`` a character of its text), or the
    request as a whole.
    """
    errors = () if pointer is None else (FieldError(pointer=pointer, message=detail, at=at),)
    return Refused(problem(code, detail, errors))


def version_mismatch(detail: str, current: int) -> Refused:
    """The trigger or target has another version than the request goes by: the ``current`` one."""
    found = problem(Code.VERSION_MISMATCH, detail)
    return Refused(found.model_copy(update={"current_version": current}))


def pointer(path: Sequence[str | int]) -> str:
    """The JSON Pointer of a path of keys and indexes."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in path)


def from_validation(error: ValidationError) -> Problem:
    """The problem that a pydantic error means for the caller, one entry a field."""
    count = error.error_count()
    entries = error.errors(include_url=False, include_input=False, include_context=False)
    errors = [_field_error(entry) for entry in entries[:MAX_REPORTED_ERRORS]]
    detail = errors[0].message if count == 1 else f"{count} fields are not valid"
    if count > MAX_REPORTED_ERRORS:
        detail += f"; the first {MAX_REPORTED_ERRORS} are named"
    return problem(Code.INVALID, detail, errors)


def combined(found: Iterable[Problem]) -> Problem:
    """Several refusals of one request as one, each error once, the first ones first.

    It has their code where they share one. A wish to pause keeps its own beside any other fault:
    whoever has it is to be told.
    """
    problems = list(found)
    if len(problems) == 1:
        return problems[0]
    codes = {one.code for one in problems}
    code = codes.pop() if len(codes) == 1 else Code.INVALID
    if Code.PAUSE_NOT_SUPPORTED in codes:
        code = Code.PAUSE_NOT_SUPPORTED
    errors = list(dict.fromkeys(error for one in problems for error in one.errors))
    if len(errors) <= 1:
        return problems[0].model_copy(update={"errors": tuple(errors)})
    detail = f"{len(errors)} fields are not valid"
    if len(errors) > MAX_REPORTED_ERRORS:
        detail = f"more than {MAX_REPORTED_ERRORS} fields are not valid; so many are named"
    return problem(code, detail, errors[:MAX_REPORTED_ERRORS])


def shortened(text: str, limit: int = MAX_SHOWN_CHARACTERS) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _field_error(entry: Any) -> FieldError:
    message = _IN_JSON_WORDS.get(entry["type"]) or str(entry["msg"]).removeprefix("Value error, ")
    return FieldError(pointer=shortened(pointer(entry["loc"])), message=shortened(message))
