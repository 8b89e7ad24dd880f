"""A record of a delivery, or a change of a target's health, in a live tail, for readers who ask for
these beside the events.

It is sent as it is stored, a CloudEvent. Of a filter a record is asked only what it tells: the
trigger, the event and when that was logged, and that it fired. A change of health is of no trigger
and nothing that fired: it passes where nobody asked for these.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trigger_api.domain.queries import StateFilter
from trigger_contracts import subjects
from trigger_contracts.deliveries.health import HealthChanged, health_in
from trigger_contracts.deliveries.records import DeliveryRecord, record_in
from trigger_contracts.events import EntryStatus
from trigger_contracts.records import Unreadable

from . import sse
from .tail_position import StreamPosition


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """A record, ready to be sent."""

    position: StreamPosition
    record: DeliveryRecord
    frame: bytes

    @property
    def seq(self) -> int:
        return self.position.seq

    @property
    def logged_at(self) -> datetime:
        return self.record.logged_at

    def passes(self, wanted: StateFilter) -> bool:
        return (
            (wanted.trigger_id is None or self.record.trigger_id in wanted.trigger_id)
            and (wanted.event_id is None or UUID(self.record.event_id) in wanted.event_id)
            and (wanted.status is None or EntryStatus.FIRED in wanted.status)
            and (wanted.from_ is None or self.logged_at >= wanted.from_)
            and (wanted.to is None or self.logged_at < wanted.to)
        )


@dataclass(frozen=True, slots=True)
class LiveHealth:
    """A change of a target's health, ready to be sent."""

    position: StreamPosition
    fact: HealthChanged
    frame: bytes

    @property
    def seq(self) -> int:
        return self.position.seq

    @property
    def logged_at(self) -> datetime:
        return self.fact.logged_at

    def passes(self, wanted: StateFilter) -> bool:
        return (
            wanted.trigger_id is None
            and (wanted.event_id is None or UUID(self.fact.event_id) in wanted.event_id)
            and wanted.status is None
            and (wanted.from_ is None or self.logged_at >= wanted.from_)
            and (wanted.to is None or self.logged_at < wanted.to)
        )


def read_record(
    position: StreamPosition, subject: str, body: bytes
) -> LiveRecord | LiveHealth | None:
    """What is stored at ``position``; None where that is neither of the two."""
    try:
        if subjects.matches(subject, (subjects.ALL_HEALTH,)):
            fact = health_in(subject, body)
            kind = f"trigger.health.{fact.change}.v1"
            return LiveHealth(position, fact, sse.event(position, kind, body))
        record = record_in(subject, body)
    except Unreadable:
        return None
    kind = f"trigger.delivery.{record.kind}.v1"
    return LiveRecord(position, record, sse.event(position, kind, body))
