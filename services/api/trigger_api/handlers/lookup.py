"""Find one event of the log by the id that a caller gives, or say why it is not there."""

from datetime import timedelta
from uuid import UUID

from trigger_api.domain.shown import EventDetail
from trigger_api.ports import Clock, Views
from trigger_contracts.errors import Code, Refused, refused
from trigger_contracts.ids import instant_of

_UUID7 = 7


class Lookup:
    """Tells an event whose life is over from one that never was."""

    def __init__(self, *, views: Views, clock: Clock, kept_for: timedelta) -> None:
        self._views = views
        self._clock = clock
        self._kept_for = kept_for

    async def event(self, event_id: str) -> EventDetail:
        """The event; raises ``Refused`` (404, 410), ``DatabaseUnavailable``."""
        try:
            wanted = UUID(event_id)
        except ValueError:
            raise _absent() from None
        found = await self._views.event(wanted)
        if found is None:
            raise self._gone() if self._is_over(wanted) else _absent()
        return found

    def _is_over(self, event_id: UUID) -> bool:
        """An event id tells when its event was, and so that its row would have been erased."""
        try:
            oldest = self._clock.now() - self._kept_for
            return event_id.version == _UUID7 and instant_of(event_id) < oldest
        except OverflowError:
            return False  # a time after the year 9999

    def _gone(self) -> Refused:
        hours = self._kept_for / timedelta(hours=1)
        return refused(Code.GONE, f"events are erased {hours:g} hours after they are logged")


def _absent() -> Refused:
    return refused(Code.NOT_FOUND, "there is no such event, or it is not logged yet")
