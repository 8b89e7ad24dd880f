"""Every filter, page, count and chart of the log beside a naive model of it.

The model is a list in memory, filtered by the pure ``passes`` and by age. Between requests rows
arrive (new ones, and late ones for old hours), words are indexed, hours are closed, and life gets
shorter so that rows expire. Dice decide what and when; the seed is in the test's name.
"""

import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.support import servers
from tests.unit.retention.records import make_records
from trigger_api.adapters.database import ReadDatabase
from trigger_api.adapters.log.views import PostgresLogViews
from trigger_api.domain.log.filtering import lateness, passes
from trigger_api.domain.log.stats import WIDTHS
from trigger_api.domain.queries import EventQuery
from trigger_api.ports.log import ListedEvents
from trigger_contracts.events import EntryStatus, LogEntry, Source, cloud_event
from trigger_contracts.ids import uuid7
from trigger_retention.adapters.delivery_statements import DeliveryStatements
from trigger_retention.adapters.insert import write, write_records
from trigger_retention.adapters.statements import Statements
from trigger_retention.domain.deliveries import rows_of
from trigger_retention.domain.rows import LogRow, read

HOUR = timedelta(hours=1)
ACTIVE = timedelta(hours=2)
KEPT = timedelta(hours=48)
ORIGINS = [str(UUID(int=n)) for n in range(3)]
"""Of replays."""
WORDS = ("Order", "ärger", "İstanbul", "50%", "a_b", 'say "yes"', "line\nbreak", "x" * 40, "42")
STORIES = {
    "pending": ("failed",),
    "delivered": ("failed", "delivered"),
    "dead": ("dead",),
    "blocked": ("blocked",),
}
"""Of deliveries, by the state in which each ends."""
CLEARANCE = timedelta(seconds=30)
"""No row is so near to the end of a life that the model and the database could differ on it."""


