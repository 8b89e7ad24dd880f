"""Pages of the log as an export sends them, read by one statement each.

Between two pages nothing is held: no connection, no snapshot, no lock. So a client may take its
time, and hours of the log may be dropped meanwhile.
"""

import asyncio
from typing import Any

from sqlalchemy import Row

from trigger_api.adapters.database import ReadDatabase
from trigger_api.domain.log.export_paging import ReadRange
from trigger_api.domain.log.exports import Format, csv_line
from trigger_api.domain.queries import ExportQuery
from trigger_api.ports.log import ExportChunk, LogPage
from trigger_runtime.process.clock import Clock

from . import export_queries as export_statements
from .export_queries import PAGE_BYTES


class PostgresLogPages:
    """``ports.log.LogPages``: rows as JSON or CSV, a page of bounded size at a time."""

    def __init__(self, searches: ReadDatabase, clock: Clock) -> None:
        """``searches`` plans each statement for its own words and bounds."""
        self._searches = searches
        self._clock = clock

    async def page(self, wanted: ExportQuery, written_as: Format, stretch: ReadRange) -> LogPage:
        # Before the database's own now(): what is left of a life is counted from here.
        asked_at = self._clock.monotonic()
        if written_as is Format.NDJSON:
            rows = await self._searches.fetch(export_statements.lines(wanted, stretch))
            pieces = [_piece(row, row.body, asked_at) for row in rows]
        else:
            rows = await self._searches.fetch(export_statements.parts(wanted, stretch))
            pieces = []
            for row in rows:
                pieces.append(_piece(row, _csv(row, wanted), asked_at))
                await asyncio.sleep(0)  # half a millisecond each: others have their turn
        found = sum(piece.rows for piece in pieces)
        is_cut = bool(rows) and rows[-1].upto >= PAGE_BYTES
        return LogPage(pieces, is_whole=found < stretch.rows and not is_cut)


def _piece(row: Row[Any], body: bytes, asked_at: float) -> ExportChunk:
    return ExportChunk(body, row.rows, (row.logged_at, row.event_id), asked_at + row.left_s)


def _csv(row: Row[Any], wanted: ExportQuery) -> bytes:
    columns = (
        *(row.start, row.trigger_id, row.trigger_name, row.middle),
        *(row.reason, row.errors, row.rest, row.payload),
        *((row.deliveries,) if wanted.deliveries else ()),
    )
    return "".join(map(csv_line, *columns)).encode()
