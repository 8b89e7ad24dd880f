"""All streams in one folder: ``etp backup``, while the platform runs or while it does not.

The streams are the facts, and every table can be made of them. They are taken one after the other,
each before those that are made of it: whatever a consumer has acknowledged in a stream that is
here is here as well in the stream that it wrote to. A record is never here without the change that
it names, for decisions are taken before changes. So all that was acknowledged before ``began_at``
is in a backup, and of what came while it was taken a part.

Manifest last: a folder without one is no backup.
"""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from nats.aio.client import Client

from trigger_contracts import topology

from . import snapshots
from .errors import AdminError, UncopiedError
from .installation import Installation, admin_connection
from .snapshots import Snapshot

ORDER = (
    topology.COMMANDS.name,
    topology.IDEMPOTENCY.stream,
    topology.DUE.name,
    topology.CHANGES.name,
    topology.TARGETS.name,
    topology.EVENTS.name,
    topology.DEAD.name,
)
"""Without TRIGGER_INGRESS: all of it is copied into TRIGGER_COMMANDS before that is taken, and how
far it was copied would be wrong beside another one. Where the copy stands still, the manifest says
how many are missing."""

MANIFEST = "backup.json"
FORMAT = 1

COPY_TIMEOUT = 10.0
COPY_POLL = 0.3
"""Seconds: longer than a message takes from one stream to the other where none waits."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """What the manifest says."""

    began_at: datetime
    """By the broker's clock: all that was acknowledged before is in it."""
    ended_at: datetime
    version: str
    """Of the platform."""
    streams: tuple[Snapshot, ...]
    uncopied: int = 0
    """At most so many commands of NATS clients were acknowledged before, and are not in it."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(one.size for one in self.streams)


async def back_up(target: Installation, folder: Path, say: Say) -> Backup:
    """Write a backup into a folder that is new or empty. Raises AdminError; it is an UncopiedError
    where the backup is there and lacks commands that were acknowledged.
    """
    _make(folder)
    async with admin_connection(target) as client:
        began_at, _ = await _info(client, topology.COMMANDS.name)
        uncopied = await _until_copied(client)
        taken: list[Snapshot] = []
        for stream in ORDER:
            taken.append(await snapshots.take(client, stream, file_of(folder, stream)))
            say(f"{stream}: {taken[-1].state['messages']} messages, {taken[-1].size} bytes")
        ended_at, _ = await _info(client, topology.COMMANDS.name)
    version = metadata.version("event-trigger-platform")
    made = Backup(began_at, ended_at, version, tuple(taken), uncopied)
    _write(folder / MANIFEST, made)
    if uncopied:
        raise UncopiedError(folder, uncopied)
    return made


def read(folder: Path) -> Backup:
    """The backup in a folder, whose files are as they were written. Raises AdminError."""
    try:
        kept = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            raise AdminError(
                f"The backup in {folder} is of the format {kept['format']}, made by version "
                f"{kept['version']}: install that version. This one knows format {FORMAT}."
            )
        backup = Backup(
            datetime.fromisoformat(kept["began_at"]),
            datetime.fromisoformat(kept["ended_at"]),
            kept["version"],
            tuple(Snapshot(**one) for one in kept["streams"]),
            int(kept.get("uncopied", 0)),
        )
    except FileNotFoundError:
        raise AdminError(f"There is no whole backup in {folder}: it has no {MANIFEST}.") from None
    except (ValueError, KeyError, TypeError):
        raise AdminError(f"{folder / MANIFEST} cannot be read: it is damaged.") from None
    for one in backup.streams:
        path = file_of(folder, one.stream)
        if not path.is_file():
            raise AdminError(f"{path} is missing.")
        if path.stat().st_size != one.size or snapshots.sha256_of(path) != one.sha256:
            raise AdminError(f"{path} is not what was written when the backup was made.")
    return backup


def file_of(folder: Path, stream: str) -> Path:
    """Where a stream is in a backup: what ``nats stream restore`` reads as well."""
    return folder / f"{stream}.tar.s2"


async def _until_copied(client: Client) -> int:
    """Wait until what NATS clients were told is stored has reached TRIGGER_COMMANDS; returns how
    much of it, at most, has not.
    """
    _, ingress = await _info(client, topology.INGRESS.name)
    stored: int = ingress["state"]["last_seq"]
    deadline = asyncio.get_running_loop().time() + COPY_TIMEOUT
    while True:
        await asyncio.sleep(COPY_POLL)
        _, ingress = await _info(client, topology.INGRESS.name)
        _, commands = await _info(client, topology.COMMANDS.name)
        uncopied: int = stored - (ingress["state"]["last_seq"] - _behind(ingress, commands))
        if uncopied <= 0:
            return 0
        if asyncio.get_running_loop().time() > deadline:
            return uncopied


def _behind(ingress: dict[str, Any], commands: dict[str, Any]) -> int:
    """How many messages the copy lacks; where nobody copies any more, all that are there."""
    for source in commands.get("sources") or ():
        if source["name"] == topology.INGRESS.name:
            lag: int = source["lag"]
            return lag
    messages: int = ingress["state"]["messages"]
    return messages


async def _info(client: Client, stream: str) -> tuple[datetime, dict[str, Any]]:
    """The broker's clock, and what it says of a stream. Raises AdminError if it is missing."""
    answer = await client.request(
        f"$JS.API.STREAM.INFO.{stream}", b"", timeout=snapshots.REQUEST_TIMEOUT
    )
    body: dict[str, Any] = json.loads(answer.data)
    if refusal := body.get("error"):
        raise AdminError(f"The broker does not serve {stream}: {refusal.get('description')}.")
    return datetime.fromisoformat(body["ts"]), body


def _make(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AdminError(f"{folder} is there and not an empty folder: name another one.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _write(path: Path, backup: Backup) -> None:
    """In one step, and synced: it is what makes a backup of the files."""
    text = json.dumps({"format": FORMAT, **asdict(backup)}, indent=1, default=datetime.isoformat)
    part = path.with_suffix(".part")
    with snapshots.new_private_file(part) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
