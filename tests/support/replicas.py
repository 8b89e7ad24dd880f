"""Every replica of a running platform's workers: those of ``etp up``, and others that join it.

``etp up`` keeps the number of its own. What joins is the same program with the same environment,
started by the test: nobody starts it again. Each is known by a name of its own, is signalled by
it, and tells its metrics.
"""

import asyncio
import signal
from dataclasses import dataclass

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.support.eventually import eventually
from tests.support.whole_platform import TIMEOUT, Platform
from trigger_contracts.subjects import Service
from trigger_local import child, ports, programs, secrets
from trigger_local.home import Home
from trigger_local.state import State

STOP_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class _Joined:
    program: child.Program
    process: asyncio.subprocess.Process
    port: int


class Replicas:
    """Of one platform, until ``stop``."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._home = Home(platform.root)
        self._joined: dict[str, _Joined] = {}

    async def join(self, service: Service, name: str) -> None:
        """Start one more, and wait until it is ready, or killed before that."""
        kept = secrets.load(self._home)
        state = State.read(self._home)
        assert kept is not None
        assert state is not None
        port = ports.choose_free({*state.ports.values(), *(one.port for one in self._all())})
        described = programs.Platform(self._home, kept, {**state.ports, name: port}, ports.LOOPBACK)
        program = child.Program(
            name=name,
            argv=programs.service_argv(service),
            env=programs.environment(described, name, service),
        )
        with (self._home.logs / f"{name}.log").open("ab") as log:
            process = await child.start(program, log)
        self._joined[name] = _Joined(program, process, port)

        async def ready() -> bool:
            ended = process.returncode is not None
            return ended or await programs.answers_ready(ports.LOOPBACK, port)

        await eventually(ready, within=TIMEOUT, poll=0.2, what=f"{name} is ready")

    def pids(self) -> dict[str, int]:
        """Of every worker that lives, by its name."""
        workers = tuple(service for service in Service if service is not Service.API)
        pids = {n: pid for n, pid in self._platform.pids().items() if n.startswith(workers)}
        for name, one in self._joined.items():
            if one.process.returncode is None:
                pids[name] = one.process.pid
        return pids

    def has_joined(self, name: str) -> bool:
        """Whether it was started here, so that nobody starts it again."""
        return name in self._joined

    def of(self, service: Service) -> list[str]:
        """The names of a service's replicas that live."""
        return sorted(name for name in self.pids() if name.startswith(service))

    def signal(self, name: str, number: signal.Signals) -> None:
        psutil.Process(self.pids()[name]).send_signal(number)

    def owners_of_ports(self, service: Service) -> dict[int, str]:
        """Which replica of a service has which local port of a connection."""
        pids = self.pids()
        return {
            socket.laddr.port: name
            for name in self.of(service)
            for socket in psutil.Process(pids[name]).net_connections("tcp")
            if socket.laddr
        }

    async def until_ready(self, service: Service, *, at_least: int) -> None:
        """So many of a service are ready; those that ``etp up`` starts again count, too."""

        async def ready() -> bool:
            living = self.of(service)
            waiting = [
                name
                for name in living
                if not await programs.answers_ready(ports.LOOPBACK, self._port(name))
            ]
            # What is shown when it never comes to pass.
            assert not waiting, {name: (self.pids().get(name), self._log(name)) for name in waiting}
            ended = [
                (name, one.process.returncode, self._log(name))
                for name, one in self._joined.items()
                if one.process.returncode not in {None, -signal.SIGKILL}
            ]
            assert len(living) >= at_least, (living, ended)
            return True

        await eventually(ready, within=TIMEOUT, poll=0.2, what=f"{at_least} of {service} are ready")

    async def counted(self, name: str, metric: str) -> float:
        """The sum of a counter over its labels, as the replica tells it."""
        async with httpx.AsyncClient(timeout=10) as client:
            response = await client.get(f"http://{ports.LOOPBACK}:{self._port(name)}/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
            if sample.name == metric
        )

    async def stop(self) -> None:
        """End what has joined; ``etp up`` ends its own."""
        for one in self._all():
            if one.process.returncode is None:
                one.process.send_signal(signal.SIGCONT)
            await child.stop(one.process, one.program.stop_signal, STOP_TIMEOUT)

    def _all(self) -> list[_Joined]:
        return list(self._joined.values())

    def _log(self, name: str) -> str:
        """The end of it."""
        path = self._home.logs / f"{name}.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def _port(self, name: str) -> int:
        if name in self._joined:
            return self._joined[name].port
        state = State.read(self._home)
        assert state is not None
        return state.ports[name]
