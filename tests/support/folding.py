"""A history folded into a trigger, as whoever reads changes in their order does."""

from trigger_contracts.events import TriggerChanged
from trigger_contracts.trigger import Trigger


def evolve(state: Trigger | None, change: TriggerChanged, stream_seq: int) -> Trigger:
    """Apply a change; one already applied, or older, leaves the state as it is."""
    if state is not None and stream_seq <= state.change_seq:
        return state
    return Trigger(change, stream_seq)
