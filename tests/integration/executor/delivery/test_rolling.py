"""Deliverers restarted one after the other, under load: nothing is lost, and nothing sent twice."""

import asyncio
import contextlib
import json
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
from nats.aio.msg import Msg

from tests.integration.executor.conftest import TIMEOUT, Around
from tests.integration.executor.delivery.conftest import StartRole
from tests.integration.executor.delivery.test_crashes import Processes, processes
from tests.integration.executor.test_plans import PAID, add_target, to
from tests.support.eventually import eventually
from tests.support.servers import Database
from tests.unit.executor.factories import fire_body, make_api_change
from trigger_contracts import subjects
from trigger_contracts.deliveries.outcomes import Final
from trigger_contracts.deliveries.records import DeliveryAttempted, record_in
from trigger_contracts.topology import EVENTS
from trigger_executor.adapters.schema import SCHEMA
from trigger_local import ports
from trigger_runtime.jetstream.reader import StreamReader

__all__ = ["processes"]  # a fixture of theirs
TARGETS = ("crm", "erp")
TAKES_S = 0.3
"""Of an attempt: so there is always one in flight."""
EVERY_S = 0.25
"""Two events are fired, each to all targets: no lane is idle, and one replica has both."""
ENDS_WITHIN = timedelta(milliseconds=200)
"""For a signal to be heard by a process that is at work."""


class Receiver:
    """Takes its time for what the targets are sent, as a slow stream does."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self.got: Counter[tuple[str, str]] = Counter()
        self._answers: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        client = self._around.connection.client
        await client.subscribe("out.slow.*", cb=self._hear)
        await client.flush()

    async def _hear(self, message: Msg) -> None:
        assert message.headers is not None
        self.got[message.subject.rpartition(".")[2], message.headers["webhook-id"]] += 1
        answer = asyncio.create_task(self._answer(message))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    async def _answer(self, message: Msg) -> None:
        await asyncio.sleep(TAKES_S)
        await message.respond(json.dumps({"stream": "LAB", "seq": self.got.total()}).encode())

    async def stop(self) -> None:
        for answer in self._answers:
            answer.cancel()


class Load:
    """Fires all the time."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self.fired = 0
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self._around.fire(*(fire_body(payload=PAID) for _ in range(2)))
            self.fired += 2
            await asyncio.sleep(EVERY_S)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


async def attempts(around: Around) -> list[DeliveryAttempted]:
    reader = StreamReader(around.connection, EVENTS.name, timeout=TIMEOUT)
    stored = await reader.after(0, subjects.ALL_DELIVERY, 10_000)
    read = [record_in(one.subject, one.payload) for one in stored]
    return [one for one in read if isinstance(one, DeliveryAttempted)]


async def owners(owner: asyncpg.Connection) -> dict[str, str]:
    """Whose each lane is that somebody has."""
    rows = await owner.fetch(f"SELECT target_id, owner FROM {SCHEMA}.lane WHERE owner IS NOT NULL")
    return {row["target_id"]: row["owner"] for row in rows}


async def ready(port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:

        async def is_ready() -> bool:
            return (await http.get("/ready")).status_code == 200

        await eventually(is_ready, within=30)


async def having_all(rows: asyncpg.Connection) -> str:
    """Who has all lanes."""

    async def has_all() -> str | None:
        found = await owners(rows)
        names = set(found.values())
        return names.pop() if len(found) == len(TARGETS) and len(names) == 1 else None

    name = await eventually(has_all, within=20, what="one replica has all lanes")
    assert name is not None
    return name


async def stopped(
    process: asyncio.subprocess.Process, name: str, receiver: Receiver, rows: asyncpg.Connection
) -> datetime:
    """Tell the replica that has all lanes to stop, in the middle of its work; when it was told."""
    before = receiver.got.total()
    await eventually(lambda: receiver.got.total() > before + 4, within=20)
    assert await having_all(rows) == name
    loop = asyncio.get_running_loop()
    told, began = datetime.now(UTC), loop.time()
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert loop.time() - began < TAKES_S + 1
    assert name not in (await owners(rows)).values()
    return told


async def test_replicas_are_restarted_one_after_the_other_under_load(
    around: Around,
    start_role: StartRole,
    processes: Processes,
    empty_database: Database,
) -> None:
    """One that is told to stop starts nothing, ends what is in flight and gives its lanes back."""
    await start_role("record", empty_database.url("etp_executor"))
    for one in TARGETS:
        await add_target(around, one, subject=f"out.slow.{one}", durable=True)
    await around.change(to(make_api_change(), *TARGETS))
    receiver = Receiver(around)
    await receiver.listen()
    taken: set[int] = set()
    async with contextlib.AsyncExitStack() as stack:
        rows = await stack.enter_async_context(empty_database.connected())

        async def started() -> asyncio.subprocess.Process:
            port = ports.choose_free(taken)
            taken.add(port)
            environment = {"ETP_EXECUTOR_ROLES": "deliver", "ETP_HTTP_PORT": str(port)}
            process = await stack.enter_async_context(processes.executor(**environment))
            await ready(port)
            return process

        first = await started()
        load = Load(around)
        name_of_first = await having_all(rows)
        second = await started()
        first_told = await stopped(first, name_of_first, receiver, rows)
        name_of_second = await having_all(rows)
        await started()
        second_told = await stopped(second, name_of_second, receiver, rows)
        await having_all(rows)
        await load.stop()

        async def all_is_recorded() -> bool:
            return len(await attempts(around)) >= load.fired * len(TARGETS)

        await eventually(all_is_recorded, within=30)
    await receiver.stop()

    found = await attempts(around)
    assert {(one.attempt, one.final) for one in found} == {(1, Final.DELIVERED)}
    assert len(receiver.got) == len(found) == load.fired * len(TARGETS)
    assert set(receiver.got.values()) == {1}
    assert name_of_first != name_of_second
    # By their epochs, the attempts of one owner after the other: each began before it was told.
    for one in TARGETS:
        epochs = sorted({record.epoch for record in found if record.target_id == one})
        assert len(epochs) == 3
        for epoch, told in zip(epochs, (first_told, second_told), strict=False):
            last = max(
                record.started_at
                for record in found
                if record.target_id == one and record.epoch == epoch
            )
            assert last - told < ENDS_WITHIN
