"""The deliver role as a whole: its loops, and the order in which they stop.

Told to stop it starts nothing more, keeps its leases while what is in flight ends, gives its lanes
back, and is gone at once when nothing is in flight. Made by ``bootstrap``; to its worker it is one
loop.
"""

import asyncio
from collections.abc import Collection

from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.loops import Loop, stop_all

from .attempting import Attempts
from .ending import Endings
from .lanes_in_hand import LanesInHand
from .leasing import LaneLeases
from .ordering import PlanOrder
from .serving import LaneServing
from .targets import FollowedTargets

log = get_logger(__name__)

IN_FLIGHT_TIMEOUT_S = 5.0
"""What a stop waits for attempts in flight: a worker has eight seconds for all of it."""
RELEASE_TIMEOUT_S = 1.0
"""For lanes to be given back; where that fails they pass on when their leases end."""


class Delivering:
    """Serves lanes, as one part that a worker starts and stops."""

    def __init__(
        self,
        hands: LanesInHand,
        leases: LaneLeases,
        serving: LaneServing,
        attempts: Attempts,
        endings: Endings,
        targets: FollowedTargets,
        order: PlanOrder,
    ) -> None:
        self.hands = hands
        self._leases = leases
        self._serving = serving
        self.attempts = attempts
        self._endings = endings
        self.targets = targets
        self._taking = Loop("take lanes", leases.take)
        self.renewing = Loop("renew leases", leases.renew)
        self._serve = Loop("serve lanes", serving.one_pass)
        self._following = Loop("follow targets", targets.one_pass)
        ordering = Loop("follow plans", order.one_pass)
        self._others = (
            ordering,
            Loop("take lost lanes", leases.take_lost),
            Loop("end deliveries", endings.one_pass),
        )
        self.loops = (self._following, self.renewing, self._taking, self._serve, *self._others)
        hands.wakes(serving=self._serve.wake, renewing=self.renewing.wake, ordering=ordering.wake)

    def start(self) -> None:
        for loop in self.loops:
            loop.start()

    def woken(self, target_ids: Collection[str] | None) -> None:
        """Something may be due of these targets, or of any: a hint, which may be lost."""
        hands = self.hands
        for target_id in hands.lanes if target_ids is None else target_ids:
            hands.ask(target_id)
        if target_ids is None or any(one not in hands.lanes for one in target_ids):
            self._taking.wake()

    def reconnected(self) -> None:
        """To the broker: hints may have been lost."""
        self.woken(None)
        self._following.wake()

    def targets_changed(self) -> None:
        """There is more in the log of targets."""
        self._following.wake()

    async def stop(self) -> None:
        """Start nothing, end what is in flight, give the lanes back."""
        self.hands.is_stopping = True
        await stop_all((self._taking, self._serve, self._following, *self._others))
        await self._serving.stop()
        await self.attempts.stop(IN_FLIGHT_TIMEOUT_S)
        await self._endings.stop()
        await self.renewing.stop()
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT_S):
                await self._leases.release(list(self.hands.lanes.values()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the leases end by themselves
            log.warning("lanes not given back", error=repr(error))
