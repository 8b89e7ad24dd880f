"""Erases rows past their life, in bounded passes."""

from datetime import timedelta

from trigger_contracts.events import Swept
from trigger_retention.domain.lifetime import Lifetime
from trigger_retention.ports import EventLog, Notices


class Sweeper:
    """Erases rows past their life, as long as there are any."""

    def __init__(
        self, log: EventLog, notices: Notices, *, lifetime: Lifetime, every: timedelta
    ) -> None:
        self._log = log
        self._notices = notices
        self._lifetime = lifetime
        self._life_is_set = False
        self._every = every

    async def sweep(self) -> tuple[int, timedelta]:
        """One pass: how many rows it erased, and how long to wait before the next."""
        # Told again after a pass that failed: the table may be another one, made anew.
        is_set, self._life_is_set = self._life_is_set, False
        if not is_set:
            await self._log.set_lifetime(self._lifetime)
        erased = await self._log.erase()
        self._life_is_set = True
        if erased is None:
            return 0, self._every
        if erased.rows or erased.partitions:
            await self._notices.swept(
                Swept(
                    swept_at=erased.swept_at,
                    erased_before=erased.erased_before,
                    rows=erased.rows,
                    partitions=erased.partitions,
                )
            )
        return erased.rows, timedelta() if erased.more else self._every
