"""The process's one connection to the broker, for ever reconnecting.

Never gives up while the broker is away: ``start`` returns at once and keeps trying, and
readiness tells. Every error the client reports is logged, permission violations included,
because a forbidden publish otherwise looks like a timeout. Others subscribe to reconnects,
since what was asked of the server before (a pull request) is lost with the connection.
"""

import asyncio
import contextlib
import random
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from trigger_contracts import subjects
from trigger_runtime.process.addresses import nodes
from trigger_runtime.process.errors import BrokerUnavailable
from trigger_runtime.process.event_loop import StoppingError
from trigger_runtime.process.exceptions_told import told
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import BROKER_CONNECTED
from trigger_runtime.process.settings import BrokerSettings

from .client import FastClient

log = get_logger(__name__)

PING_INTERVAL_S = 5
"""With two unanswered pings a dead connection is noticed in 10-15 s (the default: 4-6 min)."""
PONG_TIMEOUT_S = 1
"""A broker that takes longer for a pong does not count as there."""
RECONNECT_WAIT_S = 0.2
"""Short, because a restarted broker is back within a second and fires wait for it."""
DRAIN_TIMEOUT_S = 3
"""What a stop waits for messages in flight before it closes anyway."""
CANCEL_AGAIN_S = 0.05
"""Between two requests to stop connecting."""
_REFUSED_PUBLISH = re.compile(r'permissions violation for publish to "([^"]+)"', re.IGNORECASE)
"""As nats-server writes it; nats-py makes small letters of some of it."""
REPEAT_LOG_S = 10.0
"""The same connection error again is logged at most this often."""


def connect_options(settings: BrokerSettings, service: str) -> dict[str, Any]:
    """nats-py's keyword arguments, without callbacks. ``service`` is also the inbox prefix."""
    options: dict[str, Any] = {
        "servers": nodes(settings.nats_url),
        "name": service,
        "inbox_prefix": subjects.inbox_prefix(service),
        "allow_reconnect": True,
        # -1: for ever, the first connect included. The default stops after 60 tries.
        "max_reconnect_attempts": -1,
        # nats-py has no jitter: replicas spread by a random wait of their own.
        "reconnect_time_wait": RECONNECT_WAIT_S * random.uniform(0.75, 1.5),  # noqa: S311
        "connect_timeout": 2,
        "ping_interval": PING_INTERVAL_S,
        "max_outstanding_pings": 2,
        "drain_timeout": DRAIN_TIMEOUT_S,
    }
    if settings.nats_user is not None:
        options["user"] = settings.nats_user
    if settings.nats_password is not None:
        options["password"] = settings.nats_password.get_secret_value()
    return options


