"""The SQL statements on deliveries and attempts, for one schema: the live one or a shadow.

Rows are merged by the rule of ``domain.deliveries.merged``: whichever comes first, the table is the
same. Nothing is written where nothing changes, as when a batch comes again.
"""

from trigger_retention.domain.deliveries import ATTEMPT, END, PLAN, AttemptRow, DeliveryRow

_TYPES = {
    "event_id": "uuid",
    "delivery_id": "uuid",
    "is_test": "boolean",
    **dict.fromkeys(
        ("epoch", "stream_seq", "planned_seq", "attempt_seq", "ended_seq"),
        "bigint",
    ),
    **dict.fromkeys(
        (
            "round",
            "attempts",
            "attempt",
            "status",
            "target_version",
            "duration_ms",
            "dns_ms",
            "connect_ms",
            "first_byte_ms",
            "retry_after_s",
        ),
        "integer",
    ),
    **dict.fromkeys(
        (
            "logged_at",
            "planned_at",
            "attempted_at",
            "started_at",
            "next_attempt_at",
            "ended_at",
        ),
        "timestamptz",
    ),
}
"""Of columns that are no texts."""

_ATTEMPT_KEY = ("event_id", "target_id", "round", "attempt", "epoch")

_NEWER_ROUND = "excluded.round > old.round"
_TAKEN_FROM_THE_NEW = {
    PLAN: "excluded.planned_seq < coalesce(old.planned_seq, 9223372036854775807)",
    # Of two of one number and epoch the one stored first: the later place is the lesser.
    ATTEMPT: (
        "(excluded.attempts, excluded.epoch, -coalesce(excluded.attempt_seq, 0))"
        " > (old.attempts, old.epoch, -coalesce(old.attempt_seq, 0))"
    ),
    END: (
        "excluded.ended_seq IS NOT NULL AND (old.ended_seq IS NULL"
        " OR (excluded.state = 'delivered', -excluded.ended_seq)"
        " > (old.state = 'delivered', -old.ended_seq))"
    ),
}
"""Of two rows of one round: when each part is taken from the one that comes."""


def _arrays(columns: tuple[str, ...]) -> str:
    return ", ".join(
        f"${position}::{_TYPES.get(column, 'text')}[]" for position, column in enumerate(columns, 1)
    )


class DeliveryStatements:
    """The statements on one schema. ``schema`` comes from code, never from outside."""

    def __init__(self, schema: str) -> None:
        columns = DeliveryRow._fields
        names = ", ".join(columns)
        cases = {
            column: f"{_NEWER_ROUND} OR (excluded.round = old.round AND {taken})"
            for part, taken in _TAKEN_FROM_THE_NEW.items()
            for column in part
        }
        changes = ", ".join(
            [
                "logged_at = least(old.logged_at, excluded.logged_at)",
                "round = greatest(old.round, excluded.round)",
                *(
                    f"{column} = CASE WHEN {case} THEN excluded.{column} ELSE old.{column} END"
                    for column, case in cases.items()
                ),
            ]
        )
        changed = " OR ".join(f"({taken})" for taken in _TAKEN_FROM_THE_NEW.values())

        self.merge = f"""
            INSERT INTO {schema}.delivery AS old ({names})
            SELECT {names} FROM unnest({_arrays(columns)}) AS new ({names})
            ON CONFLICT (event_id, target_id) DO UPDATE SET {changes}
            WHERE excluded.logged_at < old.logged_at OR {_NEWER_ROUND}
                OR (excluded.round = old.round AND ({changed}))"""

        fields = AttemptRow._fields
        names = ", ".join(fields)
        changes = ", ".join(
            f"{name} = excluded.{name}" for name in fields if name not in _ATTEMPT_KEY
        )
        self.insert_attempts = f"""
            INSERT INTO {schema}.attempt AS old ({names})
            SELECT {names} FROM unnest({_arrays(fields)}) AS new ({names})
            ON CONFLICT ({", ".join(_ATTEMPT_KEY)}) DO UPDATE SET {changes}
            WHERE excluded.stream_seq < old.stream_seq"""

        # Bounded batches, oldest first, each table by itself: what is stored while the other is
        # swept stays in neither. In the order in which they are written.
        self.erase = tuple(
            f"""
            DELETE FROM {schema}.{table} WHERE logged_at <= (
                SELECT coalesce(
                    (SELECT logged_at FROM {schema}.{table} WHERE logged_at <= $1
                     ORDER BY logged_at OFFSET $2 - 1 LIMIT 1), $1))"""
            for table in ("delivery", "attempt")
        )
