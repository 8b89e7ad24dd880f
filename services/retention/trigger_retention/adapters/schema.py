"""The schema of the event log: applied by the admin step, or by a rebuild for its shadow."""

from pathlib import Path
from typing import Any

import asyncpg

from trigger_runtime.postgres import migrations

SCHEMA = "retention"

_FOLDER = Path(__file__).with_name("migrations")
_TABLES = ("event", "life_setting", "summary", "delivery", "attempt")


async def apply(connection: "asyncpg.Connection[Any]", schema: str = SCHEMA) -> None:
    """Bring ``schema`` up to date, creating it if need be; ``connection`` is its owner's."""
    await migrations.apply(connection, _FOLDER, schema)


async def is_whole(connection: "asyncpg.Connection[Any]", schema: str = SCHEMA) -> bool:
    """Whether its tables are there; raises nothing where they are not."""
    return await migrations.has_tables(connection, schema, _TABLES)
