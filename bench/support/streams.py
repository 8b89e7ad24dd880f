"""Reads a whole stream as the admin, after the measurement."""

import asyncio
import json
from dataclasses import dataclass

from nats.aio.msg import Msg

from trigger_runtime.jetstream.connection import Connection

BATCH = 2000


@dataclass(frozen=True, slots=True)
class Stored:
    subject: str
    payload: bytes
    seq: int
    stored_at: float
    """Epoch seconds at which the broker wrote it."""


async def read_all(connection: Connection, stream: str) -> list[Stored]:
    """Every message of ``stream``, by a consumer without acknowledgements that then vanishes."""
    client = connection.client
    jetstream = client.jetstream(timeout=10)
    state = (await jetstream.stream_info(stream)).state
    last = state.last_seq if state.messages else 0
    config = {"ack_policy": "none", "deliver_policy": "all", "inactive_threshold": 30 * 10**9}
    answer = await client.request(
        f"$JS.API.CONSUMER.CREATE.{stream}",
        json.dumps({"stream_name": stream, "config": config}).encode(),
        timeout=10,
    )
    name = json.loads(answer.data)["name"]
    found: list[Stored] = []
    arrived: asyncio.Queue[Msg] = asyncio.Queue()
    inbox = client.new_inbox()
    subscription = await client.subscribe(
        inbox, cb=arrived.put, pending_msgs_limit=0, pending_bytes_limit=0
    )
    request = json.dumps({"batch": BATCH, "expires": 5 * 10**9}).encode()
    while not found or found[-1].seq < last:
        if not last:
            break
        await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}", request, reply=inbox)
        for _ in range(BATCH):
            message = await asyncio.wait_for(arrived.get(), 10)
            if not message.reply:
                continue
            found.append(_stored(message))
            if found[-1].seq >= last:
                break
    await subscription.unsubscribe()
    return found


def _stored(message: Msg) -> Stored:
    tokens = message.reply.split(".")
    return Stored(message.subject, message.data, int(tokens[-4]), int(tokens[-2]) / 1e9)
