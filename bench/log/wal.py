"""How much write-ahead log one session has caused, whatever the others do meanwhile."""

from typing import Any


async def wal_bytes(database: Any) -> int:
    """Bytes so far; what a session wrote is counted at the end of a transaction."""
    await database.execute("SELECT pg_stat_force_next_flush()")
    written: int = await database.fetchval(
        "SELECT wal_bytes::bigint FROM pg_stat_get_backend_wal(pg_backend_pid())"
    )
    return written
