"""Places for long answers: whose client stands still gives way to who waits."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from tests.unit.api.tailing import Clock
from trigger_api.handlers.places import STILL, Place, PlaceLost, Places

AT_ONCE = timedelta()


async def test_whoever_stood_still_for_longest_is_interrupted_for_another() -> None:
    clock = Clock()
    places = Places(2, clock)
    held: dict[str, Place] = {}
    ended: list[str] = []

    async def answer(name: str, since: float) -> None:
        async with places.place(AT_ONCE) as place:
            assert place is not None
            held[name] = place
            place.waits_since = since
            await asyncio.Event().wait()

    async def hold(name: str, since: float) -> None:
        with contextlib.suppress(PlaceLost):
            await answer(name, since)
        ended.append(name)

    tasks = [asyncio.create_task(hold("later", 1.0)), asyncio.create_task(hold("first", 0.0))]
    await asyncio.sleep(0)
    async with places.place(AT_ONCE) as none:
        assert none is None
    clock.advance(STILL)
    async with places.place(AT_ONCE) as place:
        assert place is not None
        await tasks[1]
        assert ended == ["first"]
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_place_is_kept_while_the_answer_is_being_made() -> None:
    clock = Clock()
    places = Places(1, clock)
    async with places.place(AT_ONCE) as busy:
        assert busy is not None
        clock.advance(timedelta(hours=1))
        async with places.place(AT_ONCE) as none:
            assert none is None
    async with places.place(AT_ONCE) as free:
        assert free is not None


async def test_a_timeout_of_the_answers_own_is_no_lost_place() -> None:
    with pytest.raises(TimeoutError):
        async with Places(1, Clock()).place(AT_ONCE):
            raise TimeoutError
