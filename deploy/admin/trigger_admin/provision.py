"""The admin step: everything the services rely on and may not create themselves.

``etp up`` takes it before the services start; elsewhere it is the command ``etp provision``, a
one-shot that the services wait for. Idempotent, and safe to take while the platform runs: one that
was killed leaves nothing that the next one does not finish, and of two at once one waits.

First it looks back: a stream that lacks what was there before stops it, and a database that is new
while the streams are not is made anew from them.
"""

from collections.abc import Callable, Collection, Sequence

import asyncpg

from trigger_runtime.postgres.migrations import NewerSchemaError

from . import database, rebuild, streams, yesterday
from .comparing import find_losses
from .errors import AdminError, TablesGoneError
from .installation import (
    ONE_AT_A_TIME,
    Installation,
    admin_connection,
    at_database,
    compare,
    one_step,
    take_note,
)

WAITING = "Another admin step is under way on this platform: this one waits for it."


def say_nothing(_text: str) -> None:
    """For whoever is not told what happens."""


async def provision(
    target: Installation, say: Callable[[str], None] = say_nothing, *, accept_loss: bool = False
) -> None:
    """Raises StreamsLostError before anything is changed, unless ``accept_loss``."""
    async with one_step(target, lambda: say(WAITING)), admin_connection(target) as client:
        compared = await find_losses(target, client)
        lost = compared.lost
        yesterday.refuse_half_restored(compared.past)
        if not accept_loss:
            yesterday.refuse(lost, target.options)
        await streams.apply(client, replicas=target.replicas)
        if lost:
            await streams.renew_consumers(client)
        lacking = compared.past.lacking(compared.found)
        # What is to be folded appears with all its rows at once: nobody finds it empty meanwhile.
        await provision_database(target, without=lacking)
        if lacking:
            say(_made_anew(compared.past, lacking))
            for line in await rebuild.make_anew(target, accept_loss=True, schemas=lacking):
                say(line)
            await provision_database(target)
        elif not lost:
            await take_note(target, client)


def _made_anew(past: yesterday.Yesterday, schemas: Sequence[str]) -> str:
    if past.gone == database.SCHEMAS.keys() or not past.noted:
        return "PostgreSQL is new and the streams are not: every table is made anew from them."
    return f"PostgreSQL lacks tables of: {', '.join(schemas)}. They are made anew."


async def watch(target: Installation, say: Callable[[str], None] = say_nothing) -> list[str]:
    """What was lost since the last note; if nothing, how far the streams are is noted.

    A stream that is missing and had nothing is made anew.

    Raises TablesGoneError where it is PostgreSQL that was lost.
    """
    async with admin_connection(target) as client:
        past, found = await compare(target, client)
        if past.gone:
            raise TablesGoneError(sorted(past.gone))
        lost = past.lost(found)
        if not lost:
            if missing := [name for name, state in found.items() if state is None]:
                await streams.apply(client, replicas=target.replicas)
                say(f"Streams without a message were missing, and are there again: {missing}")
            await take_note(target, client)
        return lost


async def provision_database(target: Installation, *, without: Collection[str] = ()) -> None:
    """Roles, the database, and its schemas ``without`` those that a rebuild makes."""
    name, prefix = target.database_name, target.role_prefix
    server = await asyncpg.connect(at_database(target.database_url, "postgres"))
    try:
        await server.execute("SELECT pg_advisory_lock($1)", ONE_AT_A_TIME)
        await database.check_owner(server, name, prefix=prefix)
        await database.create_roles(server, target.role_passwords, prefix=prefix)
        await database.create_database(server, name, prefix=prefix)
        connection = await asyncpg.connect(at_database(target.database_url, name))
        try:
            await database.apply_schemas(connection, without, prefix=prefix)
        except NewerSchemaError as newer:
            msg = (
                f"The database was last used by a newer version of the platform ({newer}). "
                "Install that version; it was left as it is."
            )
            raise AdminError(msg) from None
        finally:
            await connection.close()
    finally:
        await server.close()
