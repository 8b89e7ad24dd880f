"""What a due record means for the log.

Pure: a record and the version it refers to give the same rows, with the same ids, whenever
and however often it is asked. Called by ``handlers.RecordDues``.
"""

from datetime import datetime

from pydantic import ValidationError

from trigger_contracts import subjects
from trigger_contracts.events import (
    DUE_RECORD,
    AnyDueRecord,
    Due,
    EntryStatus,
    LogEntry,
    Missed,
    Source,
)
from trigger_contracts.ids import occurrence_event_id
from trigger_contracts.records import Unreadable, must_be_sound

from .version import TriggerVersion


class RecordError(ValueError):
    """The message is no due record of a known version; its text says why, without its content."""


def parse_due(body: bytes) -> AnyDueRecord:
    """The record in ``body``; raises ``RecordError``."""
    try:
        record = DUE_RECORD.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/".join(str(token) for token in first["loc"])
        raise RecordError(f"not a due record: {place} {first['msg']}"[:300]) from None
    try:
        must_be_sound(subjects.due(record.trigger_id), record)
    except Unreadable as error:
        raise RecordError(f"not a due record: {error}") from None
    return record


def fits(record: AnyDueRecord, version: TriggerVersion) -> bool:
    """Whether ``version`` is the record's: sequences count anew in a stream made anew."""
    return version.trigger_id == record.trigger_id and version.creation_id == record.creation_id


def due_entries(record: Due | Missed, version: TriggerVersion) -> list[LogEntry]:
    """The rows of a record: one, or one for each occurrence that is listed as missed."""
    if isinstance(record, Due):
        return [_fired(record, version)]
    if not record.occurrences:
        return [_missed(record, version, record.first, count=record.count)]
    return [_missed(record, version, occurrence) for occurrence in record.occurrences]


def _fired(record: Due, version: TriggerVersion) -> LogEntry:
    return LogEntry(
        event_id=_event_id(record, record.scheduled_for),
        trigger_id=record.trigger_id,
        trigger_name=version.name,
        trigger_type=version.type,
        trigger_version=version.version,
        status=EntryStatus.FIRED,
        source=_source(version),
        is_test=version.is_test,
        scheduled_for=record.scheduled_for,
        fired_at=record.published_at,
        logged_at=record.published_at,
        misfire=record.misfire,
        payload=version.payload,
    )


def _missed(
    record: Missed, version: TriggerVersion, occurrence: datetime, *, count: int = 1
) -> LogEntry:
    return LogEntry(
        event_id=_event_id(record, occurrence),
        trigger_id=record.trigger_id,
        trigger_name=version.name,
        trigger_type=version.type,
        trigger_version=version.version,
        status=EntryStatus.MISSED,
        source=_source(version),
        is_test=version.is_test,
        scheduled_for=occurrence,
        fired_at=None,
        logged_at=record.decided_at,
        reason=record.reason,
        count=count,
        last_scheduled_for=record.last if count > 1 else None,
    )


def _event_id(record: Due | Missed, occurrence: datetime) -> str:
    return str(occurrence_event_id(record.trigger_id, record.creation_id, occurrence))


def _source(version: TriggerVersion) -> Source:
    return Source.TEST if version.is_test else Source.SCHEDULE
