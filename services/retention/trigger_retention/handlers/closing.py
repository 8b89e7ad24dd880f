"""Closes hours that are over, so that they are quick to search."""

from datetime import timedelta

from trigger_retention.ports import EventLog


class HourCloser:
    """Closes hours that are over, the newest first: few ask for the older ones."""

    def __init__(self, log: EventLog, *, every: timedelta) -> None:
        self._log = log
        self._every = every

    async def close(self) -> timedelta:
        """One pass; how long to wait before the next."""
        return timedelta() if await self._log.close_hour() else self._every
