"""What was recorded of fires before: ``ports.RecordedFires``, from the log and that of changes."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from trigger_contracts import subjects
from trigger_contracts.trigger import Trigger
from trigger_executor.domain.fire import RecordedFire
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.jetstream.records import last_readable

from .definitions import trigger_in

PAGE = 500
MAX_LOOKED_AT = 10_000
"""Messages of a trigger that are looked at, from when the fires were stored: mostly the first ones
are theirs."""
APART = timedelta(seconds=5)
"""Of the clocks of two nodes of the broker, which lead the streams of fires and of the log."""
_MESSAGE_ID = "Nats-Msg-Id"


class RecordedRows:
    """Asked for the fires of a trigger that was changed while one of them was in hand."""

    def __init__(self, events: StreamReader, changes: StreamReader) -> None:
        self._events = events
        self._changes = changes

    async def find(
        self, trigger_id: str, event_ids: Collection[str], since: datetime
    ) -> Mapping[str, RecordedFire]:
        found: dict[str, RecordedFire] = {}
        every = f"trigger.*.{trigger_id}"
        seq = await self._events.seq_since(since - APART, every)
        looked_at = 0
        while seq is not None and len(found) < len(event_ids) and looked_at < MAX_LOOKED_AT:
            page = await self._events.after(seq - 1, every, PAGE)
            for message in page:
                event_id = message.headers.get(_MESSAGE_ID, "")
                if event_id in event_ids and event_id not in found:
                    trigger = await self._version(trigger_id, message)
                    if trigger is not None:
                        found[event_id] = trigger
            looked_at += len(page)
            seq = page[-1].seq + 1 if len(page) == PAGE else None
        return found

    async def row_at(self, trigger_id: str, event_seq: int) -> RecordedFire | None:
        # The leader has what it has just told us of.
        row = await self._events.get_from_leader(event_seq)
        return None if row is None else await self._version(trigger_id, row)

    async def _version(self, trigger_id: str, row: StoredMessage) -> RecordedFire | None:
        """A row of ours says its version; one that does not is none."""
        try:
            version = json.loads(row.payload)["data"]["trigger_version"]
        except (ValueError, KeyError, TypeError):
            return None

        def read(message: StoredMessage) -> Trigger | None:
            trigger = trigger_in(message)
            is_it = trigger is not None and trigger.change.version == version
            return trigger if is_it else None

        trigger = await last_readable(self._changes, subjects.changed(trigger_id), None, read)
        if trigger is None:
            return None
        return RecordedFire(trigger.change, has_fired=row.subject == subjects.fired(trigger_id))
