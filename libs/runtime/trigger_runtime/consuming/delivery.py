"""One message of a durable consumer, as it was delivered to this process.

Whoever handles it answers it: ``ack``, or ``nak`` to have it again. Until then it is held
(``ack_extender``), and nobody else gets it while this process lives. Answers that cannot be sent
are no errors: the message comes again, and handlers are idempotent.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Protocol, cast, runtime_checkable

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from trigger_runtime.jetstream.client import FastClient, empty_frame
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ACK = re.compile(
    r"\$JS\.ACK\.(?:[^.]+\.[^.]+\.)?[^.]+\.[^.]+"
    r"\.([0-9]{1,18})\.([0-9]{1,18})\.[0-9]+\.([0-9]{1,19})\.[0-9]+(?:\.[^.]+)*"
)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@runtime_checkable  # FastStream builds a model of what a handler takes
class Holder(Protocol):
    """Keeps deliveries from others until they are released."""

    def release(self, delivery: "Delivery") -> None: ...
    def heartbeat(self, delivery: "Delivery") -> None: ...
    def keep(self, delivery: "Delivery") -> None: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as delivered. It comes again unless ``ack`` is called."""

    subject: str
    payload: bytes
    headers: Mapping[str, str]
    stream_seq: int
    delivered_count: int
    _stored_ns: int
    _reply: str = field(repr=False)
    _client: FastClient = field(repr=False, compare=False)
    _holder: Holder = field(repr=False, compare=False)

    @property
    def stored_at(self) -> datetime:
        """When the broker stored it, to the microsecond below."""
        return _EPOCH + timedelta(microseconds=self._stored_ns // 1000)

    async def ack(self) -> None:
        """Handled. A lost acknowledgement means a redelivery, never an error."""
        await ack_all((self,))

    async def nak(self, delay: timedelta = timedelta()) -> None:
        """Deliver it again, after ``delay``."""
        nanoseconds = delay // timedelta(microseconds=1) * 1000
        # Released first: said to be in hand afterwards, it would wait for longer than asked.
        self._holder.release(self)
        await self._answer(b'-NAK {"delay": %d}' % nanoseconds if nanoseconds else b"-NAK")

    async def extend(self) -> None:
        """Begin the ack wait anew. For the holder, which does so by itself."""
        await self._answer(b"+WPI")

    def heartbeat(self) -> None:
        """Its handler is still at it: for handlings that take longer than a hung one may."""
        self._holder.heartbeat(self)

    def keep(self) -> None:
        """Its handler answers it later than it returns, and others get it no sooner."""
        self._holder.keep(self)

    async def _answer(self, answer: bytes) -> None:
        try:
            await self._client.publish(self._reply, answer)
        except (NatsError, OSError) as error:
            log.warning("answer to a delivery not sent", error=repr(error))


async def ack_all(deliveries: Sequence[Delivery]) -> None:
    """Acknowledge many. What cannot be sent is redelivered: handlers are idempotent."""
    if not deliveries:
        return
    for delivery in deliveries:
        delivery._holder.release(delivery)  # noqa: SLF001 - the same module
    try:
        await deliveries[0]._client.send(  # noqa: SLF001
            [empty_frame(delivery._reply) for delivery in deliveries]  # noqa: SLF001
        )
    except (NatsError, OSError) as error:
        log.warning("acknowledgements not sent", error=repr(error), messages=len(deliveries))


def delivery_of(message: Msg, holder: Holder) -> Delivery | None:
    """What was delivered; None for what no consumer did.

    The reply subject says where and when a message is stored and how often it was sent:
    ``$JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<consumer seq>.<ns>.<pending>``, with
    ``<domain>.<account>`` before the stream on some servers.
    """
    found = _ACK.fullmatch(message.reply)
    if found is None:
        return None
    return Delivery(
        subject=message.subject,
        payload=message.data,
        headers=_NO_HEADERS if message.headers is None else message.headers,
        stream_seq=int(found[2]),
        delivered_count=int(found[1]),
        _stored_ns=int(found[3]),
        _reply=message.reply,
        _client=cast("FastClient", message._client),  # noqa: SLF001 - Msg has no public name for it
        _holder=holder,
    )
