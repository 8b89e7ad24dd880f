"""Draws the pictures of ``docs/schedules.md`` by asking the engine what it does.

Run it after a rule of time has changed: ``.venv/bin/python -m docs.make_pictures``. A test fails
while a picture is stale. Nights and outage are past, so that newer rules of a zone do not move
them.
"""

from pathlib import Path

from docs.pictures import clock_changes, downtime
from docs.pictures.clock_changes import Night
from docs.pictures.drawing import utc

FOLDER = Path(__file__).with_name("pictures")

GAP = Night(
    "America/New_York",
    utc("2026-03-08T06:00"),
    utc("2026-03-08T08:00"),
    ("30 2 * * *", "15,45 2 * * *", "*/20 * * * *"),
)
HALF_HOUR = Night(
    "Australia/Lord_Howe",
    utc("2026-10-03T14:30"),
    utc("2026-10-03T16:30"),
    ("15 2 * * *", "*/15 * * * *"),
)
OVERLAP = Night(
    "America/New_York",
    utc("2026-11-01T04:30"),
    utc("2026-11-01T07:30"),
    ("30 1 * * *", "*/20 * * * *"),
)


def pictures() -> dict[str, str]:
    """Each file's name and text."""
    return {
        "gap.svg": clock_changes.draw(GAP, "Clocks put forward: New York, 8 March 2026"),
        "half-hour.svg": clock_changes.draw(
            HALF_HOUR, "Clocks put forward by half an hour: Lord Howe, 4 October 2026"
        ),
        "overlap.svg": clock_changes.draw(OVERLAP, "Clocks put back: New York, 1 November 2026"),
        "downtime.svg": downtime.draw(),
    }


if __name__ == "__main__":
    for name, text in pictures().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
