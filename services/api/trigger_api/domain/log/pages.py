"""Pages of the log as they are kept for a moment: for whom, and until when.

Pure. A page that is kept shows no row past the end of a life and misses no event for longer
than ``FRESH_FOR``: whatever could make it do so is not kept, or not used any more.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from trigger_api.domain.live_tail.tail_position import StreamPosition
from trigger_api.domain.queries import EventQuery

FRESH_FOR = timedelta(milliseconds=900)
"""From the moment it was read. Promised is a second: the rest is for the answer's way."""

MOST_REMEMBERED = 1000
"""Questions that are known to have been asked, at most."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page as it is answered. ``position`` is one that its read surely had behind it.

    ``read_at`` and ``fresh_until`` are by the gateway's clock; at or after the latter, or
    before the former (the clock was set back), the page must be read anew.
    """

    body: bytes
    next_cursor: str | None
    read_at: datetime
    fresh_until: datetime
    position: StreamPosition | None = None

    def is_fresh(self, now: datetime) -> bool:
        return self.read_at <= now < self.fresh_until


def may_be_kept(query: EventQuery) -> bool:
    """Whether others may be given the same page.

    Further pages are asked for by one reader each. A row enters the archive at its instant, and
    leaves a count at its instant: neither may wait for a page to grow old. With payloads it is
    more than a cache should hold.
    """
    is_first = query.cursor is None and not query.count
    return is_first and query.life != "archived" and not query.payload


class Repeats:
    """Remembers what was asked for: keeping a page that nobody asks for twice within its moment
    costs a shared cache two more answers, and is of no use to anybody.
    """

    def __init__(self, limit: int = MOST_REMEMBERED) -> None:
        self._limit = limit
        self._asked: dict[str, datetime] = {}

    def again(self, key: str, now: datetime) -> bool:
        """Whether it was asked for within a page's moment before; from ``now`` on it was."""
        before = self._asked.pop(key, None)
        self._asked[key] = now
        if len(self._asked) > self._limit:
            del self._asked[next(iter(self._asked))]  # the one not asked for the longest
        return before is not None and now - FRESH_FOR < before <= now


def key_of(query: EventQuery) -> str:
    """The same for equal queries; says nothing of what was searched for."""
    return hashlib.sha256(query.model_dump_json(exclude_none=True).encode()).hexdigest()


def fresh_until(
    asked_at: datetime, database_now: datetime | None, true_until: datetime | None
) -> datetime:
    """Until when a page may be shown that was asked for at ``asked_at`` (the gateway's clock).

    The ends of lives are by the database's clock: what is left of them is counted from the
    moment at which the page was asked for, which was no later than ``database_now``.
    """
    if database_now is None or true_until is None:
        return asked_at + FRESH_FOR
    return asked_at + min(FRESH_FOR, true_until - database_now)


def packed(page: EventPage) -> bytes:
    instants = page.read_at.isoformat(), page.fresh_until.isoformat()
    position = None if page.position is None else str(page.position)
    head = [page.next_cursor, *instants, position]
    return json.dumps(head).encode() + b"\n" + page.body


def unpacked(kept: bytes) -> EventPage | None:
    """What ``packed`` made; None for anything else that somebody left under the same name."""
    head, _, body = kept.partition(b"\n")
    try:
        next_cursor, read_at, until, position = json.loads(head)
        instants = datetime.fromisoformat(read_at), datetime.fromisoformat(until)
        surely = None if position is None else StreamPosition.parse(position)
        return EventPage(body, next_cursor, *instants, surely)
    except (ValueError, TypeError):
        return None
