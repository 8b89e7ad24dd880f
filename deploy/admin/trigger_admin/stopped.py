"""Whether a worker lives: what must not be changed under one asks here first."""

import asyncio

from nats.aio.client import Client
from nats.aio.msg import Msg

from trigger_contracts import heartbeats, subjects

from .errors import AdminError

HEARD_FOR = 2 * heartbeats.EVERY.total_seconds() + 0.5
"""Seconds in which a worker that lives is heard, though one heartbeat be late."""


async def must_be_stopped(client: Client) -> None:
    """Raises AdminError where one is heard: it would decide by half of what is put back."""
    heard: set[str] = set()

    async def hear(message: Msg) -> None:
        heard.add(message.subject.rpartition(".")[2])

    listening = await client.subscribe(subjects.ALL_ALIVE, cb=hear)
    await asyncio.sleep(HEARD_FOR)
    await listening.unsubscribe()
    if heard:
        raise AdminError(
            f"Services run ({', '.join(sorted(heard))}): stop all of them, and repeat this."
        )
