"""How long the oldest message has waited that a worker has not acknowledged: its lag.

A worker that is ready may still be far behind. All replicas share a consumer, so all tell the same.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from nats.errors import Error as NatsError

from trigger_contracts.topology import Consumer
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.errors import BrokerUnavailable, DependencyUnavailable
from trigger_runtime.process.loops import Loop

LOOK_EVERY = timedelta(seconds=1)


class Lag:
    """Of all of a worker's consumers together. ``seconds`` is as it was seen last."""

    def __init__(
        self, connection: Connection, consumers: Sequence[Consumer], *, timeout: timedelta
    ) -> None:
        self._connection = connection
        self._timeout_s = timeout.total_seconds()
        self._readers = [
            (one, StreamReader(connection, one.stream.name, timeout=timeout)) for one in consumers
        ]
        self.seconds: float | None = None

    def loop(self) -> Loop:
        """Keeps ``seconds`` true; not yet started."""

        async def look() -> timedelta:
            try:
                found = await asyncio.gather(*(self._of(*one) for one in self._readers))
                self.seconds = round(max(found), 3)
            except DependencyUnavailable:
                self.seconds = None  # Other checks say that the broker is away.
            return LOOK_EVERY

        return Loop("lag", look)

    async def _of(self, consumer: Consumer, reader: StreamReader) -> float:
        subject = f"$JS.API.CONSUMER.INFO.{consumer.stream.name}.{consumer.durable}"
        try:
            answer = await self._connection.client.request(subject, b"", timeout=self._timeout_s)
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(f"lag not known: {error!r}") from error
        info = json.loads(answer.data)
        if not info.get("num_pending") and not info.get("num_ack_pending"):
            return 0.0
        floor = info["ack_floor"]["stream_seq"]
        waiting = [await reader.after(floor, of, 1) for of in consumer.filters]
        stored = [found[0].stored_at for found in waiting if found]
        # Both by the broker's clock.
        now = datetime.fromisoformat(info["ts"])
        return max(0.0, (now - min(stored)).total_seconds()) if stored else 0.0
