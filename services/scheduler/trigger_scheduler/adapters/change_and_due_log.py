"""The scheduler's two logs on JetStream: definitions and schedule decisions.

Every append carries the last sequence its writer knows of the subject, so a writer that
was overtaken fails instead of writing something old.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from trigger_contracts import subjects, topology
from trigger_contracts.events import AnyDueRecord, Due, TriggerChanged, subject_of
from trigger_contracts.schedule import Once
from trigger_contracts.trigger import Trigger
from trigger_runtime.jetstream.acknowledgement import PublishAck
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message, StagedMessages
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.errors import StaleExpectation
from trigger_scheduler.ports import Staged

from .purging import purge
from .records import EVERY_CHANGE, last_change, last_dues, read_change

_PAGE = 200


class JetStreamChangeLog:
    """Implements ``ports.ChangeLog`` on TRIGGER_CHANGES."""

    def __init__(
        self, connection: Connection, publisher: JetStreamPublisher, reader: StreamReader
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._reader = reader

    async def append(self, changes: Sequence[tuple[TriggerChanged, int]]) -> list[int]:
        messages = [_change_message(change, expected) for change, expected in changes]
        return [ack.seq for ack in await self._publisher.publish_batch(messages)]

    async def last(self, trigger_id: str) -> Trigger | None:
        return await last_change(self._reader, trigger_id)

    async def after(self, change_seq: int, limit: int) -> list[tuple[Trigger, datetime]]:
        found: list[tuple[Trigger, datetime]] = []
        while len(found) < limit:
            wanted = limit - len(found)
            page = await self._reader.after(change_seq, EVERY_CHANGE, wanted)
            found += [
                (trigger, message.stored_at)
                for message in page
                if (trigger := read_change(message)) is not None
            ]
            if len(page) < wanted:
                break
            change_seq = page[-1].seq
        return found

    async def of(self, trigger_id: str, after_seq: int) -> list[Trigger]:
        found: list[Trigger] = []
        for subject in (subjects.changed(trigger_id), subjects.tested(trigger_id)):
            seq, part = after_seq, None
            while part is None or len(part) == _PAGE:
                part = await self._reader.after(seq, subject, _PAGE)
                found += [one for message in part if (one := read_change(message)) is not None]
                seq = part[-1].seq if part else seq
        return sorted(found, key=lambda one: one.change_seq)

    async def erase(self, trigger_id: str, up_to_seq: int) -> None:
        await purge(
            self._connection, topology.CHANGES.name, subjects.changed(trigger_id), up_to_seq
        )


class JetStreamDueLog:
    """Implements ``ports.DueLog`` on TRIGGER_DUE."""

    def __init__(
        self, publisher: JetStreamPublisher, reader: StreamReader, changes: StreamReader
    ) -> None:
        self._publisher = publisher
        self._reader = reader
        self._changes = changes

    async def stage(self, records: Sequence[tuple[AnyDueRecord, int]]) -> Staged:
        return Staged(await self._publisher.stage(_due_messages(records)))

    async def append(
        self, records: Sequence[tuple[AnyDueRecord, int]], staged: Staged | None = None
    ) -> list[int | None]:
        if staged is None:
            return await append_dues(self._publisher, records)
        return _sequences(await self._publisher.publish_staged(cast("StagedMessages", staged)))

    async def last(
        self, trigger_ids: Sequence[str], now: datetime
    ) -> dict[str, tuple[AnyDueRecord | None, int]]:
        return await last_dues(self._reader, self._changes, trigger_ids, now)


async def append_dues(
    publisher: JetStreamPublisher, records: Sequence[tuple[AnyDueRecord, int]]
) -> list[int | None]:
    """As ``ports.DueLog.append``."""
    return _sequences(await publisher.publish_each(_due_messages(records)))


def _sequences(outcomes: Sequence[PublishAck | StaleExpectation]) -> list[int | None]:
    return [one.seq if isinstance(one, PublishAck) else None for one in outcomes]


def _change_message(change: TriggerChanged, expected: int) -> Message:
    ttl: timedelta | None = None
    if change.is_test and isinstance(change.schedule, Once):
        # A test leaves nothing: its definition goes when its row in the log does.
        ttl = max(change.schedule.at - change.at, timedelta()) + topology.LOG_LIFE
    return Message(
        subject_of(change),
        change.model_dump_json().encode(),
        # Of subject and command: the broker takes an id on another subject for a duplicate.
        message_id=f"{change.trigger_id}.{change.command_id}",
        expected_last_subject_seq=expected,
        ttl=ttl,
    )


def _due_messages(records: Sequence[tuple[AnyDueRecord, int]]) -> list[Message]:
    return [_due_message(record, expected) for record, expected in records]


def _due_message(record: AnyDueRecord, expected: int) -> Message:
    message_id = None
    if isinstance(record, Due):
        # What the event's id is made of, as it stands: a hash of it costs as much as the record.
        at = record.scheduled_for.isoformat()
        message_id = f"{record.trigger_id}.{record.creation_id}.{at}"
    return Message(
        subjects.due(record.trigger_id),
        record.model_dump_json().encode(),
        message_id=message_id,
        expected_last_subject_seq=expected,
    )
