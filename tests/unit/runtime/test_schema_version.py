"""A process works on the schema that it was made for and on the next one, and on no other."""

import pytest

from trigger_contracts.schema_versions import SCHEMA_VERSIONS
from trigger_executor.adapters import schema as executor_schema
from trigger_retention.adapters import schema as retention_schema
from trigger_runtime.http.health import Health
from trigger_runtime.postgres.schema_version import SchemaCheck
from trigger_runtime.process.errors import DatabaseNotProvisioned, DatabaseUnavailable
from trigger_scheduler.adapters import schema as scheduler_schema

NEEDED = 5


class Found:
    """A schema's version as PostgreSQL tells it."""

    def __init__(self, version: int | Exception | None) -> None:
        self.version = version

    async def __call__(self, _schema: str) -> int | None:
        if isinstance(self.version, Exception):
            raise self.version
        return self.version


async def ready(found: int | Exception | None) -> tuple[bool, str, str]:
    health = Health("scheduler")
    health.add("schema", SchemaCheck({"scheduler": NEEDED}, Found(found)).check)
    is_ready, report = await health.ready()
    return is_ready, report["status"], report["checks"]["schema"]


@pytest.mark.parametrize(
    "older", [1, NEEDED - 1, None, DatabaseNotProvisioned('relation "schema_version"')]
)
async def test_an_older_schema_is_behind(older: int | Exception | None) -> None:
    is_ready, status, said = await ready(older)
    assert (is_ready, status) == (False, "unavailable")
    assert said.startswith("behind: scheduler")
    assert "etp provision" in said


async def test_its_own_schema_is_well() -> None:
    assert await ready(NEEDED) == (True, "ready", "ok")


async def test_the_next_schema_will_do_and_is_said() -> None:
    is_ready, status, said = await ready(NEEDED + 1)
    assert (is_ready, status) == (True, "degraded")
    assert said.startswith("ahead: scheduler is at version 6; this was made for 5")


async def test_a_schema_newer_still_is_not_touched() -> None:
    is_ready, status, said = await ready(NEEDED + 2)
    assert (is_ready, status) == (False, "unavailable")
    assert said.startswith("ahead: scheduler is at version 7, and this works up to 6")


async def test_a_database_that_is_away_tells_no_version() -> None:
    assert await ready(DatabaseUnavailable("no route")) == (
        False,
        "unavailable",
        "DatabaseUnavailable",
    )


@pytest.mark.parametrize(
    ("version", "ends"),
    [(NEEDED, 0), (NEEDED + 1, 0), (NEEDED + 2, 1), (NEEDED - 1, 1), (None, 0)],
)
async def test_a_worker_ends_where_its_schema_is_replaced(version: int | None, ends: int) -> None:
    ended: list[None] = []
    check = SchemaCheck({"scheduler": NEEDED}, Found(version))
    await check.watch(lambda: ended.append(None))
    assert len(ended) == ends


async def test_a_worker_waits_until_it_can_work(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Found(DatabaseUnavailable("not yet"))
    looks = [NEEDED - 1, None, NEEDED + 2, NEEDED]

    async def next_look(_seconds: float) -> None:
        found.version = looks.pop(0)

    monkeypatch.setattr("trigger_runtime.postgres.schema_version.asyncio.sleep", next_look)
    await SchemaCheck({"scheduler": NEEDED}, found).wait()
    assert looks == []


@pytest.mark.parametrize("schema", [scheduler_schema, retention_schema, executor_schema])
def test_what_is_declared_is_the_newest_migration(schema: object) -> None:
    """A release adds one at most: with two, services of before would not run on its schema."""
    newest = max(path.name for path in schema._FOLDER.glob("*.sql"))  # type: ignore[attr-defined]
    assert SCHEMA_VERSIONS[schema.SCHEMA] == int(newest[:4])  # type: ignore[attr-defined]
