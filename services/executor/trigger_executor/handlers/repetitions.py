"""What was recorded of fires that come again, so that they end as they did.

A crash between a row and its acknowledgement, and an edit meanwhile: what fired is delivered to
where the version that fired says, and what was rejected stays so. Called by ``RecordFires``.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from trigger_contracts.events import LogEntry
from trigger_contracts.trigger import Trigger
from trigger_executor.domain.fire import (
    Decision,
    RecordedFire,
    RequestedFire,
    UnreadableFire,
    agrees,
    has_to_be_looked_up,
    may_differ,
    recorded_event_id,
    repeat_fire,
)
from trigger_executor.ports import Clock, Incoming, RecordedFires

Handled = Sequence[tuple[Incoming, RequestedFire | UnreadableFire]]


class Repetitions:
    """Looks for the rows of fires that may have been decided by another version before."""

    def __init__(self, recorded: RecordedFires, clock: Clock) -> None:
        self._recorded = recorded
        self._clock = clock

    async def recorded_before(
        self, handled: Handled, states: Mapping[str, Trigger]
    ) -> dict[str, RecordedFire]:
        """What comes again and might be decided otherwise now, as it was recorded, by event ids."""
        now = self._clock.now()
        asked: dict[str, dict[str, datetime]] = {}
        for message, fire in handled:
            if isinstance(fire, UnreadableFire):
                continue
            trigger_id = fire.command.trigger_id
            state = states.get(trigger_id)
            if state is not None and has_to_be_looked_up(
                fire,
                state.change,
                message.stored_at,
                delivered_count=message.delivered_count,
                now=now,
            ):
                event_id = recorded_event_id(fire)
                asked.setdefault(trigger_id, {})[event_id] = message.stored_at
        found: dict[str, RecordedFire] = {}
        for trigger_id, events in asked.items():
            found |= await self._recorded.find(trigger_id, events.keys(), min(events.values()))
        return found

    async def recorded_otherwise(
        self,
        handled: Handled,
        states: Mapping[str, Trigger],
        entries: Sequence[LogEntry],
        there: Mapping[str, int],
    ) -> dict[str, Decision]:
        """What fires mean whose rows were in the log already and say otherwise than ``entries``.

        ``there``: the places of such rows, by the ids of their events.
        """
        ours = {entry.event_id: entry for entry in entries if entry.event_id in there}
        unsure: dict[str, RequestedFire] = {}
        for message, fire in handled:
            if isinstance(fire, UnreadableFire):
                continue
            state = states.get(fire.command.trigger_id)
            if state is not None and may_differ(fire, state.change, message.stored_at):
                event_id = recorded_event_id(fire)
                if event_id in ours:
                    unsure[event_id] = fire
        rows = await asyncio.gather(
            *(
                self._recorded.row_at(fire.command.trigger_id, there[event_id])
                for event_id, fire in unsure.items()
            )
        )
        return {
            event_id: repeat_fire(fire, row)
            for (event_id, fire), row in zip(unsure.items(), rows, strict=True)
            if row is not None and not agrees(ours[event_id], row)
        }
