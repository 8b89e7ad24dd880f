"""When the next attempt is, if there is one. Pure: chance and instants are arguments."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from trigger_contracts.deliveries.outcomes import Reason
from trigger_contracts.targets.fields import (
    LONGEST_RETRIES,
    LONGEST_RETRY,
    MAX_RETRIES,
    SHORTEST_RETRY,
)

DEFAULT_DELAYS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=20),
)
"""Ten attempts within 38 to 45 hours: an event lives for 48."""
TEST_DELAYS = (timedelta(seconds=2), timedelta(seconds=10))
"""Somebody is watching."""
MOST_LONGER = 0.2
"""Each delay is up to so much longer, at random, and never shorter: those whose receiver was away
at the same time do not all come back at once."""
_LONGEST_MARGIN = timedelta(minutes=2)
_MARGIN = 20
"""One part in so many of a life (5 %)."""


def delays_of(
    own: Sequence[timedelta], platform: Sequence[timedelta], *, is_test: bool
) -> Sequence[timedelta]:
    """The delays of a round: a target's ``own``, else the ``platform``'s."""
    if is_test:
        return TEST_DELAYS
    return own or platform


def last_start(expires_at: datetime, life: timedelta) -> datetime:
    """After this no attempt starts: it might end when its event is no more.

    ``life`` is how long events are kept, ``expires_at`` the end of this one's.
    """
    return expires_at - margin_of(life)


def margin_of(life: timedelta) -> timedelta:
    """How long before the end of an event's life the last attempt of it has to have started."""
    return min(_LONGEST_MARGIN, life / _MARGIN)


def next_attempt(
    attempt: int,
    delays: Sequence[timedelta],
    ended_at: datetime,
    *,
    draw: float,
    last: datetime,
    retry_after_s: int | None = None,
) -> datetime | Reason:
    """When the next one may begin, or why there is none.

    ``attempt`` is the number of the one that ended at ``ended_at`` and failed, from 1; ``draw`` is
    at random, from 0 to below 1; ``last`` is what ``last_start`` returns.
    """
    if attempt > len(delays):
        return Reason.EXHAUSTED
    delay = delays[attempt - 1] * (1 + MOST_LONGER * draw)
    at = ended_at + max(delay, timedelta(seconds=retry_after_s or 0))
    return at if at <= last else Reason.EXPIRED


def check_schedule(delays: Sequence[timedelta]) -> None:
    """Raises ValueError, with a sentence for the operator, for what ``ETP_RETRY_SCHEDULE`` may not
    be. The limits are those of a target's own delays.
    """
    if not 1 <= len(delays) <= MAX_RETRIES:
        raise ValueError(f"must be 1 to {MAX_RETRIES} durations, separated by commas")
    if not all(SHORTEST_RETRY <= delay <= LONGEST_RETRY for delay in delays):
        raise ValueError(f"each must be 1 s to {_hours(LONGEST_RETRY)} h")
    if sum(delays, timedelta()) > LONGEST_RETRIES:
        raise ValueError(f"must be {_hours(LONGEST_RETRIES)} h together at most")


def _hours(length: timedelta) -> int:
    return length // timedelta(hours=1)
