"""Where a fired event is to be delivered to, and the record that says so.

Pure. An event goes where the version that fired names: the same places, with the same ids,
whenever and however often it is recorded. Called by ``handlers.Recorder``, once the event is in
the log.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from trigger_contracts.deliveries.records import DeliveryPlanned, delivery_id_of
from trigger_contracts.events import LogEntry, TriggerChanged


@dataclass(frozen=True, slots=True)
class Destination:
    """A target; where it is written out in a test's own change, the sequence of that change."""

    target_id: str
    change_seq: int | None = None


Destinations = tuple[Destination, ...]


def named(targets: Iterable[str]) -> Destinations:
    return tuple(Destination(target_id) for target_id in targets)


def destinations_of(change: TriggerChanged, change_seq: int) -> Destinations:
    """Where the version delivers to that the change at ``change_seq`` made."""
    if change.test_target is not None:
        return (Destination(change.test_target.target_id, change_seq),)
    return named(change.definition.targets)


def planned(
    entry: LogEntry,
    event_seq: int,
    destination: Destination,
    now: datetime,
    kept_for: timedelta,
) -> DeliveryPlanned:
    """The record of a delivery to begin, of the event that is stored at ``event_seq``."""
    return DeliveryPlanned(
        delivery_id=delivery_id_of(entry.event_id, destination.target_id),
        event_id=entry.event_id,
        trigger_id=entry.trigger_id,
        target_id=destination.target_id,
        round=1,
        event_seq=event_seq,
        logged_at=entry.logged_at,
        planned_at=now,
        expires_at=entry.logged_at + kept_for,
        is_test=entry.is_test,
        change_seq=destination.change_seq,
    )
