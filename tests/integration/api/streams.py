"""Live tails of a gateway as the tests open them, and a log that is more than they can hold."""

import asyncio
from typing import Any

from nats.aio.client import Client
from prometheus_client import REGISTRY

from tests.integration.api.conftest import Running
from tests.support import sse
from tests.support.log_entries import body_of, make_entry
from trigger_contracts import subjects
from trigger_contracts.events import LogEntry


def opened(running: Running, last_event_id: str | None = None, **options: Any) -> Any:
    return sse.opened(running.url, running.secrets.api_key, last_event_id, **options)


def payloads(events: list[sse.Event]) -> list[Any]:
    return [event.json["data"]["payload"] for event in events if "data" in event.json]


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


BIG = "x" * 20_000
FLOOD = 2000
"""Events of some 20 kB: far more than what sockets hold, and than the least backlog."""


async def flood(executor: Client, numbers: range) -> list[LogEntry]:
    entries = [make_entry(f"{number} {BIG}") for number in numbers]
    jetstream = executor.jetstream()
    for start in range(0, len(entries), 50):
        await asyncio.gather(
            *(
                jetstream.publish(subjects.fired("t"), body_of(entry))
                for entry in entries[start : start + 50]
            )
        )
    return entries
