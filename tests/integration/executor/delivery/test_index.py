"""The index of deliveries in PostgreSQL: projected once, in order, by one replica at a time."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from tests.support.servers import Broker, Database
from tests.unit.contracts.deliveries.factories import attempted, ended, planned
from trigger_contracts import subjects, topology
from trigger_contracts.deliveries.health import HealthChange
from trigger_contracts.deliveries.outcomes import Final, Outcome
from trigger_contracts.deliveries.records import (
    DeliveryRecord,
    delivery_id_of,
    message_of,
)
from trigger_contracts.ids import occurrence_event_id
from trigger_executor.adapters import schema
from trigger_executor.adapters.delivery import record_log
from trigger_executor.adapters.delivery.index import PostgresDeliveries, PostgresProjection
from trigger_executor.adapters.delivery.record_log import RecordReader
from trigger_executor.adapters.rebuild import rebuild
from trigger_executor.adapters.schema import SCHEMA
from trigger_executor.domain.delivery.breaker import Breaker
from trigger_executor.domain.delivery.health import ObservedChange
from trigger_executor.domain.delivery.lane import LaneRecord
from trigger_executor.domain.delivery.projecting import project
from trigger_executor.domain.delivery.stored import dumped
from trigger_executor.handlers.delivery.projecting import FOLLOWING, DeliveryProjector
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.jetstream.reader import StreamReader
from trigger_runtime.postgres import migrations
from trigger_runtime.postgres.database import Database as Pool
from trigger_runtime.postgres.shadow import ShadowSchema
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.errors import BrokerUnavailable
from trigger_runtime.process.settings import DatabaseSettings, NatsSettings

TIMEOUT = timedelta(seconds=5)
NOW = datetime.now(UTC)
LIFE = timedelta(hours=48)


def about(number: int, target_id: str = "erp", trigger_id: str = "backup") -> dict[str, Any]:
    """The event of a trigger's occurrence, on its way to a target."""
    event_id = str(occurrence_event_id(trigger_id, "c", NOW + timedelta(seconds=number)))
    return {
        "event_id": event_id,
        "delivery_id": delivery_id_of(event_id, target_id),
        "trigger_id": trigger_id,
        "target_id": target_id,
        "logged_at": NOW,
    }


def plan(number: int, target_id: str = "erp", **given: Any) -> DeliveryRecord:
    times = {"planned_at": NOW, "expires_at": NOW + LIFE}
    return planned(**{**about(number, target_id), **times, "event_seq": 1 + number, **given})


