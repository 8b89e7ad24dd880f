"""A backup brought back: ``etp restore``, while no service runs.

The streams are put back as they were, and every table is made of them. What was stored since the
backup is lost. What was due since may have fired before the loss, so it does not fire: each such
occurrence is logged as missed, with a reason that begins with "restored". Whoever knows that it
did not fire has it fired by a replay of that row.

Until the tables are made PostgreSQL keeps that a restore is under way: a start refuses to go on
with half of one, which would fire again what the streams do not say was fired.
"""

import json
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import asyncpg
from nats.aio.client import Client

from . import backup, snapshots, streams, yesterday
from .backup import Backup
from .database import SCHEMAS
from .errors import AdminError
from .installation import Installation, admin_connection, one_step
from .rebuild import make_anew, rebuild_all
from .stopped import must_be_stopped

Say = Callable[[str], None]


async def restore(
    target: Installation, folder: Path, say: Say, *, replace: bool = False
) -> tuple[str, ...]:
    """Put a backup's streams into the broker, and make the tables; returns a sentence about each.

    The database exists (``provision``), whatever is in it. Streams that have messages are removed
    only where ``replace`` says so. Raises AdminError before anything is changed; of one that was
    interrupted later a repetition makes a whole one.
    """
    found = backup.read(folder)
    if found.uncopied:
        say(
            f"Up to {found.uncopied} commands of NATS clients are not in this backup, though they "
            "were acknowledged before it: the broker had not copied them."
        )
    async with one_step(target):
        await _put_back(target, found, folder, say, replace=replace)
        return await make_anew(
            target, accept_loss=True, schemas=tuple(SCHEMAS), restored=reason(found)
        )


async def _put_back(
    target: Installation, found: Backup, folder: Path, say: Say, *, replace: bool
) -> None:
    """Its streams, in the place of those that are there."""
    async with admin_connection(target) as client:
        await must_be_stopped(client)
        past = await _keep_that_it_begins(target, client, folder, replace=replace)
        for name, state in past.items():
            if state is not None:
                await _request(client, f"$JS.API.STREAM.DELETE.{name}")
        for one in found.streams:
            await snapshots.put_back(client, one, backup.file_of(folder, one.stream))
            say(f"{one.stream}: {one.state['messages']} messages")
        await streams.apply(client, replicas=target.replicas)


async def rebuild_restored(target: Installation, *, accept_loss: bool) -> tuple[str, ...]:
    """Make the tables of streams that were brought back by other means: a copy of the broker's
    store. Raises AdminError where a service runs, or as ``rebuild_all``.
    """
    async with admin_connection(target) as client:
        await must_be_stopped(client)
    return await rebuild_all(target, accept_loss=accept_loss, restored=reason())


def reason(found: Backup | None = None) -> str:
    """Of an occurrence that was due since a backup, where it is known which: for the log."""
    if found is None:
        return "restored from a backup: it may have fired before"
    at = found.began_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"restored from the backup of {at}: it may have fired before"


async def _keep_that_it_begins(
    target: Installation, client: Client, folder: Path, *, replace: bool
) -> yesterday.Streams:
    """The streams that are there, which may be removed. Raises AdminError where they may not."""
    found = await yesterday.streams(client)
    try:
        connection = await asyncpg.connect(target.database_url)
    except asyncpg.InvalidCatalogNameError:
        raise AdminError("There is no database yet: etp provision makes it.") from None
    try:
        begun = (await yesterday.known(connection)).restoring is not None
        having = [name for name, state in found.items() if state is not None and state.messages]
        if having and not replace and not begun:
            raise AdminError(
                f"The broker has messages in {', '.join(having)}. To lose them and go back to the "
                "backup: --replace"
            )
        await yesterday.restore_begins(connection, str(folder))
    finally:
        await connection.close()
    return found


async def _request(client: Client, subject: str) -> None:
    answer = await client.request(subject, b"", timeout=snapshots.REQUEST_TIMEOUT)
    body: dict[str, Any] = json.loads(answer.data)
    if refusal := body.get("error"):
        raise AdminError(f"The broker refused {subject}: {refusal.get('description')}.")
