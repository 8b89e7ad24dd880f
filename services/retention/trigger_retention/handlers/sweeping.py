"""Erases rows past their life, in bounded passes."""

from collections.abc import Callable
from datetime import timedelta

from trigger_contracts.events import Swept
from trigger_retention.domain.lifetime import Lifetime
from trigger_retention.ports import EventLog, Notices


class Sweeper:
    """Erases rows past their life, as long as there are any."""

    def __init__(
        self,
        log: EventLog,
        notices: Notices,
        on_swept: Callable[[int], None],
        *,
        lifetime: Lifetime,
        every: timedelta,
    ) -> None:
        """``on_swept`` is told how many rows a pass erased."""
        self._log = log
        self._notices = notices
        self._on_swept = on_swept
        self._lifetime = lifetime
        self._life_is_set = False
        self._has_failed = False
        self._every = every

    async def sweep(self) -> timedelta:
        """One pass; returns how long to wait before the next."""
        # Told again after a pass that failed: the table may be another one, made anew.
        has_failed, self._has_failed = self._has_failed, True
        if has_failed or not self._life_is_set:
            await self._log.set_lifetime(self._lifetime)
        erased = await self._log.erase()
        if has_failed:
            # And once more: it may have been told to tables that were replaced before the erasing,
            # which fails in those that are not whole.
            await self._log.set_lifetime(self._lifetime)
        self._life_is_set, self._has_failed = True, False
        if erased is None:
            return self._every
        if erased.rows or erased.partitions:
            await self._notices.swept(
                Swept(
                    swept_at=erased.swept_at,
                    erased_before=erased.erased_before,
                    rows=erased.rows,
                    partitions=erased.partitions,
                )
            )
        self._on_swept(erased.rows)
        return timedelta() if erased.more else self._every
