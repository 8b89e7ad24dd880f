"""Whether a PostgreSQL is new enough for the services' statements.

Asked once at the beginning of an admin step, before anything is changed: an older server would take
the schemas and then refuse what the scheduler says, with a syntax error at the first command.
"""

import asyncpg

from .errors import ServerTooOldError

OLDEST = 18
"""The first major version that knows ``RETURNING old…, new…``, by which the scheduler counts its
quotas. A newer one is taken as it is: PostgreSQL goes on understanding what it understood."""


async def check(server: asyncpg.Connection) -> None:
    """Raises ServerTooOldError, with the version as the server itself tells it."""
    told: str = await server.fetchval("SELECT current_setting('server_version')")
    number: int = await server.fetchval("SELECT current_setting('server_version_num')::int")
    refuse_older(told, number)


def refuse_older(told: str, number: int) -> None:
    """``number`` is ``server_version_num``: 180004 for 18.4, and 180000 for its betas as well."""
    if number // 10_000 < OLDEST:
        raise ServerTooOldError(told, OLDEST)
