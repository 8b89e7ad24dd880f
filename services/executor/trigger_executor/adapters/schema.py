"""The executor's schema in PostgreSQL: applied by the admin step, or by a rebuild's shadow."""

from pathlib import Path
from typing import Any

import asyncpg

from trigger_runtime.postgres import migrations

SCHEMA = "executor"

_FOLDER = Path(__file__).with_name("migrations")
_TABLES = ("delivery", "lane", "projection")


async def apply(connection: "asyncpg.Connection[Any]", schema: str = SCHEMA) -> None:
    """Bring ``schema`` up to date; ``connection`` is the database owner's."""
    await migrations.apply(connection, _FOLDER, schema)


async def is_whole(connection: "asyncpg.Connection[Any]", schema: str = SCHEMA) -> bool:
    """Whether its tables are there; raises nothing where they are not."""
    return await migrations.has_tables(connection, schema, _TABLES)
