"""What is due, and what was missed, as rows of the log."""

from collections.abc import Sequence
from typing import TypeVar

from trigger_contracts import subjects, topology
from trigger_contracts.events import Due, LogEntry, Missed
from trigger_executor.domain.due import RecordError, due_entries, fits, parse_due
from trigger_executor.domain.planning import Destinations
from trigger_executor.ports import Incoming, TriggerVersions

from .recording import MAX_DELIVERIES, Recorder
from .tracing import UNTRACED, DecisionTraces

_Message = TypeVar("_Message", bound=Incoming)


class RecordDues:
    """Turns due records into fired and missed rows."""

    stream = topology.EXECUTOR_DUES.stream.name

    def __init__(
        self,
        definitions: TriggerVersions,
        recorder: Recorder,
        traces: DecisionTraces = UNTRACED,
    ) -> None:
        self._definitions = definitions
        self._recorder = recorder
        self._traces = traces

    async def __call__(self, batch: Sequence[_Message]) -> Sequence[_Message]:
        tracing = self._traces.begin(topology.EXECUTOR_DUES, len(batch))
        dead: list[tuple[_Message, str]] = []
        later: list[_Message] = []
        records = _readable(batch, dead)
        versions = await self._definitions.versions(
            {record.change_seq: record.trigger_id for _, record in records}
        )
        entries: list[LogEntry] = []
        destinations: dict[str, Destinations] = {}
        for message, record in records:
            version = versions.get(record.change_seq)
            if version is not None and fits(record, version):
                if message.subject != subjects.due(record.trigger_id):
                    dead.append((message, "not a due record: it names another trigger"))
                    continue
                try:
                    found = due_entries(record, version)
                except (ValueError, ArithmeticError) as error:
                    # Of an instant that no id and no row can have.
                    dead.append((message, f"not a due record: {type(error).__name__}"))
                    continue
                entries += found
                if version.destinations and isinstance(record, Due):
                    destinations[found[0].event_id] = version.destinations
            elif message.delivered_count < MAX_DELIVERIES:
                # A replica of the stream may be behind the record.
                later.append(message)
            else:
                dead.append((message, f"the definition at {record.change_seq} is erased"))
        await self._recorder.record(entries, destinations)
        for entry in entries:
            tracing.decided(entry)
        tracing.recorded()
        return later + await self._recorder.dead_letter_each(self.stream, dead)


def _readable(
    batch: Sequence[_Message], dead: list[tuple[_Message, str]]
) -> list[tuple[_Message, Due | Missed]]:
    """The records of a batch that lead to rows; what is none is added to ``dead``."""
    records: list[tuple[_Message, Due | Missed]] = []
    for message in batch:
        try:
            record = parse_due(message.payload)
        except RecordError as error:
            dead.append((message, str(error)))
            continue
        if isinstance(record, Due | Missed):
            records.append((message, record))
    return records
