"""The service's SQL statements, for one schema: the live one, or a rebuild's shadow.

Those on deliveries alone are in ``delivery_statements``.
"""

from trigger_retention.domain.rows import LogRow

PAUSE_KEY = 4_773_003
"""Advisory lock: writers hold it shared, a rebuild holds it alone while it switches schemas."""
SWEEP_KEY = 4_773_004
"""Advisory lock: one replica sweeps at a time."""

_TYPES = {
    **dict.fromkeys(("event_id", "replay_of"), "uuid"),
    "stream_seq": "bigint",
    "trigger_version": "integer",
    "count": "integer",
    **dict.fromkeys(("is_test", "misfire"), "boolean"),
    **dict.fromkeys(
        ("scheduled_for", "fired_at", "logged_at", "last_scheduled_for"), "timestamptz"
    ),
}
_JSON = ("errors", "payload")


class Statements:
    """The statements on one schema. ``schema`` comes from code, never from outside."""

    def __init__(self, schema: str) -> None:
        columns = LogRow._fields
        arrays = ", ".join(
            f"${position}::{_TYPES.get(column, 'text')}[]"
            for position, column in enumerate(columns, 1)
        )
        values = ", ".join(f"{c}::json" if c in _JSON else c for c in columns)
        changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c != "event_id")
        names = ", ".join(columns)

        # A statement of its own, before any that names something of the schema. PostgreSQL learns
        # that a name means something else when it locks a table that it has not locked before in
        # the transaction: who waits here has locked none, so that the next statement, prepared or
        # not, finds the new schema.
        self.pause = f"SELECT pg_advisory_xact_lock_shared({PAUSE_KEY})"

        self.begin_write = f"SELECT now() - kept_for AS erased_before FROM {schema}.life"

        # Whatever order replicas write in, of two messages with one event id the first stored
        # one stays: a rebuild, which reads in order, comes to the same table.
        self.insert = f"""
            INSERT INTO {schema}.event AS old ({names})
            SELECT {values} FROM unnest({arrays}) AS new ({names})
            ON CONFLICT (event_id) DO UPDATE SET {changes}
            WHERE excluded.stream_seq < old.stream_seq"""

        self.ensure_partitions = f"SELECT {schema}.ensure_partitions($1)"

        self.hours_to_close = f"""
            SELECT hour, pg_relation_size(partition) AS size, now() AS at
            FROM {schema}.hours
            WHERE NOT is_closed AND hour + interval '1 hour' + $1 <= now() ORDER BY hour DESC"""

        self.close_hour = f"SELECT {schema}.close_hour($1)"

        self.index_words = f"SELECT {schema}.index_words($1, $2)"

        self.is_alive = "SELECT " + " OR ".join(
            f"""EXISTS (SELECT FROM {schema}.{table}
                WHERE event_id >= {schema}.first_id($1)
                  AND event_id < {schema}.first_id($1 + interval '1 hour') AND logged_at > $2)"""
            for table in ("event", "delivery", "attempt")
        )

        # Rows that go with their partition go without DELETE, and its trigger.
        self.take_off_sums = f"""
            INSERT INTO {schema}.summary AS s
            SELECT span, begins, status, source, trigger_type, is_test, lateness_step, -rows
            FROM {schema}.sums_of({schema}.first_id($1), {schema}.first_id($1 + interval '1 hour'))
            ORDER BY 1, 2, 3, 4, 5, 6, 7
            ON CONFLICT (span, begins, status, source, trigger_type, is_test, lateness_step)
                DO UPDATE SET rows = s.rows + excluded.rows"""

        self.drop_partition = f"SELECT {schema}.drop_partition($1)"

        # Without the hint a partition most of whose rows are past is scanned whole, every second.
        self.begin_sweep = f"""
            SELECT set_config('enable_seqscan', 'off', true),
                   pg_try_advisory_xact_lock({SWEEP_KEY}) AS alone,
                   now() AS swept_at, now() - kept_for AS erased_before
            FROM {schema}.life"""

        # A bounded batch, oldest first: up to the instant of the last row that is in it.
        self.erase = f"""
            DELETE FROM {schema}.event WHERE logged_at <= (
                SELECT coalesce(
                    (SELECT logged_at FROM {schema}.event WHERE logged_at <= $1
                     ORDER BY logged_at OFFSET $2 - 1 LIMIT 1), $1))"""

        # Minutes and hours that are past as a whole; none of their rows is there any more.
        self.forget_sums = f"""
            DELETE FROM {schema}.summary
            USING (VALUES (interval '1 minute'), (interval '1 hour')) AS each (length)
            WHERE span = length AND begins <= $1::timestamptz - length"""

        self.partitions = f"""
            SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = '{schema}.event'::regclass AND relname <= $1
            ORDER BY relname"""

        self.measures = f"""
            SELECT now() - kept_for - least(
                       (SELECT min(logged_at) FROM {schema}.event),
                       (SELECT min(logged_at) FROM {schema}.delivery),
                       (SELECT min(logged_at) FROM {schema}.attempt)) AS overdue,
                   (SELECT coalesce(sum(rows), 0)::bigint FROM {schema}.summary
                    WHERE span = interval '1 hour') AS rows,
                   (SELECT count(*) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                    WHERE inhparent = '{schema}.event'::regclass AND relname >
                        'event_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24')) AS ahead
            FROM {schema}.life"""

        self.set_lifetime = f"""
            INSERT INTO {schema}.life_setting AS old (active_for, kept_for)
            VALUES (make_interval(secs => $1), make_interval(secs => $2))
            ON CONFLICT (only_row) DO UPDATE
            SET active_for = excluded.active_for, kept_for = excluded.kept_for
            WHERE (old.active_for, old.kept_for) IS DISTINCT FROM
                  (excluded.active_for, excluded.kept_for)"""
