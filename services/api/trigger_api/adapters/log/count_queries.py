"""SQL that counts rows of the log by bucket of time, status and lateness.

Whole hours and minutes come from retention's sums, so that 48 h cost a few thousand of these and
not every event. Read row by row are the two minutes that the range or a life's end cuts, and
everything where the filter asks for what no sum tells apart.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Executable,
    Interval,
    Select,
    Text,
    TextClause,
    bindparam,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from trigger_api.domain.queries import EventFilter, LogFilter, StateFilter

from .filter_sql import conditions
from .tables import EVENTS_IN, INSTANT

_SUMMED_FIELDS = {"type", "source", "status", "is_test", "from_", "to", "state"}
"""What retention's sums tell apart."""
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
"""What they are sums of."""

_PASSES = """
    (CAST(:status AS text[]) IS NULL OR status = ANY (:status))
    AND (CAST(:source AS text[]) IS NULL OR source = ANY (:source))
    AND (CAST(:type AS text[]) IS NULL OR trigger_type = ANY (:type))
    AND (CAST(:is_test AS boolean) IS NULL OR is_test = :is_test)"""

_EVER = "timestamptz 'infinity'"
_BUCKET = "date_bin(:width, {column}, TIMESTAMPTZ 'epoch')"

# Of the range from since to until: what is in whole hours, what is in whole minutes before and
# after these, and the rows of the two minutes that the range or the end of a life cuts.
_SUMMED = """
    WITH life AS (
        SELECT now() - kept_for AS gone, now() - active_for AS archived FROM retention.life
    ), bounds AS (
        SELECT date_trunc('minute', greatest(:from, {since})) + interval '1 minute' AS minutes,
               date_trunc('minute', least(:to, {until})) AS until
        FROM life
    ), whole AS (
        SELECT minutes, greatest(minutes, until) AS until,
               date_bin(:unit, minutes - interval '1 microsecond', TIMESTAMPTZ 'epoch') + :unit
                   AS hours,
               CASE WHEN isfinite(until) THEN date_bin(:unit, until, TIMESTAMPTZ 'epoch')
                    ELSE until END AS hours_until
        FROM bounds
    ), passing AS NOT MATERIALIZED (
        SELECT logged_at, status, lateness
        FROM retention.{view}
        WHERE {passes}
          -- Bounds that an index can be asked for, whether they are given or not.
          AND logged_at >= coalesce(:from, timestamptz '-infinity')
          AND logged_at < coalesce(:to, timestamptz 'infinity')
    ), found AS (
        SELECT {bucket_of_sum} AS bucket, status, lateness_step, rows
        FROM retention.sums
        WHERE span = :unit AND {passes}
          AND begins >= (SELECT hours FROM whole) AND begins < (SELECT hours_until FROM whole)
        UNION ALL
        SELECT {bucket_of_sum}, status, lateness_step, rows
        FROM retention.sums
        WHERE span = interval '1 minute' AND {passes}
          AND begins >= (SELECT minutes FROM whole)
          AND begins < (SELECT least(hours, until) FROM whole)
        UNION ALL
        SELECT {bucket_of_sum}, status, lateness_step, rows
        FROM retention.sums
        WHERE span = interval '1 minute' AND {passes}
          AND begins >= (SELECT greatest(hours, hours_until) FROM whole)
          AND begins < (SELECT until FROM whole)
        UNION ALL
        SELECT {bucket}, status, retention.lateness_step(lateness), 1
        FROM passing WHERE logged_at < (SELECT minutes FROM whole)
        UNION ALL
        SELECT {bucket}, status, retention.lateness_step(lateness), 1
        FROM passing WHERE logged_at >= (SELECT until FROM whole)
    ), summed AS (
        SELECT bucket, status, lateness_step, CAST(sum(rows) AS bigint) AS rows
        FROM found GROUP BY 1, 2, 3
    )
    SELECT bucket, status, array_agg(lateness_step) AS lateness_steps, array_agg(rows) AS rows
    FROM summed GROUP BY 1, 2"""


def _summed(view: str, since: str, until: str) -> TextClause:
    statement = _SUMMED.format(
        view=view,
        since=since,
        until=until,
        passes=_PASSES,
        bucket=_BUCKET.format(column="logged_at"),
        bucket_of_sum=_BUCKET.format(column="begins"),
    )
    return text(statement).bindparams(
        bindparam("from", type_=INSTANT),
        bindparam("to", type_=INSTANT),
        *(bindparam(name, type_=ARRAY(Text)) for name in ("status", "source", "type")),
        bindparam("width", type_=Interval),
        bindparam("unit", type_=Interval),
    )


_SUMMED_IN = {
    None: _summed("events", "gone", _EVER),
    "active": _summed("active", "archived", _EVER),
    "archived": _summed("archived", "gone", "archived"),
}


def is_summed(wanted: EventFilter) -> bool:
    """Whether the sums tell apart what ``wanted`` asks for."""
    asked = {name for name in EventFilter.model_fields if getattr(wanted, name) is not None}
    if isinstance(wanted, LogFilter) and wanted.asks_for_deliveries:
        return False
    return asked <= _SUMMED_FIELDS


def only_summed(wanted: StateFilter) -> StateFilter:
    """``wanted`` without what no sum tells apart."""
    kept = {name: getattr(wanted, name) for name in _SUMMED_FIELDS}
    return StateFilter.model_construct(**kept)


def counts(wanted: StateFilter, width: timedelta) -> tuple[Executable, dict[str, Any]]:
    """The statement that counts, and its parameters."""
    if not is_summed(wanted):
        return _read(wanted, width), {}
    return _SUMMED_IN[wanted.life], {
        "from": wanted.from_,
        "to": wanted.to,
        **{name: _texts(getattr(wanted, name)) for name in ("status", "source", "type")},
        "is_test": wanted.is_test,
        "width": width,
        "unit": _MINUTE if width % _HOUR else _HOUR,
    }


def _texts(words: Iterable[str] | None) -> list[str] | None:
    return None if words is None else [str(word) for word in words]


def _read(wanted: StateFilter, width: timedelta) -> Select[Any]:
    c = EVENTS_IN[wanted.life].c
    epoch = literal_column("TIMESTAMPTZ 'epoch'", INSTANT)
    bucket = func.date_bin(width, c.logged_at, epoch).label("bucket")
    step = func.retention.lateness_step(c.lateness).label("lateness_step")
    rows = func.count(type_=BigInteger).label("rows")
    found = select(bucket, c.status, step, rows).where(*conditions(c, wanted))
    summed = found.group_by(bucket, c.status, step).subquery().c
    return select(
        summed.bucket,
        summed.status,
        func.array_agg(summed.lateness_step).label("lateness_steps"),
        func.array_agg(summed.rows).label("rows"),
    ).group_by(summed.bucket, summed.status)
