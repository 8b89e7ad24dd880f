"""Changes of targets' health that are stored in TRIGGER_EVENTS. Never writes."""

from collections.abc import Mapping

from trigger_contracts import subjects, topology
from trigger_contracts.deliveries.health import health_in
from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.records import Unreadable
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.jetstream.records import pass_over

MOST = 200
"""Facts that are looked at: a record makes two at most, and a target has a few an hour."""


class StoredHealth:
    """``ports.alerting.StoredFacts``."""

    def __init__(self, reader: StreamReader) -> None:
        """``reader`` is of TRIGGER_EVENTS."""
        self._reader = reader

    async def after(self, target_id: str, seq: int) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for message in await self._reader.after(seq, subjects.health(target_id), MOST):
            why = why_unreadable(message.headers)
            if why is None:
                try:
                    fact = health_in(message.subject, message.payload)
                except Unreadable as error:
                    why = str(error)
                else:
                    found.setdefault(fact.event_id, message.seq)
            if why is not None:
                pass_over(topology.EVENTS.name, message, why)
        return found
