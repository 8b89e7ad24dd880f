"""Projects batches of deliveries' records into their tables.

As ``Projector`` does with the log, and beside it: neither waits for the other. Records come in
any order and more than once, and make the same tables.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from trigger_contracts.dead_letters import DeadLetterSink, Delivered
from trigger_contracts.topology import RETENTION_DELIVERIES
from trigger_retention.domain import deliveries
from trigger_retention.domain.deliveries import RecordRows, UnreadableRecord
from trigger_retention.ports import EventLog, Inserted
from trigger_runtime.dead_letters.each import dead_letter_each

from .projection import Projector
from .storing import store_in_halves

_Message = TypeVar("_Message", bound=Delivered)


class RecordProjector:
    """Projects batches of records, and what is redriven of them, into the tables."""

    stream = RETENTION_DELIVERIES.stream.name

    def __init__(
        self,
        log: EventLog,
        dead_letters: DeadLetterSink,
        on_projected: Callable[[Inserted, int], None],
    ) -> None:
        """``on_projected`` is told the records of a batch, and its dead letters."""
        self._log = log
        self._dead_letters = dead_letters
        self._on_projected = on_projected

    async def __call__(self, batch: Sequence[_Message]) -> Sequence[_Message]:
        """Settle the batch; those whose dead letters cannot be written now come again."""
        readable: list[tuple[RecordRows, _Message]] = []
        dead: list[tuple[_Message, str]] = []
        for message in batch:
            match deliveries.read(message.subject, message.payload, message.stream_seq):
                case UnreadableRecord(reason):
                    dead.append((message, reason))
                case RecordRows() as rows:
                    readable.append((rows, message))
        inserted = await store_in_halves(self._log.insert_records, readable, dead)
        left = await dead_letter_each(partial(self._dead_letters.dead_letter, self.stream), dead)
        self._on_projected(inserted, len(dead) - len(left))
        return left


class RedriveProjector:
    """Handles what is redriven of TRIGGER_EVENTS: a row, or a record of a delivery."""

    def __init__(self, projector: Projector, records: RecordProjector) -> None:
        self._projector = projector
        self._records = records

    async def __call__(self, batch: Sequence[_Message]) -> Sequence[_Message]:
        records = [one for one in batch if RETENTION_DELIVERIES.handles(one.subject)]
        events = [one for one in batch if not RETENTION_DELIVERIES.handles(one.subject)]
        left: list[_Message] = []
        if events:
            left += await self._projector(events)
        if records:
            left += await self._records(records)
        return left
