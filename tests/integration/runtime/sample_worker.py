"""A worker with one subscriber, one loop and a database, for the tests of the lifecycle.

Run as a program; prints what its parts did. Settings come from the environment.
"""

import asyncio
import sys
from datetime import timedelta

from faststream.specification import AsyncAPI
from pydantic import BaseModel

from trigger_contracts import topology
from trigger_runtime.consuming.broker import create_broker
from trigger_runtime.consuming.consumer import Delivery, ack_all, subscribe_batches
from trigger_runtime.http.health import Health
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.logging_setup import set_up_logging
from trigger_runtime.process.loops import Loop
from trigger_runtime.process.settings import WorkerSettings
from trigger_runtime.worker import run, serve_worker


class Record(BaseModel):
    text: str


def say(text: str) -> None:
    print(text, flush=True)


async def main() -> int:
    settings = WorkerSettings()
    set_up_logging(settings, service="executor")
    connection = Connection(settings, "executor")
    broker = create_broker(connection)

    @subscribe_batches(broker, topology.EXECUTOR_DUES, (Record,))
    async def on_due(deliveries: list[Delivery]) -> None:
        say(f"handling {len(deliveries)}")
        await asyncio.sleep(0.2)
        await ack_all(deliveries)
        say(f"handled {len(deliveries)}")

    async def one_pass() -> timedelta:
        return timedelta(hours=1)

    async def closed() -> None:
        say("closed")

    return await serve_worker(
        broker=broker,
        connection=connection,
        health=Health("executor"),
        settings=settings,
        asyncapi=AsyncAPI(broker, title="sample", version="1"),
        loops=[Loop("sample", one_pass)],
        on_stop=[closed],
    )


if __name__ == "__main__":
    sys.exit(run(main))
