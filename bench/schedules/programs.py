"""A peer's programs on servers of its own: started, listened to, and killed in the end."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.support.checks import BenchFailed, until
from trigger_local import child
from trigger_local.child import Program

from .candidates import Peer
from .environment import NODE_FOLDER, ROOT, Environment
from .stores import Store, kill_all, store
from .workload import Plan

START_TIMEOUT_S = 60
"""Until a worker is ready."""
CREATION_TIMEOUT_S = 300
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Bench:
    """A peer on servers of its own."""

    peer: Peer
    environment: Environment
    folder: Path
    store: Store

    @property
    def fires(self) -> Path:
        return self.folder / "fires"

    def plan(self, every_ms: int | None, firsts: Sequence[int], *, bulk: bool = False) -> Plan:
        url, fires = self.store.url, str(self.fires)
        return Plan(url, fires, every_ms, tuple(firsts), bulk, self.peer.poll_ms)

    @contextlib.asynccontextmanager
    async def started(self, role: str, plan: Plan) -> AsyncIterator["Started"]:
        """A program of the peer; killed in the end."""
        name = f"{role}-{time.monotonic_ns()}"
        path, log = self.folder / f"{name}.json", self.folder / f"{name}.log"
        plan.write(path)
        if self.peer.runtime == "python":
            argv = [str(self.environment.python), "-m", "bench.schedules.peers", self.peer.program]
        else:
            argv = [str(self.environment.node), str(NODE_FOLDER / f"{self.peer.program}.mjs")]
        program = Program(
            name,
            (*argv, role, str(path)),
            env={"PYTHONPATH": str(ROOT), "NODE_ENV": "production"},
            unset=("PG",),
            cwd=self.folder,
        )
        with log.open("wb") as output:
            process = await child.start(program, output)
        try:
            yield Started(self.peer.name, process, log)
        finally:
            kill_all(process.pid)
            child.kill_session(process.pid)
            await process.wait()

    async def work(self, plan: Plan, stack: contextlib.AsyncExitStack) -> "Started":
        """The worker, ready; what it creates itself is created by then."""
        worker = await stack.enter_async_context(self.started("work", plan))
        await worker.says("ready", within=CREATION_TIMEOUT_S if plan.firsts_ms else START_TIMEOUT_S)
        return worker

    async def create(self, plan: Plan) -> float:
        """Seconds that a client took, connecting left out."""
        async with self.started("create", plan) as client:
            return float(await client.says("created", within=CREATION_TIMEOUT_S))


@dataclass(frozen=True, slots=True)
class Started:
    name: str
    process: asyncio.subprocess.Process
    log: Path

    async def says(self, word: str, *, within: float) -> str:
        """What follows ``word`` at the beginning of a line of its output."""
        found: list[str] = []

        async def said() -> bool:
            for line in self._output().splitlines():
                if line.split(" ")[0] == word:
                    found.append(line.removeprefix(word).strip())
                    return True
            if self.process.returncode is not None:
                raise BenchFailed(f"{self.name} ended: {self._output()[-2000:]}")
            return False

        await until(said, within=within, what=f"{self.name} says {word}", every=POLL_S)
        return found[0]

    def _output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextlib.asynccontextmanager
async def bench_of(peer: Peer, environment: Environment) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="etp-bench-") as name:
        folder = Path(name)
        async with store(peer.store, folder, environment, peer.server) as one:
            yield Bench(peer, environment, folder, one)