@dataclass
class Model:
    """The log as a list, and what the database was told of it."""

    dice: random.Random
    connection: asyncpg.Connection
    kept_for: timedelta = KEPT
    entries: list[LogEntry] = field(default_factory=list)
    deliveries: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each event the states of its deliveries, by target."""

    async def arrive(self, count: int, *, oldest: timedelta) -> None:
        now = datetime.now(UTC)
        new = [self._entry(now - self._age(oldest)) for _ in range(count)]
        self.entries += new
        rows = [read(cloud_event(e).model_dump_json().encode(), 1) for e in new]
        past = await self.connection.fetchval("SELECT now() - kept_for FROM retention.life")
        async with self.connection.transaction():
            await write(
                self.connection,
                Statements("retention"),
                [row for row in rows if isinstance(row, LogRow)],
                erased_before=past,
                known_hours=set(),
            )
        await self._deliver(new, past)

    async def close_some_hours(self) -> None:
        hours = await self.connection.fetch("SELECT hour FROM retention.hours WHERE NOT is_closed")
        for row in hours:
            if self.dice.random() < 0.5:
                await self.connection.fetchval("SELECT retention.close_hour($1)", row["hour"])

    async def index_some_words(self) -> None:
        await self.connection.fetchval(
            "SELECT retention.index_words(1, $1)", self.dice.randint(1, 200)
        )

    async def live_shorter(self) -> None:
        """Some of the oldest rows are past their life at once."""
        self.kept_for = min(self.kept_for, timedelta(hours=self.dice.randint(20, 47)))
        await self.connection.execute(
            "INSERT INTO retention.life_setting (active_for, kept_for) VALUES ($1, $2)"
            " ON CONFLICT (only_row) DO UPDATE SET kept_for = excluded.kept_for",
            ACTIVE,
            self.kept_for,
        )

    async def _deliver(self, entries: Sequence[LogEntry], past: datetime) -> None:
        """Some of them, to some of three targets."""
        dice = self.dice
        records = []
        for entry in entries:
            targets = dice.sample(["erp", "crm", "log"], dice.choice([0, 0, 1, 2]))
            states = {target: dice.choice(sorted(STORIES)) for target in targets}
            self.deliveries[entry.event_id] = states
            for target, state in states.items():
                records += make_records(entry, target, *STORIES[state])
        async with self.connection.transaction():
            await write_records(
                self.connection,
                Statements("retention"),
                DeliveryStatements("retention"),
                [rows_of(record, seq) for seq, record in enumerate(records, 1)],
                erased_before=past,
                known_hours=set(),
            )

    def _has_delivery(self, entry: LogEntry, query: EventQuery) -> bool:
        found = [
            state
            for target, state in self.deliveries[entry.event_id].items()
            if query.target_id is None or target in query.target_id
        ]
        if query.delivery is None:
            return query.target_id is None or bool(found)
        return any(state in query.delivery for state in found or ["none"])

    def passing(self, query: EventQuery) -> list[LogEntry]:
        """All that pass and are alive, the newest first."""
        now = datetime.now(UTC)
        lives = {
            None: (timedelta(), self.kept_for),
            "active": (timedelta(), ACTIVE),
            "archived": (ACTIVE, self.kept_for),
        }
        youngest, oldest = lives[query.life]
        found = [
            e
            for e in self.entries
            if youngest <= now - e.logged_at < oldest
            and passes(e, query)
            and self._has_delivery(e, query)
        ]
        return sorted(found, key=lambda e: (e.logged_at, e.event_id), reverse=True)

    def _age(self, oldest: timedelta) -> timedelta:
        while True:
            age = oldest * self.dice.random()
            if all(abs(age - end) > CLEARANCE for end in (ACTIVE, *(h * HOUR for h in range(49)))):
                return age

    def _entry(self, at: datetime) -> LogEntry:
        dice = self.dice
        status = dice.choice([EntryStatus.FIRED, EntryStatus.FIRED, *EntryStatus])
        fired = status is EntryStatus.FIRED
        is_late = dice.random() < 0.2
        late = timedelta(seconds=dice.random() * (5000 if is_late else 0.01))
        scheduled = dice.random() < 0.6
        trigger = dice.randrange(6)
        source = dice.choice(list(Source))
        return LogEntry(
            event_id=str(uuid7(at - late, str(dice.random()))),
            trigger_id=f"t{trigger}",
            trigger_name=f"name {trigger % 4}",
            trigger_type="scheduled" if scheduled else "api",
            trigger_version=1,
            status=status,
            source=source,
            replay_of=dice.choice(ORIGINS) if source is Source.REPLAY else None,
            is_test=dice.random() < 0.2,
            scheduled_for=at - late if scheduled else None,
            fired_at=at if fired else None,
            logged_at=at,
            payload=None if status is EntryStatus.REJECTED else self._payload(),
        )

    def _payload(self) -> Any:
        dice = self.dice
        words = dice.sample(WORDS, dice.randint(0, 4))
        return dice.choice(
            [
                {"n": dice.randrange(20), "text": " ".join(words), "in": {"list": words}},
                words,
                " ".join(words),
                dice.randrange(20),
                None,
            ]
        )


def some_query(dice: random.Random, known: Sequence[LogEntry]) -> EventQuery:
    now = datetime.now(UTC)
    ages = sorted(dice.random() * 50 * HOUR for _ in range(2))
    all_fields: dict[str, Any] = {
        "state": some_of(dice, ["active", "archived"]),
        "trigger_id": some_of(dice, [f"t{n}" for n in range(7)]),
        "event_id": [one.event_id for one in dice.sample(known, dice.choice([1, 5]))],
        "replay_of": dice.choice(ORIGINS),
        "trigger_name": f"name {dice.randrange(5)}",
        "type": some_of(dice, ["scheduled", "api"]),
        "source": some_of(dice, list(Source)),
        "status": some_of(dice, list(EntryStatus)),
        "is_test": dice.random() < 0.5,
        "min_lateness": dice.choice([0, 0.005, 0.5, 1, 2, 1000]),
        "max_lateness": dice.choice([1000, 4000]),
        "from": (now - ages[1]).isoformat(),
        "to": (now - ages[0]).isoformat(),
        "delivery": some_of(dice, [*STORIES, "none"]),
        "target_id": some_of(dice, ["erp", "crm", "log", "another"]),
        "q": dice.choice([*WORDS, "ÄRGER", "yes say", "list text", "brea", "%", "n", "7"]),
    }
    chosen = dice.sample(sorted(all_fields), dice.choice([0, 1, 1, 2, 3]))
    fields = {name: all_fields[name] for name in chosen}
    if fields.get("q") == "%":
        del fields["q"]  # holds no word: refused before any list is made
    return EventQuery.model_validate({**fields, "limit": dice.choice([1, 3, 10, 50])}).checked()


def some_of(dice: random.Random, values: Sequence[str]) -> list[str]:
    return dice.sample(values, dice.choice([1, 1, 2]))


@pytest.fixture
async def views(empty_database: servers.Database) -> AsyncIterator[PostgresLogViews]:
    options: dict[str, Any] = {"pool_size": 2, "timeout": timedelta(seconds=10)}
    url = empty_database.url("etp_api")
    databases = ReadDatabase(url, **options), ReadDatabase(url, **options, plans_each=True)
    yield PostgresLogViews(*databases)
    for database in databases:
        await database.close()


@pytest.mark.parametrize("seed", range(8))
async def test_lists_counts_and_charts_equal_the_model(
    seed: int, views: PostgresLogViews, empty_database: servers.Database
) -> None:
    dice = random.Random(seed)
    async with empty_database.connected() as connection:
        model = Model(dice, connection)
        await model.arrive(400, oldest=60 * HOUR)
        happenings = [
            lambda: model.arrive(dice.randint(1, 10), oldest=timedelta(minutes=1)),
            lambda: model.arrive(dice.randint(1, 10), oldest=50 * HOUR),
            model.close_some_hours,
            model.index_some_words,
            model.live_shorter,
        ]
        for _ in range(25):
            query = some_query(dice, model.entries)
            await dice.choice(happenings)()
            await assert_counted(views, model, query)
            cursor: str | None = None
            last: LogEntry | None = None
            for _ in range(12):
                page = await views.events(query.model_copy(update={"cursor": cursor}))
                expected = following(model.passing(query), last)
                assert shown(page) == [e.event_id for e in expected[: query.limit]], query
                assert (page.next_cursor is not None) == (len(expected) > query.limit)
                if page.next_cursor is None:
                    break
                cursor, last = page.next_cursor, expected[query.limit - 1]
                if dice.random() < 0.4:
                    await dice.choice(happenings)()


async def assert_counted(views: PostgresLogViews, model: Model, query: EventQuery) -> None:
    expected = model.passing(query)
    total = await views.count(query)
    assert (total.rows, total.exact) == (len(expected), True), query
    width = model.dice.choice(list(WIDTHS.values()))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    found: Counter[tuple[datetime, str, bool]] = Counter()
    for one in await views.counted(query, width):
        for step, rows in zip(one.lateness_steps, one.rows, strict=True):
            found[one.bucket, one.status, step is not None] += rows
    assert found == Counter(
        (
            e.logged_at - (e.logged_at - epoch) % width,
            e.status.value,
            lateness(e) is not None,
        )
        for e in expected
    ), query


def following(entries: list[LogEntry], last: LogEntry | None) -> list[LogEntry]:
    if last is None:
        return entries
    key = (last.logged_at, last.event_id)
    return [e for e in entries if (e.logged_at, e.event_id) < key]


def shown(page: ListedEvents) -> list[str]:
    return [row["id"] for row in json.loads(page.body)]
