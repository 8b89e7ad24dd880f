"""What the scheduler tells of what waits, by a real index: what is seen, and what is not known."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from tests.integration.scheduler.conftest import Platform, once
from tests.support.eventually import eventually
from trigger_contracts.subjects import Verb
from trigger_runtime.postgres.database import Database
from trigger_scheduler.adapters import meter
from trigger_scheduler.adapters.measures import PostgresMeasures
from trigger_scheduler.adapters.schema import SCHEMA
from trigger_scheduler.handlers import measuring

API = {"name": "api", "type": "api"}
OFTEN = timedelta(seconds=0.2)


@pytest.fixture
async def pool(platform: Platform) -> AsyncIterator[Database]:
    made = Database(platform.settings(), "test", server_settings={"search_path": SCHEMA})
    yield made
    await made.close()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "DUE_EVERY", OFTEN)
    monkeypatch.setattr(measuring, "REST_EVERY", OFTEN)


def told(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_the_oldest_due_grows_while_it_cannot_be_claimed_and_ends_with_it(
    platform: Platform, often: None
) -> None:
    """Beside a trigger that nobody can plan, which stays due and raises nothing."""
    async with platform.scheduler(), platform.database.connected() as owner:
        parked = (await platform.ask(Verb.CREATE, **once(timedelta(hours=1))))["trigger_id"]
        await owner.execute(
            "UPDATE scheduler.trigger SET next_fire_at = now() - interval '1 hour',"
            " schedule = '{}' WHERE trigger_id = $1",
            parked,
        )
        await eventually(lambda: told("etp_due_oldest_seconds") == 0.0)
        assert told("etp_due_backlog") == 0.0
        due = (await platform.ask(Verb.CREATE, **once(timedelta(seconds=2))))["trigger_id"]
        async with owner.transaction():
            await owner.execute(
                "SELECT FROM scheduler.trigger WHERE trigger_id = $1 FOR UPDATE", due
            )
            await eventually(lambda: (told("etp_due_oldest_seconds") or 0) > 1, within=20)
            assert told("etp_due_backlog") == 1.0
        await eventually(lambda: told("etp_due_oldest_seconds") == 0.0)
        assert len(await platform.fires(due, 1)) == 1


async def test_triggers_are_counted_by_type_and_of_many_estimated(
    platform: Platform, pool: Database
) -> None:
    exact, estimated = PostgresMeasures(pool), PostgresMeasures(pool, counted_up_to=-1)
    async with platform.scheduler(loops=False):
        assert await exact.triggers() == {}
        for definition in (API, API, API, once(timedelta(hours=1))):
            created = await platform.ask(Verb.CREATE, **definition)
        await platform.ask(Verb.DELETE, trigger_id=created["trigger_id"])
        await platform.ask(Verb.CREATE, **once(timedelta(hours=1)))
    assert await exact.triggers() == {"api": 3, "scheduled": 1}
    async with platform.database.connected() as owner:
        await owner.execute("ANALYZE scheduler.trigger")
    # Of four that are active; the deleted one still counts to the types' shares.
    found = await estimated.triggers()
    assert found is not None
    assert sum(found.values()) == 4
    assert found["api"] in {2, 3}


async def test_of_a_table_that_was_never_looked_at_nothing_is_estimated(
    platform: Platform, pool: Database
) -> None:
    async with platform.database.connected() as owner:
        await owner.execute("ALTER TABLE scheduler.trigger SET (autovacuum_enabled = off)")
        await owner.execute(
            "DELETE FROM pg_statistic WHERE starelid = 'scheduler.trigger'::regclass"
        )
    assert await PostgresMeasures(pool, counted_up_to=-1).triggers() is None


async def test_what_is_over_for_longest_says_how_far_erasing_is_behind(
    platform: Platform, pool: Database
) -> None:
    measures, month = PostgresMeasures(pool), timedelta(days=30)
    async with platform.scheduler(loops=False), platform.database.connected() as owner:
        ids = [(await platform.ask(Verb.CREATE, **API))["trigger_id"] for _ in range(2)]
        assert await measures.erasure_overdue(timedelta()) == timedelta()
        for trigger_id in ids:
            await platform.ask(Verb.DELETE, trigger_id=trigger_id)
        assert await measures.erasure_overdue(month) == timedelta()
        await owner.execute(
            "UPDATE scheduler.trigger SET updated_at = now() - interval '31 days'"
            " WHERE trigger_id = $1",
            ids[1],
        )
        overdue = await measures.erasure_overdue(month)
        assert timedelta(0) <= overdue - timedelta(days=1) < timedelta(minutes=1)


async def test_a_scheduler_that_cannot_look_keeps_no_good_value(
    platform: Platform, often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter._DUE_OLDEST, "_good_for_s", 1.0)
    async with platform.scheduler(), platform.database.connected() as owner:
        await eventually(lambda: told("etp_due_oldest_seconds") == 0.0)
        async with owner.transaction():
            await owner.execute("LOCK TABLE scheduler.trigger IN ACCESS EXCLUSIVE MODE")
            await eventually(lambda: told("etp_due_oldest_seconds") is None, within=20)
        await eventually(lambda: told("etp_due_oldest_seconds") == 0.0, within=20)
