"""Changes of targets' health are recorded as facts, and planned for who is to be told of them.

Called by the projector for what a page of records makes of their targets, before that page counts
as projected: a crash anywhere leads to the same facts and plans, under the same ids. What the
broker may have forgotten to know again is looked for in the log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from trigger_contracts.deliveries import health, records
from trigger_contracts.targets.changes import TargetChanged
from trigger_executor.domain.delivery.health import ObservedChange, fact_of
from trigger_executor.ports import Clock
from trigger_executor.ports.alerting import HealthMeter, StoredFacts
from trigger_executor.ports.lanes import RecordLog
from trigger_runtime.process.errors import PublishRefused
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

FRESH = timedelta(seconds=20)
"""What follows from a record so new the broker knows again by itself: it remembers ids for two
minutes, less what two clocks differ."""
NEWS = timedelta(hours=12)
"""What follows from an older record is none: tables that were emptied are projected anew, from
where the log begins by then, and all of it was told at its time. Only what was recorded just before
PostgreSQL went away for so long is lost by it."""

Resolve = Callable[[str], Awaitable[TargetChanged | None]]
"""The newest state of a target, None where there is none or it was deleted; raises
``DependencyUnavailable``."""


class HealthFacts:
    """``ports.alerting.HealthTeller``."""

    def __init__(
        self,
        log: RecordLog,
        stored: StoredFacts,
        resolve: Resolve,
        clock: Clock,
        meter: HealthMeter,
        *,
        kept_for: timedelta,
    ) -> None:
        """``kept_for``: how long facts live, as events do."""
        self._log = log
        self._stored = stored
        self._resolve = resolve
        self._clock = clock
        self._meter = meter
        self._kept_for = kept_for

    async def tell(self, changes: Sequence[ObservedChange]) -> None:
        now = self._clock.now()
        by_target: dict[str, list[ObservedChange]] = {}
        for one in changes:
            if now - one.stored_at < NEWS:
                by_target.setdefault(one.target_id, []).append(one)
        # Those of one target in their order: so an ordered target is told of them.
        await asyncio.gather(
            *(self._tell_of(target_id, its, now) for target_id, its in by_target.items())
        )

    async def _tell_of(
        self, target_id: str, changes: Sequence[ObservedChange], now: datetime
    ) -> None:
        target = await self._resolve(target_id)
        if target is None:
            # Deleted, or written out in a test: nobody is to know.
            return
        stored: Mapping[str, int] = {}
        if any(now - one.stored_at >= FRESH for one in changes):
            stored = await self._stored.after(target_id, changes[0].seq)
        for one in changes:
            fact = fact_of(one, target)
            seq = stored.get(fact.event_id)
            if seq is None:
                seq = await self._append(health.message_of(fact, kept_for=self._kept_for, now=now))
            alert_target = target.definition.alert_target
            if seq is not None and alert_target is not None:
                plan = health.plan_of(fact, seq, alert_target, now, self._kept_for)
                await self._append(records.message_of(plan, expires_at=plan.expires_at, now=now))
            if seq is not None:
                self._meter.told(one.change)

    async def _append(self, message: records.RecordMessage | None) -> int | None:
        """Its sequence; None where it is over, or refused for good: nothing else waits for it."""
        if message is None:
            return None
        try:
            return await self._log.append(message)
        except PublishRefused:
            self._meter.untold()
            log.exception("a change of a target's health is refused")
            return None
