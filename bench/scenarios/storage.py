"""F. What a trigger and an event take on the disks of broker and database."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.sizes import Sizes
from bench.support.checks import expect_equal, until
from bench.support.creating import create_ahead, every, lead, once, publish_creates
from bench.support.figures import Figure, Result
from bench.support.http_load import Load, send
from bench.support.idle import idle
from bench.support.servers import Platform, platform
from trigger_contracts import topology

TOMORROW_S = 24 * 3600
CREATING_S = 600
FIRED_TIMEOUT_S = 120

_TABLES = """
SELECT sum(pg_table_size(c.oid))::bigint AS rows, sum(pg_indexes_size(c.oid))::bigint AS indexes
FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r'
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes: of each stream as the broker counts them, of each schema's tables and indexes."""

    streams: Mapping[str, int]
    tables: Mapping[str, int]
    indexes: Mapping[str, int]


async def stored(sizes: Sizes) -> Result:
    """Triggers that are not due, then some that are, then fires by REST."""
    async with platform() as servers:
        empty = await _stored(servers)
        at = float(int(time.time())) + TOMORROW_S
        await create_ahead(
            servers,
            [every(number, 3600, at + number % 3600) for number in range(sizes.stored)],
            time.time() + CREATING_S,
        )
        held = await _stored(servers)
        await _fire(servers, sizes)
        fired = await _stored(servers)
        await _fire_by_rest(servers, sizes)
        asked = await _stored(servers)
        costs = await idle(servers.pids, sizes.idle_s)
        await servers.check_alive()
    commands, changes = topology.COMMANDS.name, topology.CHANGES.name
    due, events = topology.DUE.name, topology.EVENTS.name

    def figure(what: str, grown: float, count: int) -> Figure:
        return Figure(what, "bytes", grown / count)

    return Result(
        title="storage",
        did=f"{sizes.stored:,} interval triggers with 200 bytes of payload created over NATS, "
        f"{sizes.stored_fires:,} one-time ones that fire, {sizes.stored_fires:,} fires by REST",
        figures=[
            figure(
                "a trigger, rows of PostgreSQL",
                held.tables["scheduler"] - empty.tables["scheduler"],
                sizes.stored,
            ),
            figure(
                "a trigger, indexes of PostgreSQL",
                held.indexes["scheduler"] - empty.indexes["scheduler"],
                sizes.stored,
            ),
            figure(
                "a trigger, TRIGGER_CHANGES",
                held.streams[changes] - empty.streams[changes],
                sizes.stored,
            ),
            figure(
                "a create, TRIGGER_COMMANDS (48 h)",
                held.streams[commands] - empty.streams[commands],
                sizes.stored,
            ),
            figure(
                "an occurrence, TRIGGER_DUE (48 h)",
                fired.streams[due] - held.streams[due],
                sizes.stored_fires,
            ),
            figure(
                "an event, TRIGGER_EVENTS (48 h)",
                fired.streams[events] - held.streams[events],
                sizes.stored_fires,
            ),
            figure(
                "an event, rows of PostgreSQL (48 h)",
                fired.tables["retention"] - held.tables["retention"],
                sizes.stored_fires,
            ),
            figure(
                "an event, indexes of PostgreSQL while its hour goes on (48 h)",
                fired.indexes["retention"] - held.indexes["retention"],
                sizes.stored_fires,
            ),
            figure(
                "a fire by REST, TRIGGER_COMMANDS (48 h)",
                asked.streams[commands] - fired.streams[commands],
                sizes.stored_fires,
            ),
        ],
        costs=costs,
        notes=(
            (
                "Streams as the broker counts them: what its files hold, without what is not yet "
                "compacted. Tables after VACUUM; with three replicas each broker has all of it."
            ),
            "What closing an hour adds to its rows' indexes, `log` says.",
        ),
    )


async def _stored(servers: Platform) -> Stored:
    async with servers.connected() as connection:
        jetstream = connection.client.jetstream(timeout=30)
        streams = {
            stream.name: (await jetstream.stream_info(stream.name)).state.bytes
            for stream in topology.STREAMS
        }
    tables: dict[str, int] = {}
    indexes: dict[str, int] = {}
    async with servers.database() as database:
        await database.execute("VACUUM ANALYZE", timeout=600)
        for schema in ("scheduler", "retention"):
            row = await database.fetchrow(_TABLES, schema)
            assert row is not None
            tables[schema], indexes[schema] = row["rows"], row["indexes"]
    return Stored(streams, tables, indexes)


async def _fire(servers: Platform, sizes: Sizes) -> None:
    """One-time triggers at one instant, until each is a row of the log."""
    at = time.time() + lead(sizes.stored_fires)
    first = sizes.stored
    await publish_creates(
        servers,
        [once(number, at) for number in range(first, first + sizes.stored_fires)],
        answered=True,
    )
    await _until_logged(servers, sizes.stored_fires, "schedule")


async def _fire_by_rest(servers: Platform, sizes: Sizes) -> None:
    host, port = servers.address
    headers = (("X-API-KEY", servers.api_key), ("Content-Type", "application/json"))
    made = json.dumps({"name": "asked", "type": "api"}).encode()
    answers, _ = await send(Load(host, port, "/triggers/", headers, [made], 1))
    trigger_id = json.loads(answers.bodies[0])["id"]
    bodies = [json.dumps({"payload": {"text": "x" * 200}}).encode()] * sizes.stored_fires
    load = Load(host, port, f"/triggers/{trigger_id}/fire", headers, bodies, sizes.connections)
    answers, _ = await send(load)
    expect_equal(answers.statuses, {202: sizes.stored_fires}, "answers")
    await _until_logged(servers, sizes.stored_fires, "api")


async def _until_logged(servers: Platform, count: int, source: str) -> None:
    async with servers.database() as database:

        async def logged() -> bool:
            rows = await database.fetchval(
                "SELECT count(*) FROM retention.event WHERE status = 'fired' AND source = $1",
                source,
            )
            return bool(rows == count)

        await until(logged, within=FIRED_TIMEOUT_S, what=f"{count} events logged", every=0.25)
