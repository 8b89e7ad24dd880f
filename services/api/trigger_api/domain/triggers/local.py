"""Instants of a schedule on its own clock, by the platform's time zones, not by a browser's."""

from datetime import datetime

from trigger_contracts.instants import on_clock, stored_zone


def local_text(instant: datetime | None, timezone: str) -> str | None:
    """ISO 8601 with the clock's offset; None of None."""
    return None if instant is None else on_clock(instant, stored_zone(timezone)).isoformat()
