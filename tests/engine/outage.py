"""A service of a deployment goes and comes back, while its Prometheus watches and others work.

That takes two minutes, for most of which nothing is done: an alert's minute has to pass. So it goes
on in a thread of its own, beside tests that leave this deployment alone.
"""

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from tests.support.engine.deployed import Deployment

from .watching import Watching

SERVICE = "executor"
ALERT = "EtpServiceGone"


@dataclass(frozen=True)
class Seen:
    """What was seen of it."""

    judged: dict[str, str]
    """How the expressions of all alerts could be judged, while everything was there."""
    until_fired: float
    """Seconds from its stop until its alert fired."""
    until_ended: float
    """Seconds from its start until its alert had ended."""


class Outage:
    """Begun once, by whoever asks first."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._loop = asyncio.new_event_loop()
        self._thread = ThreadPoolExecutor(1)
        self._task: asyncio.Task[Seen] | None = None
        self._seen: Future[Seen] | None = None

    def begin(self) -> None:
        """Let it happen from now on, if it does not yet."""
        if self._seen is None:
            self._task = self._loop.create_task(self._watch())
            self._seen = self._thread.submit(self._loop.run_until_complete, self._task)

    def seen(self, within: float) -> Seen:
        """What was seen, once it is over. Raises what failed, TimeoutError after ``within`` s."""
        self.begin()
        assert self._seen is not None
        return self._seen.result(within)

    def close(self) -> None:
        """End it, if it was not waited for."""
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.shutdown()
        self._loop.close()

    async def _watch(self) -> Seen:
        deployment = self._deployment
        deployment.compose("--profile", "observe", "up", "--detach", "--no-deps", "prometheus")
        watching = Watching(deployment)
        await watching.sees_every_service()
        judged = await watching.judges(ALERT)
        deployment.compose("stop", SERVICE)
        stopped = time.monotonic()
        await watching.until(ALERT, f"etp-{SERVICE}", fires=True)
        fired = time.monotonic()
        deployment.compose("start", SERVICE)
        started = time.monotonic()
        await watching.until(ALERT, f"etp-{SERVICE}", fires=False)
        return Seen(judged, fired - stopped, time.monotonic() - started)
