"""Which hours of the log are not being filled any more. Pure; time is an argument."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple


class Look(NamedTuple):
    """How large an hour's table was found at an instant (one clock for all)."""

    hour: datetime
    size: int
    at: datetime


class Growth:
    """Remembers looks; an hour is quiet once it has kept its size for ``quiet_for``."""

    def __init__(self, quiet_for: timedelta) -> None:
        self._quiet_for = quiet_for
        self._since: dict[datetime, Look] = {}

    def quiet(self, looks: Iterable[Look]) -> list[datetime]:
        """Of the hours looked at those that are quiet, in their order; others are forgotten."""
        now = list(looks)
        self._since = {look.hour: self._first_of_its_size(look) for look in now}
        return [look.hour for look in now if look.at - self._since[look.hour].at >= self._quiet_for]

    def _first_of_its_size(self, look: Look) -> Look:
        before = self._since.get(look.hour)
        return before if before is not None and before.size == look.size else look
