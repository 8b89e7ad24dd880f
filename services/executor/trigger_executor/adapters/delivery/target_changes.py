"""Targets as their log has them, and those written out in tests: ``ports.lanes.TargetChanges``."""

from collections.abc import Sequence

from trigger_contracts import subjects, topology
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.records import Unreadable, change_in, target_in
from trigger_contracts.targets.changes import (
    SigningSecret,
    TargetChanged,
    TargetChangeKind,
    TargetStatus,
)
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.jetstream.records import last_readable, pass_over

PAGE = 200


class JetStreamTargetChanges:
    """Reads TRIGGER_TARGETS, and TRIGGER_CHANGES for a test's."""

    def __init__(self, targets: StreamReader, changes: StreamReader) -> None:
        self._targets = targets
        self._changes = changes

    async def after(self, seq: int) -> tuple[int, Sequence[TargetChanged]]:
        page = await self._targets.after(seq, subjects.ALL_TARGETS, PAGE)
        # Each is the full state: of a subject the last one is all that counts.
        newest = {message.subject: message for message in page}
        found = [one for message in newest.values() if (one := _read(message)) is not None]
        return page[-1].seq if page else seq, found

    async def last(self, target_id: str) -> TargetChanged | None:
        subject = subjects.target(target_id)
        message = await self._targets.last_from_leader(subject)
        if message is None:
            return None
        return _read(message) or await last_readable(self._targets, subject, message.seq, _read)

    async def in_test(self, trigger_id: str, change_seq: int) -> TargetChanged | None:
        message = await self._changes.get(change_seq)
        if message is None:
            message = await self._changes.get_from_leader(change_seq)
        # Sequences count anew in a stream made anew.
        if message is None or message.subject != subjects.tested(trigger_id):
            return None
        if why_unreadable(message.headers):
            return None
        try:
            change = change_in(message.subject, message.payload)
        except Unreadable as error:
            pass_over(topology.CHANGES.name, message, str(error))
            return None
        target = change.test_target
        if target is None:
            return None
        secrets: tuple[SigningSecret, ...] = ()
        if target.secret is not None:
            secrets = (SigningSecret(sealed=target.secret, made_at=change.at),)
        return TargetChanged(
            kind=TargetChangeKind.CREATED,
            target_id=target.target_id,
            creation_id=change.command_id,
            command_id=change.command_id,
            version=1,
            status=TargetStatus.ACTIVE,
            definition=target.definition,
            secrets=secrets,
            actor=change.actor,
            at=change.at,
            created_at=change.at,
            created_by=change.actor,
        )


def _read(message: StoredMessage) -> TargetChanged | None:
    if why := why_unreadable(message.headers):
        pass_over(topology.TARGETS.name, message, why)
        return None
    try:
        return target_in(message.subject, message.payload)
    except Unreadable as error:
        pass_over(topology.TARGETS.name, message, str(error))
        return None
