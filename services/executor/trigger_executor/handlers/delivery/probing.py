"""Tests of targets: one attempt now, past lane and breaker, answered and not recorded.

It waits for nobody's turn and takes no place, so that a target can be tested whatever waits for it;
a second between two of one target bounds what that costs. A good one half-opens the breaker: the
endpoint deserves a look. Never raises: what cannot be done is an answer.
"""

from collections.abc import Callable

from trigger_contracts.deliveries.outcomes import Outcome
from trigger_contracts.deliveries.probes import Probe, Probed
from trigger_contracts.errors import Code, Problem, problem
from trigger_contracts.targets.changes import TargetStatus
from trigger_executor.domain.delivery.attempt import NotAttempted
from trigger_executor.domain.delivery.probing import (
    answer_of,
    not_attempted,
    probe_of,
    too_soon,
    unknown,
)
from trigger_executor.ports.again import LaneHints
from trigger_executor.ports.probing import NewestTargets, ProbedLanes
from trigger_executor.ports.sending import Sender
from trigger_runtime.process.errors import DependencyUnavailable
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.record_clock import ClockOfRecord

log = get_logger(__name__)


class ProbeTargets:
    """Tests targets."""

    def __init__(
        self,
        targets: NewestTargets,
        lanes: ProbedLanes,
        sender: Sender,
        hints: LaneHints,
        clock: ClockOfRecord,
        new_id: Callable[[], str],
    ) -> None:
        """``clock`` is what ``sender`` tells time by, too."""
        self._targets = targets
        self._lanes = lanes
        self._sender = sender
        self._hints = hints
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, asked: Probe) -> Probed | Problem:
        try:
            return await self._probe(asked.target_id)
        except DependencyUnavailable as error:
            log.warning("target not tested", target_id=asked.target_id, error=repr(error))
            return problem(Code.UNAVAILABLE, "a server is away: the target was not tried")
        except Exception as error:
            log.exception("target not tested", target_id=asked.target_id, error=repr(error))
            return problem(Code.INTERNAL, "the target could not be tested")

    async def _probe(self, target_id: str) -> Probed | Problem:
        target = await self._targets.last(target_id)
        if target is None or target.status is TargetStatus.DELETED:
            return unknown(target_id)
        asked_at = self._clock.monotonic()
        now = await self._lanes.begin(target_id)
        if now is None:
            return too_soon()
        # Before any lane was looked for, nobody has looked at that clock.
        self._clock.observe(now, asked_at, self._clock.monotonic())
        attempt = probe_of(target, self._new_id(), now)
        result = await self._sender.send(attempt)
        if isinstance(result, NotAttempted):
            return not_attempted(result.cause)
        if result.outcome is Outcome.DELIVERED:
            await self._tell(target_id)
        return answer_of(attempt, target, result)

    async def _tell(self, target_id: str) -> None:
        """The attempt was made, whether its lane can be told or not."""
        try:
            await self._lanes.found_well(target_id)
        except DependencyUnavailable as error:
            log.warning("lane not told of a good test", target_id=target_id, error=repr(error))
        else:
            self._hints.waiting({target_id})
