"""Retention's views of the log, as tables to build statements from."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnClause,
    DateTime,
    Integer,
    Interval,
    Text,
    Uuid,
    column,
    literal_column,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY

INSTANT = DateTime(timezone=True)

_EVENT_FIELDS: list[ColumnClause[Any]] = [
    column("event_id", Uuid),
    column("trigger_id", Text),
    column("trigger_name", Text),
    column("trigger_type", Text),
    column("trigger_version", Integer),
    column("status", Text),
    column("source", Text),
    column("is_test", Boolean),
    column("scheduled_for", INSTANT),
    column("fired_at", INSTANT),
    column("logged_at", INSTANT),
    column("misfire", Boolean),
    column("reason", Text),
    column("errors", JSON),
    column("count", Integer),
    column("last_scheduled_for", INSTANT),
    column("payload", JSON),
    column("state", Text),
    column("archives_at", INSTANT),
    column("deletes_at", INSTANT),
    column("replay_of", Uuid),
    column("lateness", Interval),
    column("said", Text),
    column("word_hashes", ARRAY(BigInteger)),
    column("is_cut", Boolean),
]


def _copies() -> list[ColumnClause[Any]]:
    """A column belongs to one table only."""
    return [column(c.name, c.type) for c in _EVENT_FIELDS]


EVENTS = table("events", *_copies(), schema="retention")
EVENTS_IN = {
    None: EVENTS,
    "active": table("active", *_copies(), schema="retention"),
    "archived": table("archived", *_copies(), schema="retention"),
}
"""A state's own view bounds the row's age: comparing the state itself would read every row."""
ONLY_TO_FILTER = {"said", "word_hashes", "is_cut"}
"""Columns that nobody is shown."""
LIFE_ENDS_AT = literal_column(
    "CASE state WHEN 'active' THEN archives_at ELSE deletes_at END", INSTANT
)
"""When a row is not any more what is shown of it."""
# Where to look for words: see retention's migrations 0002 and 0003.
HOURS = table(
    "hours",
    column("first_id", Uuid),
    column("end_id", Uuid),
    column("is_closed", Boolean),
    schema="retention",
)
RECENT_WORDS = table(
    "recent_words",
    column("event_id", Uuid),
    column("hashes", ARRAY(BigInteger)),
    schema="retention",
)
WAITING_WORDS = table("waiting_words", column("event_id", Uuid), schema="retention")

DELIVERIES = table(
    "deliveries",
    column("delivery_id", Uuid),
    column("event_id", Uuid),
    column("target_id", Text),
    column("trigger_id", Text),
    column("logged_at", INSTANT),
    column("is_test", Boolean),
    column("round", Integer),
    column("state", Text),
    column("reason", Text),
    column("planned_at", INSTANT),
    column("attempts", Integer),
    column("attempted_at", INSTANT),
    column("code", Text),
    column("status", Integer),
    column("ended_at", INSTANT),
    column("next_attempt_at", INSTANT),
    schema="retention",
)
ATTEMPTS = table(
    "attempts",
    column("event_id", Uuid),
    column("target_id", Text),
    column("round", Integer),
    column("attempt", Integer),
    column("epoch", BigInteger),
    column("target_version", Integer),
    column("started_at", INSTANT),
    column("duration_ms", Integer),
    column("dns_ms", Integer),
    column("connect_ms", Integer),
    column("first_byte_ms", Integer),
    column("outcome", Text),
    column("code", Text),
    column("status", Integer),
    column("origin", Text),
    column("address", Text),
    column("excerpt", Text),
    column("retry_after_s", Integer),
    column("next_attempt_at", INSTANT),
    column("final", Text),
    column("reason", Text),
    schema="retention",
)
LIFE = table("life", column("active_for", Interval), schema="retention")
