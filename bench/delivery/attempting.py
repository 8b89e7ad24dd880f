"""Attempts by the executor's own adapter, and the same requests by a bare loop of its client.

A worker: CPU is that of a process which does nothing else. Both take turns in it, on connections
that are kept, so many requests at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from bench.support.checks import expect
from bench.support.servers import Servers
from bench.support.workers import Link
from trigger_contracts.deliveries.outcomes import Outcome
from trigger_contracts.targets.addresses import allowance
from trigger_contracts.targets.changes import SigningSecret
from trigger_contracts.targets.fields import parse_target
from trigger_contracts.targets.sealing import SECRET_FIELD, new_key, opening_keys
from trigger_contracts.targets.secrets import new_secret
from trigger_executor.adapters.delivery.name_lookup import AresLookup
from trigger_executor.adapters.delivery.name_resolver import NameResolver
from trigger_executor.adapters.delivery.opened_secrets import SecretOpener
from trigger_executor.adapters.delivery.trust import Trust
from trigger_executor.adapters.delivery.webhook_sender import SendingRules, WebhookSender
from trigger_executor.domain.delivery.attempt import Attempt, Attempted
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.ids import new_id

AT_ONCE = 100
BYTES = 784
"""Of an event with a small payload."""
_TARGET = "receiver"
_WARM_UP = 10
"""One part in so many of the attempts, before anything counts."""

Request = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Turn:
    """So many requests of one kind."""

    cpu_us: float
    """Of each."""
    per_second: float


async def attempt(link: Link, port: int, count: int, turns: int) -> None:
    """Reports the turns of both, ours and the bare loop's."""
    url = f"http://127.0.0.1:{port}/hook"
    event = b'{"data":{"payload":{"text":"%s"}}}'
    event %= b"x" * (BYTES - len(event) + 2)
    clock = SystemClock()
    keys = opening_keys([new_key()])
    sealed = keys.current.seal(new_secret(), target_id=_TARGET, field=SECRET_FIELD)
    request = Attempt(
        event_id=new_id(),
        target_id=_TARGET,
        definition=parse_target({"type": "webhook", "url": url}),
        secrets=(SigningSecret(sealed=sealed, made_at=clock.now()),),
        number=1,
        is_test=False,
        event=event,
    )
    sender = WebhookSender(
        SendingRules(allowance(["127.0.0.1"]), True, "event-trigger-platform/bench"),
        NameResolver(AresLookup(), clock.monotonic),
        SecretOpener(keys),
        Trust(),
        clock,
    )
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def ours() -> None:
            told = await sender.send(request)
            is_delivered = isinstance(told, Attempted) and told.outcome is Outcome.DELIVERED
            expect(is_delivered, f"an attempt came to {told}")

        async def bare() -> None:
            async with session.post(url, data=event) as answer:
                await answer.read()
            expect(answer.status == 200, f"an answer has the status {answer.status}")

        for one in (ours, bare):
            await _turn(one, count // _WARM_UP)
        link.ready()
        told: dict[str, list[Turn]] = {"ours": [], "bare": []}
        for _ in range(turns):
            told["ours"].append(await _turn(ours, count))
            told["bare"].append(await _turn(bare, count))
        link.report(told)
    await sender.close()
    await link.told()


async def publish(link: Link, servers: Servers, subject: str, count: int, turns: int) -> None:
    """Reports the turns of the bare publish to a subject, each with a round trip of its own."""
    body = b"x" * BYTES
    async with servers.connected() as connection:
        client = connection.client

        async def bare() -> None:
            await client.publish(subject, body)
            await client.flush()

        await _turn(bare, count // _WARM_UP)
        link.ready()
        link.report([await _turn(bare, count) for _ in range(turns)])
        await link.told()


async def _turn(request: Request, count: int) -> Turn:
    began, cpu_began = time.perf_counter(), time.process_time()
    left = count

    async def some() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await request()

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    return Turn(cpu_s / count * 1e6, count / took_s)
