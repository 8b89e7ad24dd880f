"""Clients of a deployed platform that go on whatever dies, and what the log says of them then.

Each fire has a key and is sent under it until it is accepted, as every client is told to; each is
one row of the log then. A trigger fires by its schedule beside them, each second.
"""

import asyncio
import contextlib
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import nats
from nats.aio.client import Client

from tests.support.engine.deployed import Deployment
from tests.support.eventually import eventually

REST_CALLERS = 3
PAUSE_S = 0.04
RETRY_S = 0.1
WITHIN_S = 90.0
TICK = timedelta(seconds=1)

Json = dict[str, Any]


@dataclass
class Load:
    """Fires by REST and over NATS; ``sent`` holds the keys that were accepted."""

    deployment: Deployment
    sent: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """What was answered, or broke, before a fire was accepted: it was sent again."""
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _stopping: bool = False

    async def prepare(self) -> None:
        """One trigger for the fires, and one that fires by itself."""
        async with client_of(self.deployment) as client:
            self.on_request = await created(client, {"name": "on request", "type": "api"})
            each_second = {"name": "each second", "type": "scheduled", "interval": 1, "payload": {}}
            self.scheduled = await created(client, each_second)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Callers at work; at the end each finishes the fire that it has in hand."""
        hands = [
            *(asyncio.create_task(self._by_rest()) for _ in range(REST_CALLERS)),
            asyncio.create_task(self._over_nats()),
        ]
        try:
            yield
        finally:
            self._stopping = True
            await asyncio.wait_for(asyncio.gather(*hands), WITHIN_S)

    async def _by_rest(self) -> None:
        gateways = itertools.cycle(self.deployment.gateways)
        async with client_of(self.deployment) as client:
            while not self._stopping:
                key = f"rest-{next(self._numbers)}"
                while True:
                    url = f"http://127.0.0.1:{next(gateways)}/triggers/{self.on_request}/fire"
                    headers = {"Idempotency-Key": key}
                    try:
                        answer = await client.post(
                            url, json={"payload": {"key": key}}, headers=headers
                        )
                    except httpx.HTTPError as error:
                        self.refused[type(error).__name__] += 1
                    else:
                        if answer.status_code == 202:
                            break
                        self.refused[str(answer.status_code)] += 1
                        assert answer.status_code == 503, answer.text
                    await asyncio.sleep(RETRY_S)
                self.sent.append(key)
                await asyncio.sleep(PAUSE_S)

    async def _over_nats(self) -> None:
        client = await nats_client(self.deployment)
        try:
            while not self._stopping:
                key = f"nats-{next(self._numbers)}"
                fire = {"trigger_id": self.on_request, "payload": {"key": key}, "key": key}
                while True:
                    try:
                        await ask(client, "fire", fire)
                        break
                    except (nats.errors.Error, nats.js.errors.Error, TimeoutError) as error:
                        self.refused[type(error).__name__] += 1
                        await asyncio.sleep(RETRY_S)
                self.sent.append(key)
                await asyncio.sleep(PAUSE_S)
        finally:
            await client.close()

    async def check(self) -> str:
        """Nothing was lost and nothing fired twice; the figures, as a sentence."""
        async with client_of(self.deployment) as client:
            wanted = Counter(self.sent)

            async def all_there() -> list[str]:
                rows = await log(client, self.on_request)
                keys = [row["payload"]["key"] for row in rows if row["status"] == "fired"]
                assert not wanted.keys() - set(keys), f"{len(wanted) - len(set(keys))} are missing"
                return keys

            keys = await eventually(all_there, within=WITHIN_S, poll=1, what="every fire's row")
            assert Counter(keys) == wanted, "something fired twice, or without being sent"
            # No more of them, so that the last one is known.
            answer = await client.delete(f"/triggers/{self.scheduled}")
            assert answer.status_code == 204, answer.text
            until = datetime.now().astimezone()

            async def no_gap() -> tuple[int, int]:
                rows = await log(client, self.scheduled)
                return whole(rows, until)

            fired, missed = await eventually(no_gap, within=WITHIN_S, poll=1, what="each second")
        over_nats = sum(key.startswith("nats") for key in keys)
        return (
            f"{len(keys)} fires accepted, {over_nats} of them over NATS: each is one row, 0 lost, "
            f"0 twice. Sent again after {dict(self.refused)}. By the schedule {fired} seconds "
            f"fired and {missed} were missed, 0 twice, 0 without a row"
        )


def whole(rows: list[Json], until: datetime) -> tuple[int, int]:
    """Each second has exactly one row that tells of it: how many fired, how many were missed.

    A row of missed occurrences may stand for several, one after the other.
    """
    told: Counter[datetime] = Counter()
    fired = 0
    for row in rows:
        first = datetime.fromisoformat(row["scheduled_for"])
        fired += row["status"] == "fired"
        told.update(first + number * TICK for number in range(row["count"]))
    assert max(told.values()) == 1, "an occurrence has two rows"
    first, last = min(told), max(told)
    assert len(told) == (last - first) / TICK + 1, "an occurrence has no row"
    assert until - last < 3 * TICK, "not all of them are there yet"
    return fired, len(told) - fired


@contextlib.asynccontextmanager
async def client_of(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the first gateway, with the key that the first start made."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{deployment.gateways[0]}",
        headers={"X-API-KEY": deployment.secret("you/api_key")},
        timeout=8,
    ) as client:
        yield client


async def nats_client(deployment: Deployment) -> Client:
    """The NATS user ``client``, who goes to whichever broker is there."""
    return await nats.connect(
        [f"nats://127.0.0.1:{port}" for port in deployment.brokers],
        user="client",
        password=deployment.secret("you/nats_client_password"),
        inbox_prefix="_INBOX_client",
        reconnect_time_wait=0.1,
        max_reconnect_attempts=-1,
        error_cb=_ignore,
    )


async def ask(client: Client, verb: str, command: Json) -> Json:
    """Publish a command durably, and wait for its result. Raises what breaks meanwhile."""
    inbox = client.new_inbox()
    results = await client.subscribe(inbox, max_msgs=1)
    try:
        stream = client.jetstream(timeout=3)
        body = json.dumps(command).encode()
        await stream.publish(f"trigger.command.{verb}", body, headers={"reply_to": inbox})
        result: Json = json.loads((await results.next_msg(timeout=5)).data)
    finally:
        with contextlib.suppress(nats.errors.Error):
            await results.unsubscribe()
    assert "code" not in result, result
    return result


async def created(client: httpx.AsyncClient, definition: Json) -> str:
    answer = await client.post("/triggers/", json=definition)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def log(client: httpx.AsyncClient, trigger_id: str) -> list[Json]:
    """Every row of one trigger, with its payload."""
    query = {"format": "ndjson", "trigger_id": trigger_id}
    answer = await client.get("/events/export", params=query, timeout=30)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def _ignore(_error: Exception) -> None:
    """What is away is known, and waited for."""
