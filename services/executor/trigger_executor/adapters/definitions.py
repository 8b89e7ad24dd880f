"""Versions and current states of triggers, read from TRIGGER_CHANGES.

Versions are immutable and kept by their sequence; states are asked of the stream's leader
each time, since a fire must meet the newest version. Never writes.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

from trigger_contracts import subjects, topology
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.records import Unreadable, change_in
from trigger_contracts.trigger import Trigger
from trigger_executor.domain.version import TriggerVersion, version_of
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.jetstream.records import last_readable, pass_over

MAX_VERSIONS = 20_000
"""Versions kept: with small payloads about 20 MB."""
READS_AT_ONCE = 64
"""Single reads in flight: more only queue at the broker."""


class ChangeReader:
    """The log of definitions, as the executor reads it."""

    def __init__(self, reader: StreamReader, *, max_bytes: int) -> None:
        self._reader = reader
        self._kept = _Kept(max_bytes)
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def versions(self, wanted: Mapping[int, str]) -> Mapping[int, TriggerVersion]:
        found, missing = self._kept.take(wanted)
        if not missing:
            return found
        # Nearly always a trigger's newest change is the one: one request for all of them.
        newest = await self._reader.last_many(
            sorted({subjects.changed(wanted[seq]) for seq in missing})
        )
        for message in newest.values():
            if message.seq in missing and (version := self._keep(message)) is not None:
                found[message.seq] = version
        older = [seq for seq in missing if seq not in found]
        for message_or_none in await asyncio.gather(
            *(self._one(seq, wanted[seq]) for seq in older)
        ):
            if message_or_none is not None and (version := self._keep(message_or_none)) is not None:
                found[message_or_none.seq] = version
        return found

    async def current(self, trigger_ids: Collection[str]) -> Mapping[str, Trigger]:
        newest = await asyncio.gather(*(self._current(trigger_id) for trigger_id in trigger_ids))
        return {
            trigger_id: trigger
            for trigger_id, trigger in zip(trigger_ids, newest, strict=True)
            if trigger is not None
        }

    async def _current(self, trigger_id: str) -> Trigger | None:
        """The newest change that can be read: one that cannot changes nothing."""
        message = await self._newest(trigger_id)
        if message is None:
            return None
        return trigger_in(message) or await last_readable(
            self._reader, message.subject, message.seq, trigger_in
        )

    async def at(self, trigger_id: str, change_seq: int) -> Trigger | None:
        """Not kept: only what is fired again under its key after an edit asks for it."""
        message = await self._one(change_seq, trigger_id)
        # Sequences count anew in a stream made anew.
        if message is None or message.subject != subjects.changed(trigger_id):
            return None
        return trigger_in(message)

    async def _one(self, seq: int, trigger_id: str) -> StoredMessage | None:
        async with self._reads:
            message = await self._reader.get(seq)
        if message is None:
            # The replica that was asked may not have it yet.
            message = await self._newest(trigger_id)
        return message if message is not None and message.seq == seq else None

    async def _newest(self, trigger_id: str) -> StoredMessage | None:
        async with self._reads:
            return await self._reader.last_from_leader(subjects.changed(trigger_id))

    def _keep(self, message: StoredMessage) -> TriggerVersion | None:
        trigger = trigger_in(message)
        if trigger is None:
            return None
        version = version_of(trigger.change, message.seq)
        self._kept.put(message.seq, version, len(message.payload))
        return version


def trigger_in(message: StoredMessage) -> Trigger | None:
    """The trigger that a stored change says; None for one that cannot be read."""
    if why := why_unreadable(message.headers):
        pass_over(topology.CHANGES.name, message, why)
        return None
    try:
        return Trigger(change_in(message.subject, message.payload), message.seq)
    except Unreadable as error:
        pass_over(topology.CHANGES.name, message, str(error))
        return None


class _Kept:
    """The versions used last, within a number and a size."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._versions: OrderedDict[int, tuple[TriggerVersion, int]] = OrderedDict()

    def take(self, seqs: Iterable[int]) -> tuple[dict[int, TriggerVersion], set[int]]:
        """What is kept of ``seqs``, and which are not."""
        found: dict[int, TriggerVersion] = {}
        missing: set[int] = set()
        for seq in seqs:
            kept = self._versions.get(seq)
            if kept is None:
                missing.add(seq)
            else:
                found[seq] = kept[0]
                self._versions.move_to_end(seq)
        return found, missing

    def put(self, seq: int, version: TriggerVersion, size: int) -> None:
        _, replaced = self._versions.pop(seq, (None, 0))
        self._versions[seq] = (version, size)
        self._bytes += size - replaced
        while len(self._versions) > MAX_VERSIONS or self._bytes > self._max_bytes:
            _, (_, dropped) = self._versions.popitem(last=False)
            self._bytes -= dropped
