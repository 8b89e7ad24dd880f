"""Holds a worker back while its streams lack what it has projected from them.

``wait`` returns once every stream and consumer is there, none would lose or withhold messages
(``as_declared``), and no position is past a stream's end; until then the worker takes nothing in
hand and ``/ready`` says what is wrong. ``watch`` is a loop's pass: a stream that is lost later ends
the process, whose next start waits here; one that was changed is said.
Made by ``bootstrap``; what PostgreSQL has projected is asked of ``positions``.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from nats.errors import Error as NatsError

from trigger_contracts.topology import Consumer
from trigger_runtime.process.errors import (
    BrokerUnavailable,
    DependencyUnavailable,
    NotReady,
    StreamMissing,
)
from trigger_runtime.process.logging_setup import get_logger

from .as_declared import consumer_faults, stream_faults
from .connection import Connection
from .past import WAY_OUT, Known, losses, together
from .reader import StreamReader, StreamState

log = get_logger(__name__)

EVERY = timedelta(seconds=5)
"""Between two looks at the streams; also after each reconnect."""
HELD_BACK_S = 1.0
"""Between two looks of a worker that waits."""

_NO_CONSUMER_CODE = 10014

Positions = Callable[[], Awaitable[Mapping[str, int]]]
"""Up to which sequence of each stream PostgreSQL has projected."""


async def nothing_projected() -> Mapping[str, int]:
    """For services that keep nothing of a stream."""
    return {}


class StreamGuard:
    """Holds one worker back while its streams lack what it has projected from them."""

    def __init__(
        self,
        connection: Connection,
        streams: Sequence[str],
        consumers: Sequence[Consumer],
        *,
        timeout: timedelta,
        positions: Positions = nothing_projected,
    ) -> None:
        self._connection = connection
        self._timeout = timeout
        self._streams = streams
        self._consumers = consumers
        self._positions = positions
        self._readers = {
            stream: StreamReader(connection, stream, timeout=timeout) for stream in streams
        }
        self._seen: dict[str, Known] = {}
        self._trouble: str | None = "not looked at yet"
        self._said: str | None = None
        self._faults: list[str] = []

    async def check(self) -> None:
        """For readiness: raises NotReady with what is missing."""
        if self._trouble is not None:
            raise NotReady(self._trouble)

    async def wait(self) -> None:
        """Return once nothing is missing, and all is as declared."""
        while True:
            try:
                self._trouble = await self._missing() or self._changed()
            except DependencyUnavailable as error:
                self._trouble = str(error)
            else:
                if self._trouble is None:
                    return
                self._say("nothing is done while streams are missing, or not as declared")
            await asyncio.sleep(HELD_BACK_S)

    async def watch(self) -> timedelta:
        """One look: ends the process if something was lost that was there at the last one."""
        try:
            missing = await self._missing()
        except DependencyUnavailable:
            return EVERY  # Other checks tell that.
        if missing is not None:
            log.critical("streams were lost", why=missing)
            self._connection.lost.set()
        self._trouble = missing or self._changed()
        self._say("streams are not as declared")
        return EVERY

    def _say(self, event: str) -> None:
        """The trouble, once."""
        if self._trouble not in (None, self._said):
            log.error(event, why=self._trouble)
        self._said = self._trouble

    async def _missing(self) -> str | None:
        """What is missing, with what to do; what is there is remembered for the next look.

        Tables are asked for their positions only where a stream is not the one of the last look:
        that one cannot have become shorter than what was projected from it.
        """
        found = await self._states()
        known = self._seen
        if any(_is_another(state, known.get(stream)) for stream, state in found.items()):
            positions = await self._positions()
            known = together(known, {stream: Known(seq) for stream, seq in positions.items()})
            # Again, since another replica may have projected what was stored since.
            found = await self._states()
        told = losses(found, known)
        if told:
            return (
                f"{'; '.join(told)}. Nothing is projected backwards: bring the streams back from a "
                f"backup, or go on without what is lost with: {WAY_OUT}"
            )
        absent = [stream for stream, state in found.items() if state is None]
        configs = [
            (one, await self._config_of(one))
            for one in self._consumers
            if one.stream.name not in absent
        ]
        absent += [f"{one.stream.name}/{one.durable}" for one, config in configs if config is None]
        if absent:
            return f"not provisioned: {', '.join(absent)}. etp up and etp provision do that"
        self._seen = {
            stream: Known(state.last_seq, state.created_at)
            for stream, state in found.items()
            if state is not None
        }
        self._faults = [
            f"{stream}: {fault}"
            for stream, state in found.items()
            if state is not None
            for fault in stream_faults(stream, state.config)
        ]
        self._faults += [
            f"{one.stream.name}/{one.durable}: {fault}"
            for one, config in configs
            if config is not None
            for fault in consumer_faults(one, config)
        ]
        return None

    def _changed(self) -> str | None:
        """What was there at the last look and loses or withholds messages, with what to do."""
        if not self._faults:
            return None
        return f"not as declared: {'; '.join(self._faults)}. etp up and etp provision mend that"

    async def _states(self) -> dict[str, StreamState | None]:
        return {stream: await self._state(stream) for stream in self._streams}

    async def _state(self, stream: str) -> StreamState | None:
        try:
            return await self._readers[stream].state()
        except StreamMissing:
            return None

    async def _config_of(self, consumer: Consumer) -> Mapping[str, Any] | None:
        """None where there is no such consumer."""
        subject = f"$JS.API.CONSUMER.INFO.{consumer.stream.name}.{consumer.durable}"
        timeout_s = self._timeout.total_seconds()
        try:
            answer = await self._connection.client.request(subject, b"", timeout=timeout_s)
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(f"consumer not known: {error!r}") from error
        body: dict[str, Any] = json.loads(answer.data)
        refused: dict[str, Any] = body.get("error", {})
        if not refused:
            config: Mapping[str, Any] = body["config"]
            return config
        if refused.get("err_code") == _NO_CONSUMER_CODE:
            return None
        raise BrokerUnavailable(f"consumer not known: {refused.get('description')}")


def _is_another(state: StreamState | None, seen: Known | None) -> bool:
    return state is None or seen is None or state.created_at != seen.created_at
