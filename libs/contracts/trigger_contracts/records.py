"""What makes a stored record one of ours: its words, its place, and values that can be kept.

Pure. Each function gives the record, or raises ``Unreadable`` with the reason, which quotes
nothing of what is stored. What passes here can be computed with and written to a table: numbers
and texts fit their columns, instants can be told in UTC.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from . import dead_letters, subjects
from .errors import Refused
from .events import (
    DEAD_LETTER,
    DUE_RECORD,
    AnyDueRecord,
    CloudEvent,
    DeadLetter,
    DeadLetterHandled,
    Due,
    Fence,
    LogEntry,
    Missed,
    TriggerChanged,
    recorded_at,
    subject_of,
)
from .idempotency import CLAIMS
from .ids import is_valid_id
from .targets.changes import TargetChanged
from .targets.target import place_of

MAX_COUNT = 2**31 - 1
"""Of versions and fires: integers of PostgreSQL."""
MAX_SEQ = 2**63 - 1
MAX_TEXT = 500
"""Characters of ids and names: the longest that a command may have, and an index takes."""
LAST_YEAR = 9990
"""A life after it must have an end that is a date, too."""
CLOCKS_APART = timedelta(days=3)
"""Nothing is decided so long before it is due, whatever two servers' clocks say: beyond it a
decision is not believed, or it would keep its trigger silent until then."""

_EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
AFTER_YEAR_9999 = "e677d21f-dc00"
"""The 48 bits of time of the first UUIDv7 that no instant of ours can name."""
_LAST_YEAR_LOGGED = 9998
"""What comes after ``logged_at`` by the length of a life must be an instant, too."""
_SHOWN_ERRORS = 3
"""A reason names at most so many fields of an event."""

_Model = TypeVar("_Model", bound=BaseModel)


class Unreadable(ValueError):  # noqa: N818 - named for the state, not for the class
    """Not a record of ours; the text says why."""


def change_in(subject: str, body: bytes) -> TriggerChanged:
    """The change stored on a subject; raises ``Unreadable``."""
    change = _parsed(TriggerChanged.model_validate_json, body)
    _must_name(subject, subject_of(change), change.trigger_id)
    definition = change.definition
    _must_fit(
        (change.version, change.fires),
        (change.creation_id, change.command_id, change.actor, definition.name, *definition.labels),
        (change.at, change.created_at, change.checkpointed_at, change.armed_from),
    )
    return change


def target_in(subject: str, body: bytes) -> TargetChanged:
    """The change of a target stored on a subject; raises ``Unreadable``."""
    change = _parsed(TargetChanged.model_validate_json, body)
    if not is_valid_id(change.target_id):
        raise Unreadable("its target_id is not an id")
    if subject != subjects.target(change.target_id):
        raise Unreadable("it names another target than its subject")
    definition = change.definition
    _must_fit(
        (change.version,),
        (change.creation_id, change.command_id, change.actor, definition.name or ""),
        (change.at, change.created_at, *(one.made_at for one in change.secrets)),
    )
    try:
        place_of(definition)
    except Refused:
        raise Unreadable("its url is none") from None
    return change


def due_in(subject: str, body: bytes, *, now: datetime, stored_at: datetime) -> AnyDueRecord:
    """The schedule decision stored on a subject; raises ``Unreadable``.

    ``now`` is the clock of record's, which may have been set back since; ``stored_at`` the
    broker's, which may be far behind the clock of record's. What one of them has reached is due.
    """
    record = _parsed(DUE_RECORD.validate_json, body)
    must_be_sound(subject, record)
    reached = min(recorded_at(record), max(now, stored_at))
    if record.cursor is not None and record.cursor > reached + CLOCKS_APART:
        raise Unreadable("it decides what is not due yet")
    return record


def must_be_sound(subject: str, record: AnyDueRecord) -> None:
    """Raises ``Unreadable`` for a decision that is well-formed, and cannot be one of ours."""
    _must_name(subject, subjects.due(record.trigger_id), record.trigger_id)
    decided = recorded_at(record)
    _must_fit((record.version, record.fires), (record.creation_id,), (record.cursor, decided))
    if not 0 <= record.change_seq <= MAX_SEQ:
        raise Unreadable("its change_seq is no sequence")
    match record:
        case Due():
            _must_fit((), (), (record.scheduled_for,))
        case Missed():
            _must_fit((record.count,), (), (record.first, record.last, *record.occurrences))
        case Fence():
            pass


def event_in(body: bytes) -> LogEntry:
    """The row of the log in a stored event (a CloudEvent); raises ``Unreadable``."""
    try:
        entry = CloudEvent.model_validate_json(body).data
    except ValidationError as error:
        raise Unreadable(_reasons(error)) from None
    if not _EVENT_ID.fullmatch(entry.event_id):
        raise Unreadable("event_id is not a UUIDv7 in lower case")
    if entry.event_id >= AFTER_YEAR_9999:
        raise Unreadable("the time in event_id lies beyond the year 9999")
    if entry.logged_at.year > _LAST_YEAR_LOGGED:
        raise Unreadable("logged_at is so late that the end of the row's life has no date")
    return entry


def dead_letter_in(body: bytes) -> DeadLetter | DeadLetterHandled:
    """What stands in the place of a dead letter; raises ``Unreadable``."""
    try:
        letter = DEAD_LETTER.validate_json(body)
        if isinstance(letter, DeadLetter):
            # What is shown of it must be there: instants in UTC, and the original.
            dead_letters.deletes_at(letter, timedelta(days=366))
            letter.dead_at.astimezone(UTC)
            dead_letters.original_of(letter)
    except (ValueError, OverflowError):
        raise Unreadable("not a dead letter") from None
    return letter


def must_be_a_claim(body: bytes) -> None:
    """Raises ``Unreadable`` for what no idempotency key is claimed with."""
    for kind in CLAIMS:
        try:
            kind.model_validate_json(body)
        except ValidationError:
            continue
        return
    raise Unreadable("not what a key is claimed with")


def _parsed(parse: Callable[[bytes], _Model], body: bytes) -> _Model:
    try:
        return parse(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/".join(str(token) for token in first["loc"])
        raise Unreadable(f"{place} {first['msg']}".strip()[:300]) from None
    except Exception as error:  # noqa: BLE001 - of a schedule or schema that cannot be made
        raise Unreadable(f"{type(error).__name__} while it was read") from None


def _must_name(subject: str, own: str, trigger_id: str) -> None:
    if not is_valid_id(trigger_id):
        raise Unreadable("its trigger_id is not an id")
    if subject != own:
        raise Unreadable("it names another trigger than its subject")


def _must_fit(
    counts: tuple[int, ...], texts: tuple[str, ...], instants: tuple[datetime | None, ...]
) -> None:
    if any(not 0 <= count <= MAX_COUNT for count in counts):
        raise Unreadable("a number is out of range")
    if any(len(text) > MAX_TEXT or "\x00" in text for text in texts):
        raise Unreadable("a text is too long, or holds NUL")
    for instant in instants:
        try:
            year = None if instant is None else instant.astimezone(UTC).year
        except OverflowError:
            year = 0
        if year is not None and not 0 < year <= LAST_YEAR:
            raise Unreadable("an instant is out of range")


def _reasons(error: ValidationError) -> str:
    """What is wrong and where, without the values: they may be a user's."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    shown = [
        f"{'.'.join(map(str, entry['loc'])) or 'body'}: {entry['msg']}"
        for entry in errors[:_SHOWN_ERRORS]
    ]
    if len(errors) > _SHOWN_ERRORS:
        shown.append(f"and {len(errors) - _SHOWN_ERRORS} more")
    return "; ".join(shown)
