"""Says where a stream is missing, or not as declared, of a process that goes on all the same.

Workers are held back by such streams of their own (``guard``). This is for the others: the gateway,
which answers whatever it can, and streams that a worker can do without. It is said in ``/ready``,
where the process stays ready, and in the log once.
"""

from collections.abc import Sequence
from datetime import timedelta

from trigger_runtime.process.errors import DependencyUnavailable, Noted, StreamMissing
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.loops import Loop

from .as_declared import stream_faults
from .connection import Connection
from .reader import StreamReader

log = get_logger(__name__)

LOOK_EVERY = timedelta(seconds=5)


class DeclaredStreams:
    """Looks at ``streams`` now and then. The process's user may ask for their state."""

    def __init__(
        self, connection: Connection, streams: Sequence[str], *, timeout: timedelta
    ) -> None:
        self._connection = connection
        self._readers = {
            stream: StreamReader(connection, stream, timeout=timeout) for stream in streams
        }
        self._told: str | None = None

    async def check(self) -> None:
        """For readiness: raises Noted with what is wrong, and what mends it."""
        if self._told is not None:
            raise Noted(self._told)

    def loop(self) -> Loop:
        """Looks every few seconds, and after each reconnect; not yet started."""
        loop = Loop("watch declared streams", self.look)
        self._connection.on_reconnect(loop.wake)
        return loop

    async def look(self) -> timedelta:
        """One look at each; while the broker does not answer, what was found last holds."""
        try:
            faults = [fault for stream in self._readers for fault in await self._faults(stream)]
        except DependencyUnavailable:
            return LOOK_EVERY  # Other checks tell that.
        told = f"{'; '.join(faults)}. etp up and etp provision mend that" if faults else None
        if told not in (None, self._told):
            log.error("streams are not as declared", why=told)
        elif self._told is not None and told is None:
            log.info("streams are as declared again")
        self._told = told
        return LOOK_EVERY

    async def _faults(self, stream: str) -> list[str]:
        try:
            state = await self._readers[stream].state()
        except StreamMissing:
            return [f"{stream} is missing"]
        return [f"{stream}: {fault}" for fault in stream_faults(stream, state.config)]
