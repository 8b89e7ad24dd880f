"""Targets as they stand, read from TRIGGER_TARGETS. Never writes."""

import asyncio
from collections.abc import Collection

from trigger_contracts import subjects
from trigger_contracts.records import Unreadable, target_in
from trigger_contracts.targets.changes import TargetStatus
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.jetstream.records import last_readable


class TargetReader:
    """``ports.Targets``: asked for tests alone, which name targets of their own."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader

    async def unknown(self, target_ids: Collection[str]) -> Collection[str]:
        wanted = sorted(target_ids)
        there = await asyncio.gather(*(self._is_there(target_id) for target_id in wanted))
        return {one for one, is_there in zip(wanted, there, strict=True) if not is_there}

    async def _is_there(self, target_id: str) -> bool:
        message = await self._reader.last_from_leader(subjects.target(target_id))
        if message is None:
            return False
        status = _status(message) or await last_readable(
            self._reader, message.subject, message.seq, _status
        )
        return status is TargetStatus.ACTIVE


def _status(message: StoredMessage) -> TargetStatus | None:
    try:
        return target_in(message.subject, message.payload).status
    except Unreadable:
        return None
