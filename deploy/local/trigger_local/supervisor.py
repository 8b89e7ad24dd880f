"""The programs that run: started, tended while they run, and stopped in the reverse order.

What it decides stands in ``policy``, what it does about streams in ``stream_watch``, and one
program's life in ``supervised``. Made by ``running``.
"""

import asyncio
import os
import time
from collections.abc import Sequence

from trigger_admin.installation import Installation

from . import state
from .output import Output
from .policy import LookTimes, Start
from .programs import Platform
from .stream_watch import StreamWatch
from .supervised import Spec, Supervised

READY_POLL = 0.05

TEND_EVERY = 1.0

SERVERS = frozenset({"nats", "postgres"})
"""Stopped after everything else."""


class Supervisor:
    """The programs that run, in the order of their start."""

    def __init__(self, platform: Platform, output: Output, target: Installation) -> None:
        """``target`` is the platform's own servers, for what is done about streams."""
        self.platform = platform
        self.supervised: list[Supervised] = []
        self._output = output
        self._complete = False
        self._me = state.Identity.of(os.getpid())
        self._unwritten: str | None = None
        """Why the state could not be written the last time."""
        self._written_early = False
        """Some program had no command line yet, so that nobody would find it by what is written."""
        self._streams = StreamWatch(target, output.say)
        self.say = output.say

    async def start(self, specs: Sequence[Spec], timeout_s: float) -> None:
        """Start these and wait until each is ready. Raises LocalError."""
        started = [Supervised(spec, self._output, self.write_state) for spec in specs]
        self.supervised += started
        for one in started:
            one.start()
        deadline = time.monotonic() + timeout_s
        for one in started:
            while not await one.ready():
                if failure := self._start_of(one).failure(time.monotonic(), deadline, timeout_s):
                    raise failure
                await asyncio.sleep(READY_POLL)

    async def tend(self) -> None:
        """What is to be done now and then while all runs; until it is cancelled."""
        looks = LookTimes(time.monotonic(), self._servers_started())
        while True:
            await asyncio.sleep(TEND_EVERY)
            if self._unwritten is not None or self._written_early:
                self.write_state()
            for one in self.supervised:
                await one.look()
            starts = self._servers_started()
            if looks.is_due(time.monotonic(), starts, complete=self._complete):
                answered = await self._streams.look()
                looks.looked(time.monotonic(), starts, answered=answered)

    def _servers_started(self) -> int:
        return sum(one.starts for one in self.supervised if one.spec.name in SERVERS)

    async def started(self) -> None:
        """Everything is there, and was ready once. What there is of its files is known from now on:
        one that goes before the first look would not be missed.
        """
        for one in self.supervised:
            await one.look()
        self._complete = True
        self.write_state()

    async def stop(self) -> None:
        self._streams.stop()
        await asyncio.gather(
            *(one.stop() for one in self.supervised if one.spec.name not in SERVERS)
        )
        if self._complete:
            await self._streams.look()
        for one in self.supervised:
            if one.spec.name in SERVERS:
                await one.stop()

    def kill(self) -> None:
        for one in self.supervised:
            one.kill()

    def write_state(self) -> None:
        """For ``etp status`` and the next ``etp up``. Never raises: whoever starts and stops
        programs calls it, and must go on with that.
        """
        processes = {
            one.spec.name: state.Identity.of(one.pid) if one.pid else None
            for one in self.supervised
        }
        current = state.State(
            url=self.platform.url,
            ports=self.platform.ports,
            supervisor=self._me,
            complete=self._complete,
            processes=processes,
        )
        self._written_early = any(known and not known.command for known in processes.values())
        try:
            current.write(self.platform.home)
        except OSError as error:
            if self._unwritten != error.strerror:
                self._output.say(f"What runs is not written down for etp status: {error}")
            self._unwritten = error.strerror or str(error)
        else:
            self._unwritten = None

    def _start_of(self, one: Supervised) -> Start:
        log = str(self._output.log_path(one.spec.name))
        return Start(one.spec.name, one.starts, one.last_exit, one.trouble, log)
