"""Whether a service lives: what must not be changed under one asks here first."""

import asyncio

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError
from pydantic import ValidationError

from trigger_contracts import heartbeats, subjects
from trigger_contracts.subjects import Service

from .errors import AdminError

HEARD_FOR = 2 * heartbeats.EVERY.total_seconds() + 0.5
"""Seconds in which a worker that lives is heard, though one heartbeat be late."""

LISTENED_FOR = 5.0
"""Seconds for the broker to say that nobody listens; that somebody does, it does not say."""


async def must_be_stopped(client: Client) -> None:
    """Raises AdminError where one is found. A worker would decide by half of what is put back, and
    what a gateway accepts meanwhile would be lost. One without a connection is not found.
    """
    heard: set[str] = set()

    async def hear(message: Msg) -> None:
        heard.update(_who(message))

    listening = await client.subscribe(subjects.ALL_ALIVE, cb=hear)
    await asyncio.sleep(HEARD_FOR)
    await listening.unsubscribe()
    if await _is_anybody_listening(client):
        heard.add(Service.API)
    if heard:
        raise AdminError(
            f"Services run ({', '.join(sorted(heard))}): stop all of them, and repeat this."
        )


def _who(message: Msg) -> tuple[str, ...]:
    """Who says that it lives, by the names that people know; also in words that we do not."""
    service = message.subject.rpartition(".")[2]
    try:
        beat = heartbeats.Heartbeat.model_validate_json(message.data)
    except ValidationError:
        return (service,)
    return heartbeats.workers_of(service, beat) or (service,)


async def _is_anybody_listening(client: Client) -> bool:
    """Whether somebody hears heartbeats: gateways do, and send none themselves."""
    try:
        # To a gateway an empty one is none.
        await client.request(subjects.alive(Service.API), b"", timeout=LISTENED_FOR)
    except NoRespondersError:
        return False
    except NatsTimeoutError:
        """Whoever hears a heartbeat does not answer it."""
    return True
