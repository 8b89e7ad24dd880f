"""Records of deliveries, read from TRIGGER_EVENTS in the order of their sequences. Never writes."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from trigger_contracts import subjects, topology
from trigger_contracts.deliveries.records import record_in
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.records import Unreadable
from trigger_executor.domain.delivery.projecting import BegunRounds, StoredRecord
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.jetstream.records import pass_over

PAGE = 1000
"""Records read and projected at once."""
MAX_LOOKED_AT = 10_000
"""Records of a trigger that are looked at for plans of one page: a third of a second, in which
nothing else is projected. What came again and is not told from a new plan by these is delivered
again."""
MAX_REMEMBERED = 500_000
"""Rounds of deliveries that are remembered of triggers with late plans: some 50 MB."""


@dataclass(slots=True)
class _Plans:
    """What was planned of a trigger's events: all that was stored since ``since``, to ``upto``."""

    since: datetime
    upto: int
    rounds: BegunRounds = field(default_factory=BegunRounds)

    def tells(self, wanted: Mapping[str, int]) -> bool:
        """Whether it is known that all of these have begun."""
        newest = self.rounds.newest
        return all(newest.get(one, 0) >= number for one, number in wanted.items())


class RecordReader:
    """``ports.projecting.DeliveryRecords``."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader
        self._plans: OrderedDict[str, _Plans] = OrderedDict()

    async def after(self, seq: int) -> tuple[int, Sequence[StoredRecord]]:
        messages = await self._reader.after(seq, subjects.ALL_DELIVERY, PAGE)
        if not messages:
            return seq, ()
        return messages[-1].seq, _readable(messages)

    async def planned_before(
        self, trigger_id: str, since: datetime, seq: int, wanted: Mapping[str, int]
    ) -> Mapping[str, int]:
        plans = self._plans.pop(trigger_id, None)
        if plans is None or plans.since > since:
            begin = await self._reader.seq_since(since, subjects.delivery(trigger_id))
            plans = _Plans(since, seq - 1 if begin is None else min(begin, seq) - 1)
        await self._look(trigger_id, plans, seq, wanted)
        self._plans[trigger_id] = plans
        self._forget_some()
        newest = plans.rounds.newest
        return {one: newest[one] for one in wanted if one in newest}

    def note(self, records: Sequence[StoredRecord], after: int, upto: int) -> None:
        # Not of a trigger whose records before these were not all looked at.
        whole = {key: plans for key, plans in self._plans.items() if plans.upto >= after}
        for one in records:
            plans = whole.get(one.record.trigger_id)
            if plans is not None and one.seq > plans.upto:
                plans.rounds.see(one.record)
        for plans in whole.values():
            plans.upto = max(plans.upto, upto)

    async def _look(
        self, trigger_id: str, plans: _Plans, seq: int, wanted: Mapping[str, int]
    ) -> None:
        """Read what follows below a sequence, until it tells what is asked, or is too much."""
        looked_at = 0
        while plans.upto < seq - 1 and looked_at < MAX_LOOKED_AT and not plans.tells(wanted):
            page = await self._reader.after(plans.upto, subjects.delivery(trigger_id), PAGE)
            below = [message for message in page if message.seq < seq]
            for one in _readable(below):
                plans.rounds.see(one.record)
            plans.upto = below[-1].seq if len(below) == PAGE else seq - 1
            looked_at += len(below)

    def _forget_some(self) -> None:
        """Beyond the bound, the triggers that were asked for least recently."""
        while sum(len(plans.rounds.newest) for plans in self._plans.values()) > MAX_REMEMBERED:
            self._plans.popitem(last=False)


def _readable(messages: Sequence[StoredMessage]) -> list[StoredRecord]:
    found: list[StoredRecord] = []
    for message in messages:
        why = why_unreadable(message.headers)
        if why is None:
            try:
                record = record_in(message.subject, message.payload)
            except Unreadable as error:
                why = str(error)
            else:
                found.append(StoredRecord(record, message.seq, message.stored_at))
        if why is not None:
            pass_over(topology.EVENTS.name, message, why)
    return found
