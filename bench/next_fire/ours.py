"""The platform's engine: as a value in hand, and as the scheduler asks it."""

from datetime import datetime
from time import process_time

from trigger_contracts.cron import Cron
from trigger_contracts.schedule import parse

from .walks import START, ZONE


def engine(expression: str, occurrences: int) -> tuple[float, list[datetime]]:
    schedule = Cron.parse(expression, ZONE)
    at, found = START, []
    began = process_time()
    for _ in range(occurrences):
        at = schedule.next_after(at)
        found.append(at)
    return process_time() - began, found


def scheduler(expression: str, occurrences: int) -> tuple[float, list[datetime]]:
    """From the text of each row, as it comes out of PostgreSQL: never the same object."""
    text = Cron.parse(expression, ZONE).model_dump_json().encode()
    rows = [text.decode() for _ in range(occurrences)]
    at, found = START, []
    began = process_time()
    for row in rows:
        at = parse(row).next_after(at)
        found.append(at)
    return process_time() - began, found
