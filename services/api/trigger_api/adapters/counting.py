"""SQL that counts rows of the log by bucket of time, status and lateness.

Whole minutes of closed hours come from retention's summary, so that 48 h cost a few thousand of
its rows and not every event. Read row by row are: hours not closed yet, the two minutes that
the range or a life's end cuts, and everything where the filter asks for what no summary has.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Executable,
    Interval,
    Select,
    TextClause,
    bindparam,
    func,
    literal_column,
    select,
    text,
)

from trigger_api.domain.queries import EventFilter, StateFilter

from .filtering import conditions
from .statements import EVENTS_IN

_INSTANT = DateTime(timezone=True)
_SUMMED_FIELDS = {"type", "source", "status", "is_test", "from_", "to", "state"}
"""What the summary tells apart."""

_PASSES = """
    (CAST(:status AS text) IS NULL OR status = :status)
    AND (CAST(:source AS text) IS NULL OR source = :source)
    AND (CAST(:type AS text) IS NULL OR trigger_type = :type)
    AND (CAST(:is_test AS boolean) IS NULL OR is_test = :is_test)"""

_BUCKET = "date_bin(:width, {column}, TIMESTAMPTZ 'epoch')"

# Whole are the minutes from since to until: whatever the range or the state's life cuts is not.
_SUMMED = """
    WITH life AS (
        SELECT now() - kept_for AS gone, now() - active_for AS archived FROM retention.life
    ), bounds AS (
        SELECT date_trunc('minute', greatest(:from, {oldest})) + interval '1 minute' AS since,
               date_trunc('minute', least(:to, {newest})) AS until
        FROM life
    ), whole AS (
        SELECT since, greatest(since, until) AS until FROM bounds
    ), passing AS NOT MATERIALIZED (
        SELECT logged_at, event_id, status, lateness
        FROM retention.{view}
        WHERE {passes}
          AND (CAST(:from AS timestamptz) IS NULL OR logged_at >= :from)
          AND (CAST(:to AS timestamptz) IS NULL OR logged_at < :to)
    ), found AS (
        SELECT {bucket_of_minute} AS bucket, status, lateness_step, rows
        FROM retention.minutes
        WHERE minute >= (SELECT since FROM whole) AND minute < (SELECT until FROM whole)
          AND {passes}
        UNION ALL
        SELECT {bucket}, status, retention.lateness_step(lateness), 1
        FROM passing WHERE logged_at < (SELECT since FROM whole)
        UNION ALL
        SELECT {bucket}, status, retention.lateness_step(lateness), 1
        FROM passing WHERE logged_at >= (SELECT until FROM whole)
        UNION ALL
        SELECT {bucket}, status, retention.lateness_step(lateness), 1
        FROM retention.open_hours AS open_hour CROSS JOIN LATERAL (
            SELECT * FROM passing
            WHERE event_id >= open_hour.first_id AND event_id < open_hour.end_id
            OFFSET 0 -- planned by itself: hour by hour, each in its own partition
        ) AS passing
        WHERE logged_at >= (SELECT since FROM whole) AND logged_at < (SELECT until FROM whole)
    )
    SELECT bucket, status, lateness_step, CAST(sum(rows) AS bigint) AS rows
    FROM found GROUP BY 1, 2, 3"""


def _summed(view: str, oldest: str, newest: str) -> TextClause:
    statement = _SUMMED.format(
        view=view,
        oldest=oldest,
        newest=newest,
        passes=_PASSES,
        bucket=_BUCKET.format(column="logged_at"),
        bucket_of_minute=_BUCKET.format(column="minute"),
    )
    return text(statement).bindparams(
        bindparam("from", type_=_INSTANT),
        bindparam("to", type_=_INSTANT),
        bindparam("width", type_=Interval),
    )


_SUMMED_IN = {
    None: _summed("events", "gone", "now()"),
    "active": _summed("active", "archived", "now()"),
    "archived": _summed("archived", "gone", "archived"),
}


def is_summed(wanted: EventFilter) -> bool:
    """Whether the summary tells apart what ``wanted`` asks for."""
    asked = {name for name in EventFilter.model_fields if getattr(wanted, name) is not None}
    return asked <= _SUMMED_FIELDS


def only_summed(wanted: StateFilter) -> StateFilter:
    """``wanted`` without what no summary tells apart."""
    kept = {name: getattr(wanted, name) for name in _SUMMED_FIELDS}
    return StateFilter.model_construct(**kept)


def counts(wanted: StateFilter, width: timedelta) -> tuple[Executable, dict[str, Any]]:
    """The statement that counts, and its parameters."""
    if not is_summed(wanted):
        return _read(wanted, width), {}
    return _SUMMED_IN[wanted.state], {
        "from": wanted.from_,
        "to": wanted.to,
        "status": wanted.status and wanted.status.value,
        "source": wanted.source and wanted.source.value,
        "type": wanted.type,
        "is_test": wanted.is_test,
        "width": width,
    }


def _read(wanted: StateFilter, width: timedelta) -> Select[Any]:
    c = EVENTS_IN[wanted.state].c
    epoch = literal_column("TIMESTAMPTZ 'epoch'", _INSTANT)
    bucket = func.date_bin(width, c.logged_at, epoch).label("bucket")
    step = func.retention.lateness_step(c.lateness).label("lateness_step")
    rows = func.count(type_=BigInteger).label("rows")
    found = select(bucket, c.status, step, rows).where(*conditions(c, wanted))
    return found.group_by(literal_column("1"), literal_column("2"), literal_column("3"))