class Connection:
    """A nats-py client that outlives every failure of the broker.

    ``client`` is the same object for ever; ``lost`` is set if the client closed itself for
    good (the server refused us), after which the process must be started anew.
    """

    def __init__(self, settings: BrokerSettings, service: str) -> None:
        self.service = service
        self.client = FastClient(settings)
        self.lost = asyncio.Event()
        self._options = connect_options(settings, service)
        self._connected = asyncio.Event()
        self._given_up = asyncio.Event()
        self._on_reconnect: list[Callable[[], None]] = []
        self._on_disconnect: list[Callable[[], None]] = []
        self._on_refused: list[Callable[[str], None]] = []
        self._connecting: asyncio.Task[None] | None = None
        self._closing = False
        self._last_error: tuple[str, float] = ("", 0.0)

    @property
    def is_connected(self) -> bool:
        return self.client.is_connected

    def on_reconnect(self, call: Callable[[], None]) -> None:
        """``call`` after every reconnect; it must not block or raise."""
        self._on_reconnect.append(call)

    def on_disconnect(self, call: Callable[[], None]) -> None:
        """``call`` whenever the connection breaks; it must not block or raise."""
        self._on_disconnect.append(call)

    def on_refused_publish(self, call: Callable[[str], None]) -> None:
        """``call`` with the subject whenever the broker refuses to let this user publish to it.

        It says so before it answers what was asked for later; ``call`` must not block or raise.
        """
        self._on_refused.append(call)

    async def start(self) -> None:
        """Begin connecting in the background; returns at once, the broker may be away."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="nats connect")

    async def connect(self) -> Client:
        """Connected, however long that takes."""
        await self.start()
        if self._connecting is not None:
            await asyncio.shield(self._connecting)
        return self.client

    async def wait_connected(self, timeout_s: float) -> None:
        """Raises BrokerUnavailable when the connection does not stand within ``timeout_s``."""
        if self.client.is_connected:
            return
        connected = asyncio.ensure_future(self._connected.wait())
        given_up = asyncio.ensure_future(self._given_up.wait())
        try:
            await asyncio.wait(
                {connected, given_up}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not connected.done():
                raise BrokerUnavailable("not connected to the broker")
        finally:
            connected.cancel()
            given_up.cancel()

    def give_up(self) -> None:
        """The process stops: from now on nobody waits for a broker that is away."""
        self._given_up.set()

    async def pause(self) -> None:
        """Wait for the connection, at least a moment: what a loop does after an error."""
        await asyncio.sleep(RECONNECT_WAIT_S)
        await self._connected.wait()

    async def ping(self) -> None:
        """A round trip to the broker; raises BrokerUnavailable. For readiness."""
        if not self.client.is_connected:
            raise BrokerUnavailable("not connected to the broker")
        # Not flush(): nats-py resolves pongs in order without looking whether somebody still
        # waits, and a late one for a cancelled waiter ends its read loop (InvalidStateError);
        # nothing is heard then until the connection counts as stale, 10-15 s later, while
        # flush() no longer asks the broker and succeeds. This pong is nobody's to cancel.
        pong: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PONG_TIMEOUT_S):
                await self.client._send_ping(pong)  # noqa: SLF001 - nothing public sends one
                await asyncio.shield(pong)
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Flush what was published, then close; never raises, never hangs."""
        self._closing = True
        if self._connecting is None:
            return
        while not self._connecting.done():
            # Python's own wait_for takes a cancellation for the failure that came at the same
            # moment, and nats-py then tries the next address.
            self._connecting.cancel()
            await asyncio.wait({self._connecting}, timeout=CANCEL_AGAIN_S)
        if self.client.is_closed:
            return
        try:
            async with asyncio.timeout(2 * DRAIN_TIMEOUT_S):
                # Drain raises at once while reconnecting: then there is nothing to flush to.
                await (self.client.drain() if self.client.is_connected else self.client.close())
        except (NatsError, TimeoutError, OSError) as error:
            log.warning("broker connection not drained", error=repr(error))
            with contextlib.suppress(Exception):
                await self.client.close()

    async def _connect(self) -> None:
        await self.client.connect(
            **self._options,
            error_cb=self._report,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
            closed_cb=self._closed,
        )
        self._set_connected()
        log.info("broker connected", server=self._server())

    def _server(self) -> str:
        url = self.client.connected_url
        return f"{url.hostname}:{url.port}" if url else "?"

    def _set_connected(self) -> None:
        self._connected.set()
        BROKER_CONNECTED.set(1)

    async def _report(self, error: Exception) -> None:
        if isinstance(error, StoppingError):
            return
        # nats-py calls this for every failed attempt: five a second while the broker is away.
        # It does for what hearing a message raised, too, whose words may quote that.
        text = told(error)
        refused = _REFUSED_PUBLISH.search(text)
        if refused is not None:
            _call_all([partial(call, refused[1]) for call in self._on_refused])
        now = asyncio.get_running_loop().time()
        if text == self._last_error[0] and now - self._last_error[1] < REPEAT_LOG_S:
            return
        self._last_error = (text, now)
        log.error("broker error", error=text)

    async def _disconnected(self) -> None:
        self._connected.clear()
        BROKER_CONNECTED.set(0)
        if not self._closing:
            log.warning("broker disconnected")
        _call_all(self._on_disconnect)

    async def _reconnected(self) -> None:
        self._set_connected()
        log.info("broker reconnected", server=self._server())
        _call_all(self._on_reconnect)

    async def _closed(self) -> None:
        self._connected.clear()
        if not self._closing:
            log.critical("broker closed the connection", error=repr(self.client.last_error))
            self.lost.set()


def _call_all(calls: Sequence[Callable[[], None]]) -> None:
    for call in calls:
        try:
            call()
        except Exception:
            log.exception("connection hook failed")
