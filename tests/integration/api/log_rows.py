"""Rows of the log as retention writes them, and as a page lists them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from tests.support.servers import Database
from trigger_contracts.ids import uuid7


class Log:
    """Writes rows as retention does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._count = 0

    async def add(self, age: timedelta = timedelta(), **fields: Any) -> UUID:
        self._count += 1
        at = datetime.now(UTC) - age
        row = {
            "event_id": uuid7(at, str(self._count)),
            "stream_seq": self._count,
            "trigger_id": "t",
            "trigger_name": "Test",
            "trigger_type": "api",
            "trigger_version": 1,
            "status": "fired",
            "source": "api",
            "is_test": False,
            "fired_at": at,
            "logged_at": at,
            "misfire": False,
            "errors": "[]",
            "count": 1,
            "payload": '{"n": 1}',
            **fields,
        }
        async with self._database.connected() as admin:
            hour = at.replace(minute=0, second=0, microsecond=0)
            await admin.execute("SELECT retention.ensure_partitions($1)", [hour])
            names = ", ".join(row)
            marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
            await admin.execute(
                f"INSERT INTO retention.event ({names}) VALUES ({marks})", *row.values()
            )
        event_id: UUID = row["event_id"]
        return event_id


async def listed(http: httpx.AsyncClient, **params: Any) -> list[str]:
    response = await http.get("/events/", params=params)
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()]
