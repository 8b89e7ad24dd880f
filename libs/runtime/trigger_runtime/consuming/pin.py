"""Whether this process is the one that an exclusive consumer's messages go to.

The broker pins such a consumer to whoever it gives a message while nobody is pinned, names the
pin in each message, and unpins whoever has not asked under it for ``PIN_LIFE``, or says that it
leaves. So the pinned one asks again and again, for nothing; the others' requests wait. Knows no
messages. Made and asked by ``Pull`` alone.
"""

import asyncio
import contextlib
import json
from typing import Any

from nats.errors import Error as NatsError

from trigger_contracts.topology import PIN_GROUP, PIN_LIFE, Consumer
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

HEADER = "Nats-Pin-Id"
WRONG = "423"
"""The status of a request under a pin that is another's by now."""
KEPT_EVERY_S = PIN_LIFE.total_seconds() / 4


class Pin:
    """Of one exclusive consumer: whether it is pinned to this process, or to another one."""

    def __init__(self, connection: Connection, consumer: Consumer) -> None:
        self._connection = connection
        self._name = f"{consumer.stream.name}/{consumer.durable}"
        where = f"{consumer.stream.name}.{consumer.durable}"
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{where}"
        self._unpin = f"$JS.API.CONSUMER.UNPIN.{where}"
        self._id = ""
        self._pinned = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """What a request for messages says of it."""
        return {"group": PIN_GROUP, "id": self._id} if self._id else {"group": PIN_GROUP}

    def start(self, reply: str) -> None:
        """``reply`` is where the answers to asking for nothing go."""
        self._keeping = asyncio.create_task(self._keep(reply), name=f"pin {self._name}")

    async def stop(self) -> None:
        """Leave it to another one, at once; call when nothing is held any more."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None
        if self._id:
            await self._say(self._unpin, {"group": PIN_GROUP}, "")
            self.lose()

    def take(self, pin_id: str) -> None:
        """A message came with this pin."""
        if pin_id != self._id:
            self._id = pin_id
            self._pinned.set()
            log.info("messages come here alone", consumer=self._name)

    def lose(self) -> None:
        """It is another's, or nobody's: ask without it, like everybody."""
        if self._id:
            self._id = ""
            self._pinned.clear()
            log.info("messages come here alone no more", consumer=self._name)

    async def _keep(self, reply: str) -> None:
        while True:
            await self._pinned.wait()
            await self._say(self._next, {"batch": 1, "no_wait": True, **self.fields}, reply)
            await asyncio.sleep(KEPT_EVERY_S)

    async def _say(self, subject: str, body: dict[str, Any], reply: str) -> None:
        if self._connection.is_connected:
            with contextlib.suppress(NatsError, OSError):
                await self._connection.client.publish(subject, json.dumps(body).encode(), reply)
