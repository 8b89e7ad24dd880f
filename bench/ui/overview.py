"""What ``GET /overview`` costs, which every open list of triggers asks each five seconds."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.log.query_load import client
from bench.log.sql_capture import bare, recorder
from bench.support.checks import expect_equal
from bench.support.servers import Platform
from bench.support.usage import Meter

from .centiles import Centiles, centiles

PATH = "/overview"
EVERY_S = 5
"""As often as a page asks."""
_WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Overview:
    answered: Centiles
    """Milliseconds to an answer, one after the other."""
    statements_p50: float
    """Of its statements alone."""
    cpu_ms: Mapping[str, float]
    """Of the gateway and of PostgreSQL, for one answer."""

    @property
    def percent_of_a_core(self) -> float:
        """What one open page takes by asking."""
        return sum(self.cpu_ms.values()) / (EVERY_S * 1000) * 100


async def ask_overview(servers: Platform, times: int, bare_s: float) -> Overview:
    async with client(servers) as http:
        for _ in range(_WARM_UP):
            await http.get(PATH)
        pids = {name: servers.pids[name] for name in ("api", "postgres")}
        meter = Meter(pids)
        took = []
        for _ in range(times):
            started = time.perf_counter()
            answer = await http.get(PATH)
            took.append((time.perf_counter() - started) * 1000)
            expect_equal(answer.status_code, 200, f"{PATH}: {answer.text[:300]}")
        costs = meter.read()
    async with recorder(servers) as recording:
        statements = await recording.statements_of(PATH)
    async with bare(servers) as directly:
        alone = await directly.ask([statements], bare_s)
    return Overview(
        centiles(took),
        centiles(alone).p50,
        {name: cost.cpu_s * 1000 / times for name, cost in costs.items()},
    )
