"""The scheduler's schema in PostgreSQL: applied by the admin step, or by a rebuild's shadow."""

from pathlib import Path
from typing import Any

import asyncpg

from trigger_runtime import migrations

SCHEMA = "scheduler"

_FOLDER = Path(__file__).with_name("migrations")


async def apply(connection: "asyncpg.Connection[Any]", schema: str = SCHEMA) -> None:
    """Bring ``schema`` up to date; ``connection`` is the database owner's."""
    await migrations.apply(connection, _FOLDER, schema)
