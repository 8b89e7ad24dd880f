"""For how long a receiver asks not to be asked again (RFC 9110, 10.2.3). Pure."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(hours=1)
"""A lane pauses no longer, whatever a receiver writes: then it is asked again."""
_MOST_DIGITS = 9
_LONGEST_DATE = 40


def retry_after(value: str | None, now: datetime, date: str | None = None) -> int | None:
    """Whole seconds from ``now``, rounded up, 1 to an hour; None where nothing is asked for.

    ``value`` is that of ``Retry-After``: seconds, or an HTTP date, which is counted from the
    answer's own ``date`` where that has one, since the two clocks may differ. What is neither, or
    past, asks for nothing.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        asked = timedelta(seconds=int(text)) if len(text) <= _MOST_DIGITS else LONGEST
    else:
        until = _instant(text)
        if until is None:
            return None
        asked = until - (_instant(date or "") or now)
    seconds = -(min(asked, LONGEST) // timedelta(seconds=-1))
    return seconds if seconds > 0 else None


def _instant(text: str) -> datetime | None:
    if not text or len(text) > _LONGEST_DATE:
        return None
    try:
        instant = parsedate_to_datetime(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
