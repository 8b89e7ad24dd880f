"""How far the log is planned, for lanes that keep an order.

A plan is appended after its event, and another replica may have planned a later event of the
trigger before: one that died in between plans when its message is handled again. So an ordered
lane begins an event once everything that was stored before it is planned, as far as it ever is:
whatever the record role had in hand when the event was in the log is acknowledged, and so planned.
Called by a loop that sleeps while no ordered lane waits.
"""

import asyncio
from datetime import timedelta

from trigger_executor.ports.lanes import PlanProgress
from trigger_runtime.process.logging_setup import get_logger

from .lanes_in_hand import LanesInHand

log = get_logger(__name__)

LOOK_EVERY = timedelta(seconds=1)
LONGEST_WAIT_S = 5.0
"""For what the record role has in hand. A message that cannot be handled for so long is not waited
for: it must not stop deliveries that have nothing to do with it."""
FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.2


class PlanOrder:
    """Moves on up to where events are surely planned."""

    def __init__(self, hands: LanesInHand, progress: PlanProgress) -> None:
        self._hands = hands
        self._progress = progress

    async def one_pass(self) -> timedelta:
        """Learn how far the log is planned, if a lane wants to know."""
        hands = self._hands
        if not hands.wanting_order or hands.is_stopping:
            return LOOK_EVERY
        wanting, hands.wanting_order = hands.wanting_order, set()
        try:
            upto = await self._progress.stored()
            await self._all_acknowledged()
            # After these: whatever they planned is no newer.
            hands.planned(upto, await self._progress.newest())
        except BaseException:
            hands.wanting_order |= wanting
            raise
        for target_id in wanting:
            hands.ask(target_id)
        return timedelta() if hands.wanting_order else LOOK_EVERY

    async def _all_acknowledged(self) -> None:
        """Wait for what is in hand now."""
        delivered, acknowledged = await self._progress.in_hand()
        began, pause = self._hands.clock.monotonic(), FIRST_PAUSE_S
        while any(at < upto for at, upto in zip(acknowledged, delivered, strict=True)):
            if self._hands.clock.monotonic() - began > LONGEST_WAIT_S:
                log.warning("not waited any longer for what is to be planned")
                return
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_S, 2 * pause)
            _, acknowledged = await self._progress.in_hand()