@pytest.fixture(autouse=True)
def at_present(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has events of its own time: a plan that was stored long after its event is late."""
    monkeypatch.setattr(sys.modules[__name__], "NOW", datetime.now(UTC))


class World:
    """The stream, the tables, and replicas that project."""

    def __init__(self, connection: Connection, pool: Pool, owner: asyncpg.Connection) -> None:
        self.publisher = JetStreamPublisher(connection, topology.EVENTS.name, timeout=TIMEOUT)
        self.reader = StreamReader(connection, topology.EVENTS.name, timeout=TIMEOUT)
        self.index = PostgresDeliveries(pool)
        self.owner = owner
        self.woken: list[set[str]] = []
        self.lags: list[float] = []
        self.follows = 0
        self.told: list[tuple[str, HealthChange]] = []
        self.tells_until: int | None = None

    def replica(self) -> DeliveryProjector:
        return DeliveryProjector(
            RecordReader(self.reader), self.index, self, self, SystemClock(), self
        )

    def waiting(self, target_ids: Any) -> None:
        self.woken.append(set(target_ids))

    async def tell(self, changes: Sequence[ObservedChange]) -> None:
        self.told += [(one.target_id, one.change) for one in changes]
        if self.tells_until is not None and len(self.told) >= self.tells_until:
            raise BrokerUnavailable("cut short")

    def projected(self, records: int, lag_s: float) -> None:
        self.lags.append(lag_s)

    def followed(self) -> None:
        self.follows += 1

    async def append(
        self, *records: DeliveryRecord, message_id: Callable[[str], str] = lambda own: own
    ) -> None:
        """Store records; with other message ids, as past the time that the broker knows them."""
        messages = []
        for record in records:
            message = message_of(record, expires_at=NOW + LIFE, now=NOW)
            assert message is not None
            messages.append(
                Message(
                    message.subject,
                    message.body,
                    message_id=message_id(message.message_id),
                    ttl=message.ttl,
                )
            )
        await self.publisher.publish_each(messages)

    async def project(self, replica: DeliveryProjector | None = None) -> None:
        replica = replica or self.replica()
        while await replica.one_pass() == timedelta():
            pass

    async def rows(self, table: str, order: str) -> list[dict[str, Any]]:
        found = await self.owner.fetch(f"SELECT * FROM {SCHEMA}.{table} ORDER BY {order}")
        return [dict(row) for row in found]

    async def deliveries(self) -> list[dict[str, Any]]:
        return await self.rows("delivery", "delivery_id")

    async def lanes(self) -> dict[str, dict[str, Any]]:
        return {lane["target_id"]: lane for lane in await self.rows("lane", "target_id")}

    async def position(self) -> int:
        return await self.owner.fetchval(f"SELECT seq FROM {SCHEMA}.projection")


@pytest.fixture
async def world(
    platform_streams: Broker, secrets: Secrets, empty_database: Database
) -> AsyncIterator[World]:
    settings = NatsSettings(
        nats_url=platform_streams.url,
        nats_user="executor",
        nats_password=SecretStr(secrets.nats["executor"]),
    )
    connection = Connection(settings, "executor")
    await connection.connect()
    pool = Pool(
        DatabaseSettings(database_url=SecretStr(empty_database.url("etp_executor"))),
        "test executor",
        server_settings={"search_path": SCHEMA},
    )
    async with empty_database.connected() as owner:
        yield World(connection, pool, owner)
    await pool.close()
    await connection.close()


def ids(*records: DeliveryRecord) -> list[str]:
    return sorted(record.delivery_id for record in records)


def found(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [str(row["delivery_id"]) for row in rows]


async def test_what_is_pending_is_in_the_index_with_the_position(world: World):
    due = NOW + timedelta(seconds=5)
    await world.append(
        *(plan(number) for number in range(3)),
        plan(3, "crm", is_test=True, change_seq=77),
        attempted(**about(1), epoch=4, started_at=NOW, next_attempt_at=due),
        attempted(Outcome.DELIVERED, **about(2), started_at=NOW),
    )

    await world.project()

    rows = await world.deliveries()
    assert found(rows) == ids(plan(0), plan(1), plan(3, "crm"))
    by_id = {str(row["delivery_id"]): row for row in rows}
    new, failed = (by_id[plan(number).delivery_id] for number in (0, 1))
    assert (new["attempts"], new["next_attempt_at"], new["event_seq"]) == (0, NOW, 1)
    assert (failed["attempts"], failed["epoch"], failed["next_attempt_at"]) == (1, 4, due)
    crm = by_id[plan(3, "crm").delivery_id]
    assert (crm["is_test"], crm["change_seq"], crm["trigger_id"]) == (True, 77, "backup")
    assert (crm["expires_at"], crm["logged_at"], crm["round"]) == (NOW + LIFE, NOW, 1)
    assert await world.position() == 6
    assert world.woken == [{"erp", "crm"}]


async def test_a_lane_is_woken_for_the_earliest_and_keeps_what_its_owner_wrote(world: World):
    await world.append(plan(0, planned_at=NOW + timedelta(seconds=9)))
    await world.project()
    await world.owner.execute(
        f"UPDATE {SCHEMA}.lane SET owner = 'one', epoch = 7, lease_until = $1, state = $2",
        NOW,
        '{"a":1}',
    )
    await world.append(plan(1), attempted(Outcome.DELIVERED, **about(0), epoch=5, started_at=NOW))
    await world.project()

    lane = (await world.lanes())["erp"]
    assert lane["wake_at"] == NOW
    assert (lane["owner"], lane["epoch"], lane["lease_until"]) == ("one", 7, NOW)
    assert lane["state"] == '{"a":1}'
    assert (lane["last_outcome"], lane["last_code"], lane["last_failure_at"]) == (
        "delivered",
        None,
        None,
    )
    assert lane["last_success_at"] == NOW + timedelta(milliseconds=12)


@pytest.mark.parametrize("size", [1, 2, 3, 9])
async def test_a_lane_knows_since_when_its_attempts_fail_or_do_not(world: World, size: int):
    """However many records are projected at once."""
    outcomes = [Outcome.FAILED, Outcome.FAILED, Outcome.DELIVERED, Outcome.FAILED, Outcome.BLOCKED]
    records = [
        attempted(outcome, **about(number), started_at=NOW + timedelta(seconds=number))
        for number, outcome in enumerate(outcomes)
    ]
    plans = [plan(number) for number in range(len(outcomes))]
    await world.append(*plans)
    await world.project()
    assert (await world.lanes())["erp"]["is_failing"] is None
    for start in range(0, len(records), size):
        await world.append(*records[start : start + size])
        await world.project()
    (lane,) = await world.owner.fetch(f"SELECT * FROM {SCHEMA}.lanes")
    since = NOW + timedelta(seconds=3, milliseconds=12)
    assert (lane["is_failing"], lane["since"]) == (True, since)
    assert (lane["open_until"], lane["is_gone"], lane["paused_until"]) == (None, False, None)


async def test_the_view_reads_a_lane_as_its_owner_stores_it(world: World):
    """The gateway shows a target's health by it."""
    await world.append(plan(0))
    await world.project()
    opened = Breaker(failures=5, openings=2, open_until=NOW + timedelta(seconds=9), is_gone=True)
    records = {
        dumped(LaneRecord(version=3)): (None, False, None),
        dumped(LaneRecord(breaker=opened)): (opened.open_until, True, None),
        dumped(LaneRecord(paused_until=NOW)): (None, False, NOW),
    }
    for state, expected in records.items():
        await world.owner.execute(f"UPDATE {SCHEMA}.lane SET state = $1", state)
        row = await world.owner.fetchrow(
            f"SELECT open_until, is_gone, paused_until FROM {SCHEMA}.lanes"
        )
        assert tuple(row) == expected


async def test_whoever_gives_a_lane_back_waits_for_what_is_projected_into_it(world: World):
    """It locks the lane first; what is written beside it is there once it has the lock."""
    await world.append(plan(0))
    await world.project()
    await world.append(plan(1))
    async with world.index.projecting() as transaction:
        assert transaction is not None
        _, page = await RecordReader(world.reader).after(transaction.position)
        known = await transaction.load({one.record.delivery_id for one in page})
        assert known == {}
        await transaction.write(project(page, known, {}), page[-1].seq)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await world.owner.execute(
                f"SELECT FROM {SCHEMA}.lane WHERE target_id = 'erp' FOR UPDATE NOWAIT"
            )

    assert len(await world.deliveries()) == 2


async def test_one_replica_projects_and_another_takes_over(world: World):
    one, other = world.replica(), world.replica()
    await world.project(one)
    await world.append(plan(0))
    async with world.index.projecting() as held:
        assert held is not None
        assert await other.one_pass() == FOLLOWING
    assert world.follows == 1
    assert not other.hinted()

    await world.project(one)
    assert await other.one_pass() == FOLLOWING
    assert not other.hinted()

    # The first is gone: what it does not project the other one does at its next look.
    await world.append(plan(1))
    await world.project(other)
    assert len(await world.deliveries()) == 2
    assert other.hinted()


async def test_whoever_was_overtaken_goes_on_where_the_other_one_is(world: World):
    one, other = world.replica(), world.replica()
    await world.append(plan(0))
    await world.project(one)
    await world.append(attempted(Outcome.DELIVERED, **about(0), started_at=NOW), plan(1))
    await world.project(other)
    await world.append(plan(2))
    await world.project(one)

    assert found(await world.deliveries()) == ids(plan(1), plan(2))
    assert await world.position() == 4


async def test_a_page_that_was_not_committed_is_projected_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await world.append(plan(0), plan(1, "crm"))
    whole = PostgresProjection.write

    async def broken_off(self, projection, position):
        await whole(self, projection, position)
        raise RuntimeError("the process was killed here")

    monkeypatch.setattr(PostgresProjection, "write", broken_off)
    replica = world.replica()
    with pytest.raises(RuntimeError):
        await replica.one_pass()
    assert await world.deliveries() == []
    assert world.woken == []

    monkeypatch.setattr(PostgresProjection, "write", whole)
    await world.project(replica)
    assert len(await world.deliveries()) == 2


async def test_what_changes_of_a_targets_health_is_told_before_its_page_counts(world: World):
    failed = [
        attempted(**about(number), started_at=NOW, next_attempt_at=NOW + timedelta(seconds=5))
        for number in range(5)
    ]
    await world.append(*(plan(number) for number in range(5)), *failed)
    world.tells_until = 1
    with pytest.raises(BrokerUnavailable):
        await world.project()
    assert (await world.position(), await world.lanes()) == (0, {})

    world.tells_until = None
    await world.project()
    assert world.told == [("erp", HealthChange.FAILING)] * 2
    # Another replica goes on from the row.
    await world.append(attempted(Outcome.DELIVERED, **about(0), started_at=NOW, attempt=2))
    await world.project()
    assert world.told[2:] == [("erp", HealthChange.RECOVERED)]


async def test_an_index_made_before_health_was_observed_goes_on_with_what_it_has(
    world: World, tmp_path: Path
):
    folder = Path(schema.__file__).with_name("migrations")
    first = "0001_deliveries.sql"
    (tmp_path / first).write_text((folder / first).read_text())
    await world.owner.execute(f"DROP SCHEMA {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    await migrations.apply(world.owner, tmp_path, SCHEMA)
    await world.owner.execute(
        f"INSERT INTO {SCHEMA}.lane (target_id, owner, epoch, is_failing, since)"
        " VALUES ('erp', 'one', 7, true, $1)",
        NOW - timedelta(hours=1),
    )
    before = (await world.lanes())["erp"]

    await schema.apply(world.owner)

    assert (await world.lanes())["erp"] == {**before, "health": None}
    due = NOW + timedelta(seconds=5)
    failed = [attempted(**about(n), started_at=NOW, next_attempt_at=due) for n in range(5)]
    await world.append(*(plan(number) for number in range(5)), *failed)
    await world.project()
    lane = (await world.lanes())["erp"]
    assert (lane["owner"], lane["is_failing"]) == ("one", True)
    assert world.told == [("erp", HealthChange.FAILING)]


async def test_a_rebuild_tells_nothing_and_keeps_what_was_told(
    world: World, empty_database: Database
):
    failed = [
        attempted(**about(number), started_at=NOW, next_attempt_at=NOW + timedelta(seconds=5))
        for number in range(6)
    ]
    await world.append(plan(0), *failed[:5])
    await world.project()
    before = (await world.lanes())["erp"]["health"]
    async with empty_database.connected() as administrator:
        await rebuild(administrator, world.reader)

    assert (await world.lanes())["erp"]["health"] == before
    await world.append(failed[5])
    await world.project()
    assert world.told == [("erp", HealthChange.FAILING)]


async def test_a_plan_that_comes_again_past_the_brokers_memory_sends_nothing_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Its delivery has ended and left the index: the records since the event tell."""
    late = NOW - timedelta(minutes=3)
    first = plan(0, logged_at=late)
    await world.append(
        first, attempted(Outcome.DELIVERED, **{**about(0), "logged_at": late}, started_at=NOW)
    )
    replica = world.replica()
    await world.project(replica)
    await world.append(plan(0, event_seq=90, logged_at=late), message_id=lambda own: f"{own}-2")
    await world.append(plan(1, logged_at=late))

    await world.project(replica)
    assert found(await world.deliveries()) == ids(plan(1))

    # Also whoever has seen nothing of it before.
    await world.append(plan(0, event_seq=91, logged_at=late), message_id=lambda own: f"{own}-3")
    await world.project(world.replica())
    assert found(await world.deliveries()) == ids(plan(1))


async def test_of_a_busy_trigger_not_all_records_are_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Nobody's deliveries wait for what another's trigger has; what is not told is sent again."""
    late = NOW - timedelta(minutes=3)
    await world.append(*(plan(number) for number in range(6)))
    await world.append(
        *(attempted(Outcome.DELIVERED, **about(number), started_at=NOW) for number in range(6))
    )
    await world.project()
    monkeypatch.setattr(record_log, "PAGE", 2)
    monkeypatch.setattr(record_log, "MAX_LOOKED_AT", 4)
    await world.append(
        *(plan(number, event_seq=90, logged_at=late) for number in (1, 5)),
        message_id=lambda own: f"{own}-2",
    )

    await world.project()

    assert found(await world.deliveries()) == ids(plan(5))


async def test_of_a_wish_the_index_itself_knows_that_it_began(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """However many records its trigger has: a late first plan, and a round that was redelivered."""
    monkeypatch.setattr(record_log, "MAX_LOOKED_AT", 0)
    late = NOW - timedelta(minutes=3)
    for number in (1, 2):
        await world.append(plan(0, round=number, logged_at=late))
        await world.append(
            attempted(
                Outcome.DELIVERED,
                **{**about(0), "logged_at": late},
                round=number,
                started_at=NOW,
            )
        )
        await world.project()
    await world.append(
        *(plan(0, round=number, event_seq=90, logged_at=late) for number in (1, 2)),
        message_id=lambda own: f"{own}-2",
    )

    await world.project()
    assert await world.deliveries() == []
    await world.append(plan(0, round=3, logged_at=late))
    await world.project()
    (row,) = await world.deliveries()
    assert row["round"] == 3


async def test_a_redelivery_begins_once_its_round_has_ended(world: World):
    await world.append(plan(0), ended(**about(0), ended_at=NOW))
    await world.append(plan(0, round=2))
    await world.project()
    (row,) = await world.deliveries()
    assert (row["round"], row["attempts"]) == (2, 0)

    await world.append(attempted(Outcome.DELIVERED, **about(0), round=2, started_at=NOW))
    await world.append(plan(0, round=2), message_id=lambda own: f"{own}-2")
    await world.project()
    assert await world.deliveries() == []


async def test_what_cannot_be_read_is_passed_over(world: World):
    await world.publisher.publish(Message(subjects.delivery("backup"), b"{}", message_id="bad"))
    await world.append(plan(0))
    await world.project()

    assert found(await world.deliveries()) == ids(plan(0))
    assert await world.position() == 2


async def test_a_rebuild_gives_equal_tables_and_nothing_is_sent_again(
    world: World, empty_database: Database
):
    late = NOW - timedelta(minutes=3)
    dead = {"final": Final.DEAD, "started_at": NOW}
    await world.append(
        *(plan(number) for number in range(6)),
        plan(6, "crm"),
        attempted(**about(0), started_at=NOW, epoch=3, next_attempt_at=NOW + LIFE / 2),
        attempted(Outcome.DELIVERED, **about(1), started_at=NOW, epoch=3),
        attempted(**about(2), **dead),
        attempted(Outcome.BLOCKED, **about(3), started_at=NOW),
        ended(**about(4), ended_at=NOW),
        plan(4, round=2),
        plan(7, logged_at=late),
        attempted(Outcome.DELIVERED, **{**about(7), "logged_at": late}, started_at=NOW),
    )
    await world.append(plan(7, event_seq=90, logged_at=late), message_id=lambda own: f"{own}-2")
    await world.project()
    await world.owner.execute(
        f"UPDATE {SCHEMA}.lane SET owner = 'one', epoch = 9, state = $1 WHERE target_id = 'erp'",
        '{"a":1}',
    )
    before = await world.deliveries(), await world.lanes(), await world.position()
    assert found(before[0]) == ids(plan(0), plan(4), plan(5), plan(6, "crm"))

    async with empty_database.connected() as administrator:
        report = await rebuild(administrator, world.reader)

    assert (await world.deliveries(), await world.lanes(), await world.position()) == before
    assert (report.records, report.pending, report.last_seq) == (16, 4, before[2])

    # The service goes on with the new tables.
    await world.append(plan(8))
    await world.project()
    assert len(await world.deliveries()) == 5


async def test_a_lost_schema_is_made_of_the_records_with_the_epochs_that_they_have(
    world: World, empty_database: Database
):
    await world.append(
        plan(0), attempted(**about(0), started_at=NOW, epoch=12, next_attempt_at=NOW)
    )
    await world.owner.execute(f"DROP SCHEMA {SCHEMA} CASCADE")

    async with empty_database.connected() as administrator:
        await rebuild(administrator, world.reader)

    assert (await world.lanes())["erp"]["epoch"] == 12
    await world.append(plan(1))
    await world.project()
    assert found(await world.deliveries()) == ids(plan(0), plan(1))


async def test_a_rebuild_that_was_killed_leaves_everything_and_can_be_repeated(
    world: World, empty_database: Database, monkeypatch: pytest.MonkeyPatch
):
    await world.append(plan(0))
    await world.project()
    before = await world.deliveries()

    async def killed(*_: Any) -> None:
        raise RuntimeError("killed here by the test")

    with monkeypatch.context() as patched:
        patched.setattr(ShadowSchema, "swap", killed)
        async with empty_database.connected() as administrator:
            with pytest.raises(RuntimeError):
                await rebuild(administrator, world.reader)
    assert await world.deliveries() == before

    async with empty_database.connected() as administrator:
        await rebuild(administrator, world.reader)
    assert await world.deliveries() == before


async def test_the_executors_role_sees_its_own_schema_and_the_gateway_its_views(
    world: World, empty_database: Database
):
    async with empty_database.connected("etp_executor") as own:
        for table in ("scheduler.trigger", "scheduler.triggers", "retention.event"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await own.execute(f"SELECT FROM {table} LIMIT 0")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await own.execute(f"CREATE TABLE {SCHEMA}.more (id integer)")
    async with empty_database.connected("etp_api") as gateway:
        for view in ("pending", "lanes", "schema_version"):
            await gateway.execute(f"SELECT FROM {SCHEMA}.{view} LIMIT 0")
        for table in ("delivery", "lane", "projection"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await gateway.execute(f"SELECT FROM {SCHEMA}.{table} LIMIT 0")
