"""Instants as the Python peers want them."""

from datetime import UTC, datetime


def instant(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
