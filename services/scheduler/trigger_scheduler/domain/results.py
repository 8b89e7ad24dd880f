"""What an accepted command's sender is told of the trigger.

Pure. Called by ``handlers.commands``, for commands decided now and for repeated ones.
"""

from datetime import datetime

from trigger_contracts.commands import CommandDone
from trigger_contracts.events import ChangeKind, TriggerChanged
from trigger_contracts.schedule import Once
from trigger_contracts.trigger import (
    Trigger,
    event_id_at,
    first_fire,
    next_fires,
    representation,
    shown_occurrences,
)


def unchanged(
    command_id: str, trigger: Trigger, at: datetime, fires: int | None = None
) -> CommandDone:
    """The result of a command that left ``trigger`` as it is, answered at ``at``.

    ``fires`` is how often its schedule had fired by then, if more than its change says.
    """
    known = max(trigger.change.fires, fires or 0)
    change = trigger.change.model_copy(update={"kind": ChangeKind.UPDATED, "fires": known})
    return done(command_id, change, Trigger(change, trigger.change_seq), shown_at=at)


def done(
    command_id: str,
    change: TriggerChanged,
    before: Trigger | None,
    *,
    shown_at: datetime | None = None,
) -> CommandDone:
    """The result of an accepted command; a pure function of its change and the one before.

    Upcoming occurrences are those after ``shown_at``, by default when the change was made.
    """
    result = CommandDone(
        command_id=command_id, trigger_id=change.trigger_id, version=change.version
    )
    if change.is_test and isinstance(change.schedule, Once):
        at = change.schedule.at
        event_id = str(event_id_at(change, at))
        return result.model_copy(update={"event_id": event_id, "fires_at": at})
    if change.kind is ChangeKind.DELETED:
        return result
    if change.kind is ChangeKind.CREATED:
        return result.model_copy(update={"trigger": representation(change, first_fire(change))})
    at = shown_at or change.at
    after = next_fires(change, at)
    shown = representation(change, after[0] if after else None)
    previous = None if before is None else before.change
    fires_before = next_fires(previous, at, fires=change.fires)
    return result.model_copy(
        update={
            "trigger": shown,
            "next_fires_before": fires_before,
            "next_fires_after": after,
            "next_occurrences_before": shown_occurrences(previous, fires_before),
            "next_occurrences_after": shown_occurrences(change, after),
        }
    )
