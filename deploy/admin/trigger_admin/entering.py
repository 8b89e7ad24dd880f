"""Entering the broker as its administrator, by whichever of its nodes lets one in."""

import asyncio
import ssl
from collections.abc import Sequence
from itertools import cycle

from nats.aio.client import Client
from nats.errors import Error as NatsError

from trigger_runtime.jetstream.client import FastClient, NoAccess
from trigger_runtime.jetstream.connection import connect_options
from trigger_runtime.process.addresses import nodes, without_login
from trigger_runtime.process.broker_settings import BrokerSettings

from .errors import AdminError

CONNECT_TIMEOUT = 10
"""Seconds that all nodes together get."""

PAUSE = 0.2
"""Seconds between two tries: nodes may be starting."""


async def enter(settings: BrokerSettings, user: str) -> Client:
    """Connected with the inboxes of ``user``. A connection that breaks ends what is done over it.

    Raises AdminError where no node lets us in.
    """
    addresses = nodes(settings.nats_url)
    failures: dict[str, str] = {}
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            for address in cycle(addresses):
                try:
                    return await _connect(settings, user, address)
                except (NatsError, OSError, TimeoutError) as error:
                    failures[address] = str(error) or type(error).__name__
                    if _is_final(error):
                        break
                await asyncio.sleep(PAUSE)
    except TimeoutError:
        pass
    raise AdminError(_told(addresses, failures))


async def _connect(settings: BrokerSettings, user: str, address: str) -> Client:
    client = FastClient(settings)
    last: list[Exception] = []

    async def keep(error: Exception) -> None:
        last.append(error)

    options = {
        **connect_options(settings, user),
        "servers": [address],
        "name": "etp provision",
        "allow_reconnect": False,
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": PAUSE,
        "error_cb": keep,
    }
    try:
        await client.connect(**options)
    except BaseException as error:
        await client.close()
        if last and isinstance(error, NatsError):
            # nats-py only says that there is no server.
            raise last[-1] from error
        raise
    return client


def _is_final(error: Exception) -> bool:
    """Whether it is no use to ask again: the other nodes are configured alike."""
    refused = "authorization violation" in str(error).lower()
    return refused or isinstance(error, NoAccess | ssl.SSLError)


def _told(addresses: Sequence[str], failures: dict[str, str]) -> str:
    each = (f"{without_login(one)}: {failures.get(one, 'no answer')}" for one in addresses)
    return f"No broker lets the administrator in ({'; '.join(each)})."
