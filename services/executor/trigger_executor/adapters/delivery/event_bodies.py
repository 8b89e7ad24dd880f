"""Bodies of events, read from TRIGGER_EVENTS by their places and kept for a while."""

import asyncio
from collections import OrderedDict

from trigger_contracts.message_headers import why_unreadable
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader

FETCHED_AT_ONCE = 64
"""Bodies on their way: more only queue at the broker."""
KEPT_BYTES = 16 * 1024 * 1024
"""Bodies in memory that no attempt holds."""
_MESSAGE_ID = "Nats-Msg-Id"


class JetStreamBodies:
    """``ports.lanes.EventBodies``: those used last, within a size."""

    def __init__(self, reader: StreamReader, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._reader = reader
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[int, tuple[str, bytes]] = OrderedDict()
        self._bytes = 0
        self._reads = asyncio.Semaphore(FETCHED_AT_ONCE)

    def kept(self, seq: int, event_id: str) -> bytes | None:
        known = self._kept.get(seq)
        if known is None or known[0] != event_id:
            return None
        self._kept.move_to_end(seq)
        return known[1]

    async def fetch(self, seq: int, event_id: str) -> bytes | None:
        async with self._reads:
            if (kept := self.kept(seq, event_id)) is not None:
                return kept
            message = await self._reader.get(seq)
            if message is None:
                # The replica that was asked may not have it yet.
                message = await self._reader.get_from_leader(seq)
        # Sequences count anew in a stream made anew.
        if message is None or _id_of(message) != event_id:
            return None
        self._keep(seq, event_id, message.payload)
        return message.payload

    def _keep(self, seq: int, event_id: str, body: bytes) -> None:
        _, replaced = self._kept.pop(seq, ("", b""))
        self._kept[seq] = (event_id, body)
        self._bytes += len(body) - len(replaced)
        while self._bytes > self._kept_bytes and len(self._kept) > 1:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= len(dropped)


def _id_of(message: StoredMessage) -> str | None:
    return None if why_unreadable(message.headers) else message.headers.get(_MESSAGE_ID)
