"""The cache of definitions: what it remembers, what it shares, and what it must not believe."""

import asyncio
import weakref
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from tests.support.eventually import eventually
from tests.unit.api.fakes import make_change
from trigger_api.adapters import definitions
from trigger_api.adapters.database import ReadDatabase
from trigger_api.adapters.definitions import CachedDefinitions
from trigger_runtime.process.errors import DatabaseUnavailable


@dataclass
class Row:
    trigger_id: str
    change: str
    change_seq: int = 7


class SlowDatabase:
    """Answers when ``go`` is set, with what it held when it was asked."""

    def __init__(self) -> None:
        self.rows = {name: make_change(name).model_dump_json() for name in ("a", "b", "c")}
        self.asked: list[list[str]] = []
        self.was_asked = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.error: Exception | None = None

    async def fetch(self, _statement: Any, parameters: dict[str, Any]) -> list[Row]:
        self.asked.append(parameters["ids"])
        self.was_asked.set()
        found = [Row(i, self.rows[i]) for i in parameters["ids"] if i in self.rows]
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return found


class Ticks:
    def __init__(self) -> None:
        self.at = 100.0

    def monotonic(self) -> float:
        return self.at


class World:
    def __init__(self, max_age: timedelta = timedelta(seconds=1)) -> None:
        self.database = SlowDatabase()
        self.clock = Ticks()
        self.cache = CachedDefinitions(
            cast("ReadDatabase", self.database), self.clock, max_age=max_age
        )


@pytest.fixture
async def world() -> World:
    return World()


async def test_a_definition_is_remembered_for_its_time(world: World) -> None:
    assert world.cache.cached("a") is None
    loaded = await world.cache.load("a")
    assert loaded is not None
    assert (loaded.change, loaded.change_seq) == (make_change("a"), 7)
    assert world.cache.cached("a") == loaded
    world.clock.at += 1.1
    assert world.cache.cached("a") is None


async def test_what_is_wanted_meanwhile_shares_the_next_read(world: World) -> None:
    world.database.go.clear()
    first = asyncio.create_task(world.cache.load("a"))
    await world.database.was_asked.wait()
    rest = [asyncio.create_task(world.cache.load(name)) for name in ("b", "c", "b", "unknown")]
    await asyncio.sleep(0)
    world.database.go.set()
    await asyncio.gather(first, *rest)
    assert world.database.asked == [["a"], ["b", "c", "unknown"]]
    assert rest[3].result() is None


async def test_what_changed_while_it_was_read_is_not_remembered(world: World) -> None:
    world.database.go.clear()
    loading = asyncio.create_task(world.cache.load("a"))
    await world.database.was_asked.wait()
    world.cache.forget("a")
    world.database.go.set()
    assert await loading is not None
    assert world.cache.cached("a") is None


async def test_what_is_forgotten_is_asked_for_again(world: World) -> None:
    await world.cache.load("a")
    world.cache.forget("a")
    world.cache.forget("never heard of")
    assert world.cache.cached("a") is None


async def test_a_database_that_is_away_is_left_alone_for_a_moment(world: World) -> None:
    world.database.error = DatabaseUnavailable()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await world.cache.load("a")
    assert len(world.database.asked) == 1
    world.clock.at += definitions.AWAY_FOR_S + 0.01
    world.database.error = None
    assert await world.cache.load("a") is not None


async def test_a_read_that_hangs_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "LOAD_TIMEOUT_S", 0.02)
    world.database.go.clear()
    with pytest.raises(DatabaseUnavailable):
        await world.cache.load("a")
    with pytest.raises(DatabaseUnavailable):
        await world.cache.load("b")
    world.database.go.set()


async def test_the_longest_unused_is_dropped_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "MAX_ENTRIES", 2)
    await world.cache.load("a")
    await world.cache.load("b")
    assert world.cache.cached("a")
    await world.cache.load("c")
    assert world.cache.cached("b") is None
    assert world.cache.cached("a")


async def test_large_definitions_are_kept_within_bytes_however_few_they_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(world.database.rows["a"])
    monkeypatch.setattr(definitions, "MAX_BYTES", 2 * size + size // 2)
    for name in ("a", "b", "a", "b", "a"):  # a definition that is read again counts once
        await world.cache.load(name)
    assert world.cache.cached("a")
    assert world.cache.cached("b")
    await world.cache.load("c")
    assert [name for name in "abc" if world.cache.cached(name)] == ["b", "c"]
    world.cache.forget("b")
    await world.cache.load("a")
    assert [name for name in "abc" if world.cache.cached(name)] == ["a", "c"]


async def test_a_definition_larger_than_the_cache_is_answered_and_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(world.database.rows["a"])
    monkeypatch.setattr(definitions, "MAX_BYTES", size - 1)
    assert await world.cache.load("a") is not None
    assert world.cache.cached("a") is None


async def test_what_has_expired_is_let_go_though_nobody_asks_again() -> None:
    world = World(max_age=timedelta(seconds=0.01))
    trigger = weakref.ref(await _loaded_change(world, "a"))
    assert trigger() is not None
    world.clock.at += 1.0
    await eventually(lambda: trigger() is None)


async def _loaded_change(world: World, name: str) -> Any:
    loaded = await world.cache.load(name)
    assert loaded is not None
    return loaded.change
