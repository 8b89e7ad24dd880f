"""How long the oldest message has waited that a worker has not acknowledged: its lag.

A worker that is ready may still be far behind. All replicas share a consumer, so all tell the same.
Of each consumer the metrics tell how much waits and since when; what cannot be looked at is not
told at all, nor kept as it was.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from nats.errors import Error as NatsError

from trigger_contracts.topology import Consumer
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.errors import BrokerUnavailable, DependencyUnavailable
from trigger_runtime.process.loops import Loop
from trigger_runtime.process.metrics import LOOKED_AT_FOR
from trigger_runtime.process.sampled import SampledGauge

LOOK_EVERY = timedelta(seconds=1)


def _gauge(name: str, meaning: str) -> SampledGauge:
    return SampledGauge(name, meaning, ["stream", "consumer"], good_for=LOOKED_AT_FOR)


_PENDING = _gauge(
    "etp_consumer_pending", "Messages that the broker has not yet delivered to a consumer."
)
_ACK_PENDING = _gauge(
    "etp_consumer_ack_pending", "Messages that a consumer was given and has not acknowledged."
)
_REDELIVERED = _gauge(
    "etp_consumer_redelivered",
    "Messages that a consumer was given more than once and has not acknowledged.",
)
_OLDEST = _gauge(
    "etp_consumer_oldest_seconds",
    "Since when the oldest message is stored that a consumer has not acknowledged; 0 without one.",
)


class Lag:
    """Of several consumers together. ``seconds`` is as it was seen last, None while unknown."""

    def __init__(
        self,
        connection: Connection,
        consumers: Sequence[Consumer],
        *,
        timeout: timedelta,
        every: timedelta = LOOK_EVERY,
        on_looked: Callable[[float | None], None] = lambda _: None,
    ) -> None:
        """``on_looked`` is told ``seconds`` after each look."""
        self._connection = connection
        self._every = every
        self._on_looked = on_looked
        self._timeout_s = timeout.total_seconds()
        self._readers = [
            (one, StreamReader(connection, one.stream.name, timeout=timeout)) for one in consumers
        ]
        self.seconds: float | None = None

    def loop(self) -> Loop:
        """Keeps ``seconds`` true; not yet started."""

        async def look() -> timedelta:
            found = await asyncio.gather(
                *(self._look_at(*one) for one in self._readers), return_exceptions=True
            )
            ages = [one for one in found if isinstance(one, float)]
            failed = [one for one in found if isinstance(one, BaseException)]
            self.seconds = None if failed else round(max(ages), 3)
            self._on_looked(self.seconds)
            for error in failed:
                if not isinstance(error, DependencyUnavailable):
                    raise error  # Of the others, other checks say that the broker is away.
            return self._every

        return Loop("lag", look)

    async def _look_at(self, consumer: Consumer, reader: StreamReader) -> float:
        labels = consumer.stream.name, consumer.durable
        try:
            info = await self._info(consumer)
            age_s = await self._age(consumer, reader, info)
        except BaseException:
            for gauge in (_PENDING, _ACK_PENDING, _REDELIVERED, _OLDEST):
                gauge.forget(*labels)
            raise
        _PENDING.see(info["num_pending"], *labels)
        _ACK_PENDING.see(info["num_ack_pending"], *labels)
        _REDELIVERED.see(info["num_redelivered"], *labels)
        _OLDEST.see(age_s, *labels)
        return age_s

    async def _info(self, consumer: Consumer) -> dict[str, Any]:
        if not self._connection.is_connected:
            raise BrokerUnavailable("not connected to the broker")
        subject = f"$JS.API.CONSUMER.INFO.{consumer.stream.name}.{consumer.durable}"
        try:
            answer = await self._connection.client.request(subject, b"", timeout=self._timeout_s)
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(f"lag not known: {error!r}") from error
        info: dict[str, Any] = json.loads(answer.data)
        if "error" in info:
            raise BrokerUnavailable(f"lag not known: {info['error']}")
        return info

    async def _age(self, consumer: Consumer, reader: StreamReader, info: dict[str, Any]) -> float:
        if not info.get("num_pending") and not info.get("num_ack_pending"):
            return 0.0
        floor = info["ack_floor"]["stream_seq"]
        waiting = [await reader.after(floor, of, 1) for of in consumer.filters]
        stored = [found[0].stored_at for found in waiting if found]
        # Both by the broker's clock.
        now = datetime.fromisoformat(info["ts"])
        return max(0.0, (now - min(stored)).total_seconds()) if stored else 0.0
