"""Records of deliveries read as rows: what each says of its delivery, and the attempt in it.

Records come in no order and more than once, to several replicas. So a delivery's row is merged of
what single records say, each with its place in the stream, and comes out the same whatever the
order: the newest round counts; in it the first plan, the newest attempt, and of what ends it a
success, else the first. As the records of one delivery are written (no round is planned before the
one before has ended), that is what ``trigger_contracts.deliveries.fold`` makes of them in order.
The table merges by the same rule (``adapters.delivery_statements``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from trigger_contracts.deliveries.outcomes import DeliveryState, Final
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    DeliveryPlanned,
    DeliveryRecord,
    record_in,
)
from trigger_contracts.records import Unreadable


class DeliveryRow(NamedTuple):
    """A delivery as one or several records have it; names as the table's columns.

    ``attempts`` and ``epoch`` are 0 where no attempt of the round is known, what has a ``_seq``
    that is None is not known either.
    """

    event_id: str
    target_id: str
    delivery_id: str
    trigger_id: str
    logged_at: datetime
    round: int
    planned_seq: int | None = None
    planned_at: datetime | None = None
    is_test: bool = False
    attempts: int = 0
    epoch: int = 0
    attempt_seq: int | None = None
    attempted_at: datetime | None = None
    next_attempt_at: datetime | None = None
    code: str | None = None
    status: int | None = None
    state: str = DeliveryState.PENDING
    ended_seq: int | None = None
    ended_at: datetime | None = None
    reason: str | None = None


PLAN = ("planned_seq", "planned_at", "is_test")
ATTEMPT = (
    "attempts",
    "epoch",
    "attempt_seq",
    "attempted_at",
    "next_attempt_at",
    "code",
    "status",
)
END = ("state", "ended_seq", "ended_at", "reason")
"""The parts of a row that are taken from one record each; names of columns."""


class AttemptRow(NamedTuple):
    """One attempt; names as the table's columns."""

    event_id: str
    target_id: str
    round: int
    attempt: int
    epoch: int
    stream_seq: int
    logged_at: datetime
    target_version: int
    started_at: datetime
    duration_ms: int
    dns_ms: int | None
    connect_ms: int | None
    first_byte_ms: int | None
    outcome: str
    code: str | None
    status: int | None
    origin: str
    address: str | None
    excerpt: str | None
    retry_after_s: int | None
    next_attempt_at: datetime | None
    final: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class RecordRows:
    """What one record says."""

    delivery: DeliveryRow
    attempt: AttemptRow | None = None


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """Nothing of a delivery, and never will be."""

    reason: str


def read(subject: str, body: bytes, stream_seq: int) -> RecordRows | UnreadableRecord:
    """The rows in a record (a CloudEvent) that is stored on ``subject`` at ``stream_seq``."""
    try:
        record = record_in(subject, body)
    except Unreadable as why:
        return UnreadableRecord(str(why))
    return rows_of(record, stream_seq)


def rows_of(record: DeliveryRecord, stream_seq: int) -> RecordRows:
    """The rows of a record that is stored at ``stream_seq``."""
    match record:
        case DeliveryPlanned():
            return RecordRows(
                _row(
                    record,
                    planned_seq=stream_seq,
                    planned_at=record.planned_at,
                    is_test=record.is_test,
                )
            )
        case DeliveryEnded():
            return RecordRows(
                _row(
                    record,
                    state=DeliveryState.DEAD,
                    ended_seq=stream_seq,
                    ended_at=record.ended_at,
                    reason=record.reason,
                )
            )
        case DeliveryAttempted():
            return RecordRows(_attempted(record, stream_seq), _attempt(record, stream_seq))


def merged(one: DeliveryRow, other: DeliveryRow) -> DeliveryRow:
    """Both rows, of one delivery, as one; in whatever order, and however often."""
    logged_at = min(one.logged_at, other.logged_at)
    if one.round != other.round:
        return max(one, other, key=lambda row: row.round)._replace(logged_at=logged_at)
    plan = min(one, other, key=lambda row: (row.planned_seq is None, row.planned_seq or 0))
    attempt = max(one, other, key=lambda row: (row.attempts, row.epoch, -(row.attempt_seq or 0)))
    end = max(one, other, key=_weight_of_end)
    return one._replace(
        logged_at=logged_at,
        **{name: getattr(plan, name) for name in PLAN},
        **{name: getattr(attempt, name) for name in ATTEMPT},
        **{name: getattr(end, name) for name in END},
    )


def merged_rows(rows: Iterable[DeliveryRow]) -> list[DeliveryRow]:
    """One row for each delivery, in the order in which all writers take them."""
    found: dict[tuple[str, str], DeliveryRow] = {}
    for row in rows:
        key = (row.event_id, row.target_id)
        before = found.get(key)
        found[key] = row if before is None else merged(before, row)
    return [found[key] for key in sorted(found)]


def first_attempts(rows: Iterable[AttemptRow]) -> list[AttemptRow]:
    """Of the rows of one attempt the one stored first, in the order in which all take them."""
    found: dict[tuple[str, str, int, int, int], AttemptRow] = {}
    for row in rows:
        kept = found.setdefault(row[:5], row)
        if row.stream_seq < kept.stream_seq:
            found[row[:5]] = row
    return [found[key] for key in sorted(found)]


def _weight_of_end(row: DeliveryRow) -> tuple[bool, bool, int]:
    return row.ended_seq is not None, row.state == Final.DELIVERED, -(row.ended_seq or 0)


def _row(record: DeliveryRecord, **known: Any) -> DeliveryRow:
    return DeliveryRow(
        record.event_id,
        record.target_id,
        record.delivery_id,
        record.trigger_id,
        record.logged_at,
        record.round,
    )._replace(**known)


def _attempted(record: DeliveryAttempted, stream_seq: int) -> DeliveryRow:
    row = _row(
        record,
        attempts=record.attempt,
        epoch=record.epoch,
        attempt_seq=stream_seq,
        attempted_at=record.started_at,
        next_attempt_at=record.next_attempt_at,
        code=record.code,
        status=record.status,
    )
    if record.final is None:
        return row
    return row._replace(
        state=record.final.value,
        ended_seq=stream_seq,
        ended_at=record.started_at + timedelta(milliseconds=record.duration_ms),
        reason=record.reason,
    )


def _attempt(record: DeliveryAttempted, stream_seq: int) -> AttemptRow:
    return AttemptRow(
        record.event_id,
        record.target_id,
        record.round,
        record.attempt,
        record.epoch,
        stream_seq,
        record.logged_at,
        record.target_version,
        record.started_at,
        record.duration_ms,
        record.dns_ms,
        record.connect_ms,
        record.first_byte_ms,
        record.outcome,
        record.code,
        record.status,
        record.origin,
        record.address,
        record.excerpt,
        record.retry_after_s,
        record.next_attempt_at,
        record.final,
        record.reason,
    )
