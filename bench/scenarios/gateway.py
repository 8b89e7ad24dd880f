"""C. Fires a second through the gateway."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from bench.bare import gateway as bare_gateway
from bench.sizes import Sizes
from bench.support.checks import expect_equal, until
from bench.support.figures import Figure, Result, spread, spread_figures
from bench.support.http_load import Answers, Load, send
from bench.support.servers import Platform, bare_servers, platform
from bench.support.usage import Cost, Meter
from bench.support.workers import Worker
from trigger_local import ports

BODY_BYTES = 277
WARM_UP_S = 1.0
ROWS_TIMEOUT_S = 120

SCHEMA = {
    "type": "object",
    "required": ["order_id", "amount", "note"],
    "properties": {
        "order_id": {"type": "string", "maxLength": 40},
        "amount": {"type": "number", "minimum": 0},
        "note": {"type": "string", "maxLength": 500},
    },
    "additionalProperties": False,
}


def fire_body() -> bytes:
    """A fire of exactly ``BODY_BYTES``."""
    payload = {"order_id": "order-0000001", "amount": 12.5, "note": ""}
    payload["note"] = "x" * (BODY_BYTES - len(json.dumps({"payload": payload})))
    return json.dumps({"payload": payload}).encode()


@dataclass(frozen=True, slots=True)
class Measured:
    answers: Answers
    costs: Mapping[str, Cost]
    generator_cpu_s: float


async def fires(sizes: Sizes) -> Result:
    """With the whole platform running, with the gateway alone, and with nothing behind the door."""
    async with platform() as servers:
        trigger_id = await create(servers)
        load = load_of(servers, trigger_id, sizes)
        warm = await send(warm_up(load))
        whole = await _measure(load, servers.pids)
        await check(servers, trigger_id, [warm[0], whole.answers])
        with servers.stopped("executor", "retention"):
            alone = await _measure(load, servers.pids)
        await check(servers, trigger_id, [warm[0], whole.answers, alone.answers])
        await servers.check_alive()
    bare = await _bare(sizes)
    figures = []
    for what, found, rate, late in (
        ("gateway alone", alone, "≥ 9,000", "≤ 10"),
        ("whole platform running", whole, "", ""),
    ):
        figures.append(
            Figure(
                f"fires a second, {what}",
                "/s",
                found.answers.per_second,
                bare.answers.per_second,
                "bare ASGI, publish, ack",
                rate,
            )
        )
        figures += spread_figures(
            f"latency, {what}",
            "ms",
            spread([s * 1000 for s in found.answers.latencies_s]),
            spread([s * 1000 for s in bare.answers.latencies_s]),
            targets=("", late),
        )
        figures.append(
            Figure(
                f"CPU of the gateway's process a fire, {what}",
                "µs",
                _cpu_us(found, "api"),
                _cpu_us(bare, "door"),
            )
        )
    return Result(
        title="fires through the gateway",
        did=f"POST /triggers/{{id}}/fire, {sizes.connections} keep-alive connections, "
        f"{BODY_BYTES}-byte body, {sizes.load_s:g} s: authenticated, validated, durable",
        figures=figures,
        costs=whole.costs,
        bare_costs=bare.costs,
        notes=(
            (
                "Alone: executor and retention are stopped (SIGSTOP) during the load and catch up "
                "afterwards; every fire is then found in the log exactly once."
            ),
            (
                f"The load generator shares the machine: it used {whole.generator_cpu_s:.1f} CPU s "
                f"with the whole platform, {alone.generator_cpu_s:.1f} with the gateway alone."
            ),
            "CPU and memory are those of the load with the whole platform running.",
        ),
    )


def _cpu_us(found: Measured, process: str) -> float:
    return found.costs[process].cpu_s * 1e6 / len(found.answers.latencies_s)


async def create(servers: Platform) -> str:
    async with httpx.AsyncClient(
        base_url=servers.url, headers={"X-API-KEY": servers.api_key}, timeout=10
    ) as client:
        definition = {"name": "bench", "type": "api", "payload_schema": SCHEMA}
        answer = await client.post("/triggers/", json=definition)
        expect_equal(answer.status_code, 201, f"create: {answer.text}")
        location = answer.headers["location"]
    return str(location.rstrip("/").rpartition("/")[2])


def load_of(servers: Platform, trigger_id: str, sizes: Sizes) -> Load:
    host, port = servers.address
    return Load(
        host=host,
        port=port,
        path=f"/triggers/{trigger_id}/fire",
        headers=(("X-API-KEY", servers.api_key), ("Content-Type", "application/json")),
        bodies=[fire_body()],
        connections=sizes.connections,
        duration_s=sizes.load_s,
    )


def warm_up(load: Load) -> Load:
    return Load(
        load.host, load.port, load.path, load.headers, load.bodies, load.connections, WARM_UP_S
    )


async def _measure(load: Load, pids: Mapping[str, int]) -> Measured:
    meter = Meter(pids)
    answers, cpu_s = await send(load)
    expect_equal(set(answers.statuses), {202}, "answers")
    return Measured(answers, meter.read(), cpu_s)


async def check(servers: Platform, trigger_id: str, accepted: list[Answers]) -> None:
    """Every accepted fire is one row, and there are no others."""
    promised = [json.loads(body)["event_id"] for one in accepted for body in one.bodies]
    async with servers.database() as database:

        async def logged() -> bool:
            count = await database.fetchval(
                "SELECT count(*) FROM retention.event WHERE trigger_id = $1", trigger_id
            )
            return bool(count >= len(promised))

        await until(logged, within=ROWS_TIMEOUT_S, every=0.5, what=f"{len(promised)} fires logged")
        rows = await database.fetch(
            "SELECT event_id::text FROM retention.event WHERE status = 'fired' AND trigger_id = $1",
            trigger_id,
        )
    expect_equal(len(rows), len(promised), "rows of accepted fires")
    expect_equal({row[0] for row in rows} == set(promised), True, "their event ids are the same")


async def _bare(sizes: Sizes) -> Measured:
    port = ports.choose_free(set())
    async with (
        bare_servers() as servers,
        Worker("door", bare_gateway.serve, servers, port) as door,
    ):
        await door.ready()
        load = Load(
            host=ports.LOOPBACK,
            port=port,
            path="/fire",
            headers=(("Content-Type", "application/json"),),
            bodies=[fire_body()],
            connections=sizes.connections,
            duration_s=sizes.load_s,
        )
        await send(warm_up(load))
        pids = {"nats": servers.pids["nats"], "door": door.pid}
        return await _measure(load, pids)
