"""The log of targets on JetStream: TRIGGER_TARGETS. See ``change_and_due_log``."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from trigger_contracts import subjects, topology
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.records import Unreadable, target_in
from trigger_contracts.targets.changes import TargetChanged
from trigger_contracts.targets.target import Target
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.jetstream.records import last_readable, pass_over

from .purging import purge

_PAGE = 200


class JetStreamTargetLog:
    """Implements ``ports.TargetLog``."""

    def __init__(
        self, connection: Connection, publisher: JetStreamPublisher, *, timeout: timedelta
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._reader = StreamReader(connection, topology.TARGETS.name, timeout=timeout)

    async def append(self, changes: Sequence[tuple[TargetChanged, int]]) -> list[int]:
        messages = [
            Message(
                subjects.target(change.target_id),
                change.model_dump_json().encode(),
                message_id=f"{change.target_id}.{change.command_id}",
                expected_last_subject_seq=expected,
            )
            for change, expected in changes
        ]
        return [ack.seq for ack in await self._publisher.publish_batch(messages)]

    async def last(self, target_id: str) -> Target | None:
        subject = subjects.target(target_id)
        message = await self._reader.last_from_leader(subject)
        if message is None:
            return None
        return read_target(message) or await last_readable(
            self._reader, subject, message.seq, read_target
        )

    async def after(self, change_seq: int, limit: int) -> list[tuple[Target, datetime]]:
        found: list[tuple[Target, datetime]] = []
        while len(found) < limit:
            wanted = limit - len(found)
            page = await self._reader.after(change_seq, subjects.ALL_TARGETS, wanted)
            found += [
                (target, message.stored_at)
                for message in page
                if (target := read_target(message)) is not None
            ]
            if len(page) < wanted:
                break
            change_seq = page[-1].seq
        return found

    async def of(self, target_id: str, after_seq: int) -> list[Target]:
        found: list[Target] = []
        while True:
            part = await self._reader.after(after_seq, subjects.target(target_id), _PAGE)
            found += [one for message in part if (one := read_target(message)) is not None]
            if len(part) < _PAGE:
                return found
            after_seq = part[-1].seq

    async def erase(self, target_id: str, up_to_seq: int) -> None:
        await purge(self._connection, topology.TARGETS.name, subjects.target(target_id), up_to_seq)


def read_target(message: StoredMessage) -> Target | None:
    """The target since a change; None if that cannot be read."""
    if why := why_unreadable(message.headers):
        pass_over(topology.TARGETS.name, message, why)
        return None
    try:
        return Target(target_in(message.subject, message.payload), message.seq)
    except Unreadable as error:
        pass_over(topology.TARGETS.name, message, str(error))
        return None
