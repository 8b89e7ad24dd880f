"""Find one event of the log by the id that a caller gives, or say why it is not there."""

from datetime import timedelta
from uuid import UUID

from trigger_api.domain.log import lifetimes
from trigger_api.domain.schemas import EventDetail
from trigger_api.ports.log import LogViews
from trigger_api.ports.process import Clock
from trigger_contracts.errors import Code, Refused, refused

from .arrivals import Arrivals


class Lookup:
    """Tells an event whose life is over from one that never was."""

    def __init__(
        self, *, views: LogViews, arrivals: Arrivals, clock: Clock, kept_for: timedelta
    ) -> None:
        self._views = views
        self._arrivals = arrivals
        self._clock = clock
        self._kept_for = kept_for

    async def event(self, event_id: str, wait: timedelta = timedelta()) -> EventDetail:
        """The event, which may come for so long; raises ``Refused`` (404, 410),
        ``DatabaseUnavailable``.
        """
        try:
            wanted = UUID(event_id)
        except ValueError:
            raise _absent() from None
        found = await self._views.event(wanted)
        if found is None and lifetimes.is_over(wanted, self._clock.now(), self._kept_for):
            raise self._gone()
        if found is None and wait:
            await self._arrivals.arrived(wanted, wait)
            found = await self._views.event(wanted)
        if found is None:
            raise _absent()
        return found

    def _gone(self) -> Refused:
        hours = self._kept_for / timedelta(hours=1)
        return refused(Code.GONE, f"events are erased {hours:g} hours after they are logged")


def _absent() -> Refused:
    return refused(Code.NOT_FOUND, "there is no such event, or it is not logged yet")
