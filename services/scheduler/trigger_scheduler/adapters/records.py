"""Records of the scheduler's logs as they are stored, readable or not.

Shared by the service and the rebuild, so that both make the same of a log. What cannot be read is
passed over: a change that changes nothing, a decision that decides nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from trigger_contracts import subjects, topology
from trigger_contracts.events import AnyDueRecord
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.records import Unreadable, change_in, due_in
from trigger_contracts.trigger import Trigger
from trigger_runtime.jetstream.backwards import ForwardReader
from trigger_runtime.jetstream.reader import StoredMessage
from trigger_runtime.jetstream.records import last_readable, pass_over
from trigger_scheduler.domain.arming import armed_row

EVERY_CHANGE = ">"
"""All subjects of TRIGGER_CHANGES, in the order in which they were stored."""


class Leader(Protocol):
    """Asks a stream's leader; ``trigger_runtime.jetstream.reader.StreamReader`` does."""

    async def last_from_leader(self, subject: str) -> StoredMessage | None: ...


class LeaderAndReader(Leader, ForwardReader, Protocol):
    """Both at once."""


class Newest(Protocol):
    """Reads many subjects' newest messages."""

    async def last_many(self, subjects: Sequence[str]) -> dict[str, StoredMessage]: ...


class LeaderAndNewest(Leader, Newest, Protocol):
    """Both at once."""


class Dues(ForwardReader, Protocol):
    """Reads many subjects, besides."""

    async def last_many(self, subjects: Sequence[str]) -> dict[str, StoredMessage]: ...


def read_change(message: StoredMessage) -> Trigger | None:
    """The trigger since a change; None if that cannot be read."""
    if why := why_unreadable(message.headers):
        pass_over(topology.CHANGES.name, message, why)
        return None
    try:
        trigger = Trigger(change_in(message.subject, message.payload), message.seq)
        armed_row(trigger, None)
    except Unreadable as error:
        pass_over(topology.CHANGES.name, message, str(error))
        return None
    except Exception as error:  # noqa: BLE001 - whatever computing with it raises
        pass_over(topology.CHANGES.name, message, f"{type(error).__name__} while it was armed")
        return None
    return trigger


def read_due(message: StoredMessage, newest_change: int, now: datetime) -> AnyDueRecord | None:
    """A decision; None if it cannot be read, or names a change that there is not yet.

    ``now`` by the clock of record.
    """
    if why := why_unreadable(message.headers):
        pass_over(topology.DUE.name, message, why)
        return None
    try:
        record = due_in(message.subject, message.payload, now=now, stored_at=message.stored_at)
    except Unreadable as error:
        pass_over(topology.DUE.name, message, str(error))
        return None
    if record.change_seq > newest_change:
        pass_over(topology.DUE.name, message, "it names a change that its trigger has not")
        return None
    return record


async def last_change(changes: LeaderAndReader, trigger_id: str) -> Trigger | None:
    """The newest change that can be read, as the log's leader knows it."""
    found: list[Trigger] = []
    for subject in (subjects.changed(trigger_id), subjects.tested(trigger_id)):
        message = await changes.last_from_leader(subject)
        if message is None:
            continue
        newest = read_change(message) or await last_readable(
            changes, subject, message.seq, read_change
        )
        if newest is not None:
            found.append(newest)
    return max(found, key=lambda one: one.change_seq, default=None)


async def newest_change(changes: Leader) -> int:
    """The sequence of the newest change of all."""
    message = await changes.last_from_leader(EVERY_CHANGE)
    return 0 if message is None else message.seq


async def last_dues(
    due: Dues, changes: LeaderAndNewest, trigger_ids: Sequence[str], now: datetime
) -> dict[str, tuple[AnyDueRecord | None, int]]:
    """Each subject's last decision, and its last sequence, which an unreadable record may have."""
    messages = await due.last_many([subjects.due(one) for one in trigger_ids])
    if not messages:
        return {}
    newest = await newest_change(changes)
    own = await changes.last_many([subjects.changed(one) for one in trigger_ids])
    found: dict[str, tuple[AnyDueRecord | None, int]] = {}
    for message in messages.values():
        trigger_id = message.subject.rpartition(".")[2]
        known = own.get(subjects.changed(trigger_id))
        record = read_due(message, newest, now)
        if record is None or (known is not None and record.change_seq > known.seq):
            # A replica may be behind: the leader knows whether the trigger has such a change.
            last = await changes.last_from_leader(subjects.changed(trigger_id))
            up_to = newest if last is None else last.seq
            record = read_due(message, up_to, now) or await _last_due(due, message, up_to, now)
        found[trigger_id] = (record, message.seq)
    return found


async def _last_due(
    due: Dues, message: StoredMessage, newest_change: int, now: datetime
) -> AnyDueRecord | None:
    return await last_readable(
        due, message.subject, message.seq, lambda older: read_due(older, newest_change, now)
    )
