"""Replay an event: fire its trigger again, with what the event carried."""

from trigger_api.domain.log.replays import Origin, ReplayAccepted, replay
from trigger_api.domain.triggers.traces import FireTrace
from trigger_api.handlers.fires import Fires
from trigger_api.handlers.lookup import Lookup


class Replays:
    """Answers once the replay is durable. It is a fire like any other, and refused as one."""

    def __init__(self, *, lookup: Lookup, fires: Fires) -> None:
        self._lookup = lookup
        self._fires = fires

    async def replay(
        self, event_id: str, actor: str, key: str | None, trace: FireTrace | None = None
    ) -> ReplayAccepted:
        found = await self._lookup.event(event_id)
        origin = Origin(
            event_id=found.id,
            logged_at=found.logged_at,
            trigger_id=found.trigger_id,
            status=found.status,
            is_test=found.is_test,
            payload=found.payload,
        )
        if trace is not None:
            trace.trigger_id, trace.replay_of = origin.trigger_id, str(origin.event_id)
        new_id = await self._fires.fire(replay(origin, actor, key, trace))
        return ReplayAccepted(event_id=new_id, replay_of=str(origin.event_id))
