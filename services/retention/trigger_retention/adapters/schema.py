"""The schema of the event log: applied by the admin step, or by a rebuild for its shadow."""

from pathlib import Path
from typing import Any

import asyncpg

from trigger_runtime import migrations

_FOLDER = Path(__file__).with_name("migrations")


async def apply(connection: "asyncpg.Connection[Any]", schema: str = "retention") -> None:
    """Bring ``schema`` up to date, creating it if need be; ``connection`` is its owner's."""
    await migrations.apply(connection, _FOLDER, schema)
