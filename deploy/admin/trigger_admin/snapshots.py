"""One stream as a file: taken from a running broker, and put back into one that lacks it.

The broker packs a stream's messages with their sequences and instants, its configuration and how
far its consumers are (what ``nats stream backup`` makes is the same). It goes on storing meanwhile;
what is stored after the snapshot began is not in it. Used by ``backup`` and ``restore``.
"""

import asyncio
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from .errors import AdminError

CHUNK = 256 * 1024
"""Bytes of a message: well below any broker's limit of a payload."""

REQUEST_TIMEOUT = 10.0
"""Seconds for a request, and between two chunks."""

UNPACK_TIMEOUT = 3600.0
"""Seconds for the broker to unpack what it was given: it reads and writes all of it."""

LISTENS_POLL = 0.05
"""Seconds until a chunk that nobody heard is sent again."""

_COMPLETE = "204"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is in a file, as the broker and the bytes say."""

    stream: str
    config: dict[str, Any]
    state: dict[str, Any]
    """Of the broker: ``messages``, ``first_seq``, ``last_seq``, and others."""
    size: int
    """Bytes."""
    sha256: str


async def take(client: Client, stream: str, path: Path) -> Snapshot:
    """Write a stream to a new file, synced. Raises AdminError if the broker does not give it."""
    inbox = client.new_inbox()
    chunks = await client.subscribe(inbox)
    asked = {"deliver_subject": inbox, "chunk_size": CHUNK, "no_consumers": False}
    told = await _request(client, f"$JS.API.STREAM.SNAPSHOT.{stream}", asked, stream)
    digest, size = hashlib.sha256(), 0
    try:
        with new_private_file(path) as file:
            while (chunk := await chunks.next_msg(timeout=REQUEST_TIMEOUT)).data:
                file.write(chunk.data)
                digest.update(chunk.data)
                size += len(chunk.data)
                # The broker sends a few ahead, and the next ones as these are acknowledged.
                if chunk.reply:
                    await client.publish(chunk.reply)
            file.flush()
            os.fsync(file.fileno())
    except TimeoutError:
        raise AdminError(f"The broker stopped sending {stream} after {size} bytes.") from None
    finally:
        await chunks.unsubscribe()
    _must_be_complete(chunk, stream)
    return Snapshot(stream, told["config"], told["state"], size, digest.hexdigest())


async def put_back(client: Client, snapshot: Snapshot, path: Path) -> None:
    """Make a stream that is not there of its file. Raises AdminError; then it is not there."""
    asked = {"config": snapshot.config, "state": snapshot.state}
    subject = f"$JS.API.STREAM.RESTORE.{snapshot.stream}"
    told = await _request(client, subject, asked, snapshot.stream)
    deliver: str = told["deliver_subject"]
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            await _hand_over(client, deliver, chunk, snapshot.stream, REQUEST_TIMEOUT)
    _told(await _hand_over(client, deliver, b"", snapshot.stream, UNPACK_TIMEOUT), snapshot.stream)


def new_private_file(path: Path) -> BinaryIO:
    """For its owner alone: payloads are in it."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _hand_over(client: Client, deliver: str, chunk: bytes, stream: str, within: float) -> Msg:
    """Again where nobody heard it: of a cluster the node that we are at may learn a moment after
    we do that another one listens. Raises AdminError if it stays so.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + REQUEST_TIMEOUT
    while True:
        try:
            return await client.request(deliver, chunk, timeout=within)
        except NoRespondersError:
            if loop.time() > deadline:
                raise AdminError(f"The broker does not take {stream} any more.") from None
        await asyncio.sleep(LISTENS_POLL)


async def _request(
    client: Client, subject: str, body: dict[str, Any], stream: str
) -> dict[str, Any]:
    answer = await client.request(subject, json.dumps(body).encode(), timeout=REQUEST_TIMEOUT)
    return _told(answer, stream)


def _told(answer: Msg, stream: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.data)
    if refusal := body.get("error"):
        raise AdminError(f"The broker refused {stream}: {refusal.get('description')}.")
    return body


def _must_be_complete(last: Msg, stream: str) -> None:
    status = (last.headers or {}).get("Status", _COMPLETE)
    if status != _COMPLETE:
        why = (last.headers or {}).get("Description", status)
        raise AdminError(f"The broker did not send all of {stream}: {why}.")
