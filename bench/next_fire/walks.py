"""What is walked: four expressions in a zone with seasons, from one instant on."""

from dataclasses import dataclass
from datetime import UTC, datetime

ZONE = "Europe/Berlin"
START = datetime(2026, 1, 1, 11, 59, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Walk:
    name: str
    expression: str
    occurrences: int
    """So many that the walk takes long against the clock's resolution."""
    target_us: int


WALKS = (
    Walk("every minute", "* * * * *", 1_000, 4),
    Walk("workdays 9:30", "30 9 * * MON-FRI", 300, 10),
    Walk("quarter hours 8-18", "*/15 8-18 * * *", 500, 8),
    Walk("29 February", "0 0 29 2 *", 15, 40),
)
