"""How far the record role is: ``ports.lanes.PlanProgress``, of its consumers and its stream."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from nats.errors import Error as NatsError

from trigger_contracts import subjects, topology
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.process.errors import BrokerUnavailable

_PLANNING = (topology.EXECUTOR_DUES, topology.EXECUTOR_FIRES)


class RecordRoleProgress:
    """Asks the broker each time."""

    def __init__(self, connection: Connection, reader: StreamReader, *, timeout: timedelta) -> None:
        """``reader`` is of TRIGGER_EVENTS."""
        self._connection = connection
        self._reader = reader
        self._timeout_s = timeout.total_seconds()

    async def stored(self) -> int:
        return await self._reader.last_seq()

    async def newest(self) -> int:
        message = await self._reader.last_from_leader(subjects.ALL_DELIVERY)
        return 0 if message is None else message.seq

    async def in_hand(self) -> tuple[Sequence[int], Sequence[int]]:
        infos = await asyncio.gather(*(self._info(consumer) for consumer in _PLANNING))
        delivered = [info["delivered"]["stream_seq"] for info in infos]
        acknowledged = [
            info["ack_floor"]["stream_seq"] if info["num_ack_pending"] else upto
            for info, upto in zip(infos, delivered, strict=True)
        ]
        return delivered, acknowledged

    async def _info(self, consumer: topology.Consumer) -> dict[str, Any]:
        subject = f"$JS.API.CONSUMER.INFO.{consumer.stream.name}.{consumer.durable}"
        await self._connection.wait_connected(self._timeout_s)
        try:
            answer = await self._connection.client.request(subject, b"", timeout=self._timeout_s)
            info: dict[str, Any] = json.loads(answer.data)
        except (NatsError, OSError, TimeoutError, ValueError) as error:
            raise BrokerUnavailable(f"{consumer.durable} not known: {error!r}") from error
        if "error" in info:
            raise BrokerUnavailable(f"{consumer.durable} not known: {info['error']}")
        return info
