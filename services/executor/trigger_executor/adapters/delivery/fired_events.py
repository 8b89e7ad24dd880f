"""Events (or alerts) to be delivered again, and targets of tests, as their streams have them.

Never writes.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from trigger_contracts import subjects
from trigger_contracts.ids import ALERTS_TRIGGER_ID, instant_of
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.records import Unreadable, change_in
from trigger_executor.domain.delivery.again import FiredEvent
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader

PAGE = 500
PAGE_BYTES = 4 * 1024 * 1024
"""Of one answer: rows carry payloads."""
MOST_ROWS = 100_000
"""Read of one trigger, from when the first of its events is about, before they are said to be
gone."""
CLOCKS_APART = timedelta(minutes=2)
"""Between what an event's id says and when the broker stored it, where its clock is behind."""
CHANGES = 10
"""Of a test: there is one, as a rule."""
_MESSAGE_ID = "Nats-Msg-Id"


class FiredRows:
    """``ports.again.FiredEvents``: rows are found from the instant in their events' ids on."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader

    async def find(self, trigger_id: str, event_ids: Collection[str]) -> Mapping[str, FiredEvent]:
        wanted = set(event_ids)
        found: dict[str, FiredEvent] = {}
        is_alert = trigger_id == ALERTS_TRIGGER_ID
        subject = subjects.ALL_HEALTH if is_alert else subjects.fired(trigger_id)
        since = min(instant_of(UUID(one)) for one in wanted) - CLOCKS_APART
        seq = await self._reader.seq_since(since, subject)
        rows = 0
        while seq is not None and wanted and rows < MOST_ROWS:
            page = await self._reader.page_after(seq - 1, subject, PAGE, PAGE_BYTES)
            for message in page:
                event_id = "" if why_unreadable(message.headers) else _id_of(message)
                if event_id in wanted and (event := _event(event_id, message)) is not None:
                    found[event_id] = event
                    wanted.discard(event_id)
            rows += len(page)
            seq = page[-1].seq + 1 if page else None
        return found


class TestedTargets:
    """``ports.again.TargetsOfTests``."""

    __test__ = False  # pytest: not a test class, whatever its name

    def __init__(self, changes: StreamReader) -> None:
        self._changes = changes

    async def change_of(self, trigger_id: str, target_id: str) -> int | None:
        for message in await self._changes.after(0, subjects.tested(trigger_id), CHANGES):
            if why_unreadable(message.headers):
                continue
            try:
                target = change_in(message.subject, message.payload).test_target
            except Unreadable:
                continue
            if target is not None and target.target_id == target_id:
                return message.seq
        return None


def _id_of(message: StoredMessage) -> str:
    return message.headers.get(_MESSAGE_ID, "")


def _event(event_id: str, message: StoredMessage) -> FiredEvent | None:
    """What a row of ours says of itself."""
    try:
        data = json.loads(message.payload)["data"]
        logged_at = datetime.fromisoformat(data["logged_at"])
        # No alert is one.
        is_test = data.get("is_test", False)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if logged_at.tzinfo is None or not isinstance(is_test, bool):
        return None
    return FiredEvent(event_id, message.seq, logged_at, is_test)
