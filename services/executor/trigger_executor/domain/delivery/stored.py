"""A lane's record as it is stored: JSON, read by whoever takes the lane and shown by the gateway.

What cannot be read counts as nothing stored: the breaker is closed then, and finds out again.
"""

import json
from datetime import UTC, datetime
from typing import Any

from .breaker import Breaker
from .lane import LaneRecord, Standing
from .rate import Mark, RateRecord


def dumped(record: LaneRecord) -> str:
    """The record as JSON; instants in ISO 8601, of marks the microseconds since 1970."""
    fields: dict[str, Any] = {"version": record.version, "standing": record.standing.value}
    breaker = record.breaker
    if breaker.failures:
        fields["failures"] = breaker.failures
    if breaker.open_until is not None:
        fields["open_until"] = breaker.open_until.isoformat()
        fields["openings"] = breaker.openings
        fields["is_gone"] = breaker.is_gone
    if record.paused_until is not None:
        fields["paused_until"] = record.paused_until.isoformat()
    if record.rate.marks:
        fields["marks"] = [[_micros(mark.at), mark.count] for mark in record.rate.marks]
    if record.rate.reserved:
        fields["reserved"] = record.rate.reserved
    return json.dumps(fields, separators=(",", ":"))


def loaded(text: str) -> LaneRecord:
    """The record in ``dumped``'s text."""
    try:
        fields = json.loads(text)
        return LaneRecord(
            version=int(fields.get("version", 0)),
            breaker=Breaker(
                failures=int(fields.get("failures", 0)),
                openings=int(fields.get("openings", 0)),
                open_until=_instant(fields.get("open_until")),
                is_gone=bool(fields.get("is_gone", False)),
            ),
            paused_until=_instant(fields.get("paused_until")),
            standing=Standing(fields.get("standing", Standing.UNKNOWN.value)),
            rate=RateRecord(
                tuple(Mark(_of_micros(at), int(count)) for at, count in fields.get("marks", ())),
                int(fields.get("reserved", 0)),
            ),
        )
    except (ValueError, TypeError, AttributeError, OverflowError):
        return LaneRecord()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _of_micros(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
