"""Pages of the log as an export sends them, read by one statement each.

Between two pages nothing is held: no connection, no snapshot, no lock. So a client may take its
time, and hours of the log may be dropped meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Row

from trigger_api.domain.exports import Format, csv_line
from trigger_api.domain.pace import Stretch
from trigger_api.domain.queries import StateFilter
from trigger_api.ports import LogPage, Piece

from . import export_statements
from .database import Database
from .definitions import Monotonic
from .export_statements import PAGE_BYTES

CSV_ROWS = 200
"""Rows written down at a stretch: a millisecond in which nothing else happens in the process."""


class PostgresLogPages:
    """See ``ports.LogPages``."""

    def __init__(self, searches: Database, clock: Monotonic) -> None:
        """``searches`` plans each statement for its own words and bounds."""
        self._searches = searches
        self._clock = clock

    async def page(self, wanted: StateFilter, written_as: Format, stretch: Stretch) -> LogPage:
        # Before the database's own now(): what is left of a life is counted from here.
        asked_at = self._clock.monotonic()
        if written_as is Format.NDJSON:
            rows = await self._searches.fetch(export_statements.lines(wanted, stretch))
            pieces = [
                Piece(r.body, r.rows, (r.logged_at, r.event_id), asked_at + r.left_s) for r in rows
            ]
        else:
            rows = await self._searches.fetch(export_statements.parts(wanted, stretch))
            pieces = [
                _csv(rows[start : start + CSV_ROWS], asked_at)
                async for start in _in_bites(len(rows))
            ]
        found = sum(piece.rows for piece in pieces)
        is_cut = bool(rows) and rows[-1].upto >= PAGE_BYTES
        return LogPage(pieces, is_whole=found < stretch.rows and not is_cut)


async def _in_bites(count: int) -> AsyncIterator[int]:
    for start in range(0, count, CSV_ROWS):
        yield start
        await asyncio.sleep(0)


def _csv(rows: Sequence[Row[Any]], asked_at: float) -> Piece:
    last = rows[-1]
    return Piece(
        "".join(
            csv_line(
                r.start,
                r.trigger_id,
                r.trigger_name,
                r.middle,
                r.reason,
                r.errors,
                r.rest,
                r.payload,
            )
            for r in rows
        ).encode(),
        len(rows),
        (last.logged_at, last.event_id),
        asked_at + min(r.left_s for r in rows),
    )
