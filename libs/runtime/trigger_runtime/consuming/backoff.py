"""Redelivery with growing pauses: how long a message is put off that must come again."""

from collections.abc import Iterable
from datetime import timedelta

from .delivery import Delivery

FIRST_PAUSE = timedelta(milliseconds=250)
"""Before the first redelivery; doubled for each further one."""

_MOST_DOUBLINGS = 8


async def redeliver(batch: Iterable[Delivery], longest: timedelta) -> None:
    """Have each delivered again, after a pause that grows with its deliveries up to ``longest``."""
    for delivery in batch:
        doublings = min(delivery.delivered_count - 1, _MOST_DOUBLINGS)
        await delivery.nak(min(FIRST_PAUSE * 2**doublings, longest))
