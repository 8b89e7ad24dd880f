"""Looks at what there is in the log and should not be, for the metrics."""

from collections.abc import Callable
from datetime import timedelta

from trigger_retention.ports import EventLog, LogMeasures


class LogMeasuring:
    """One pass of a loop; every replica looks, and all tell the same."""

    def __init__(
        self, log: EventLog, on_measured: Callable[[LogMeasures], None], *, every: timedelta
    ) -> None:
        self._log = log
        self._on_measured = on_measured
        self._every = every

    async def look(self) -> timedelta:
        """One pass; how long to wait before the next."""
        self._on_measured(await self._log.measures())
        return self._every
