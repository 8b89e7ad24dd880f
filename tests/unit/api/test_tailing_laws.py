"""Whatever happens to live tails at the same time, every event comes once."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.api.fake_log import FakeEventLog
from tests.unit.api.tailing import ALL, Client, World, world
from trigger_api.domain.log.filtering import passes
from trigger_api.domain.queries import StateFilter

FILTERS = (
    ALL,
    StateFilter(trigger_id=("a",)),
    StateFilter(trigger_id=("b",), state=("active",)),  # as all are, at first
)
OPENS = st.tuples(
    st.just("open"), st.integers(0, len(FILTERS) - 1), st.integers(0, 30), st.integers(1, 9)
)
STORES = st.tuples(st.just("store"), st.text("ab", min_size=1, max_size=6))
STEPS = st.one_of(
    STORES,
    OPENS,
    st.tuples(st.just("take"), st.integers(0, 4), st.integers(1, 3)),
    st.tuples(st.just("break"), st.integers(0, 4)),
    st.tuples(st.just("look"), st.integers(1, 8)),
    st.tuples(st.just("yield"), st.integers(1, 6)),
)


@settings(max_examples=250, deadline=None)
@given(
    before=st.lists(STORES, max_size=5),
    opens=st.lists(OPENS, min_size=1, max_size=3),
    steps=st.lists(STEPS, min_size=5, max_size=60),
    pauses=st.lists(st.integers(0, 4), max_size=60),
    page=st.integers(1, 5),
    backlog=st.integers(1, 8),
    late_return=st.booleans(),
)
def test_no_gap_and_no_duplicate_whatever_happens_at_the_same_time(
    before: list[tuple[Any, ...]],
    opens: list[tuple[Any, ...]],
    steps: list[tuple[Any, ...]],
    pauses: list[int],
    page: int,
    backlog: int,
    *,
    late_return: bool,
) -> None:
    """Clients join now or earlier, read slowly, are dropped, break off, and resume: each sees
    what was stored after its beginning and passes its filter, in order, once."""

    async def scenario() -> None:
        log = FakeEventLog(page=page, pauses=iter(pauses))
        async with world(log=log, backlog=backlog, farewell=timedelta()) as here:
            begins: dict[int, int] = {}
            for step in [*before, *opens, *steps]:
                await _do(here, step, begins, late_return=late_return)
            last = here.log.last_seq
            for number, client in enumerate(here.clients):
                expected = [
                    entry.payload
                    for seq, entry in here.entries.items()
                    if begins[number] < seq <= last and passes(entry, client.wanted)
                ]
                client.may_take = None
                client.taken.set()
                await _until_all(here, client, len(expected))
                assert client.payloads == expected
            assert all(set(client.notices) <= {"dropped"} for client in here.clients)

    # Nothing here has to wait for a clock: whoever does is stuck.
    asyncio.run(asyncio.wait_for(scenario(), 10))


async def _do(
    here: World, step: tuple[Any, ...], begins: dict[int, int], *, late_return: bool
) -> None:
    match step:
        case ("store", triggers):
            for trigger_id in triggers:
                here.store(str(here.log.last_seq + 1), trigger_id=trigger_id)
        case ("open", wanted, back, writes) if len(here.clients) < 5:
            last = here.log.last_seq
            begins[len(here.clients)] = begun = max(0, last - back)
            given = None if back == 0 else str(begun)
            await here.client(
                wanted=FILTERS[wanted], last_id=given, may_take=writes, late_return=late_return
            )
        case ("take", number, writes) if number < len(here.clients):
            here.clients[number].allow(writes)
        case ("break", number) if number < len(here.clients):
            await _resume(here.clients[number])
        case ("look", times):
            for _ in range(times):
                await here.tail.follow()
        case ("yield", times):
            for _ in range(times):
                await asyncio.sleep(0)


async def _resume(client: Client) -> None:
    """Breaks off where it is, and comes back with the id that it saw last."""
    assert client.reader is not None
    assert client.reading is not None
    client.reader.leave()
    await client.reading
    if client.last_id is not None:
        await client.open()


async def _until_all(here: World, client: Client, count: int) -> None:
    def comes() -> bool:
        return len(client.payloads) >= count

    for _ in range(1000):
        assert client.reading is not None
        with contextlib.suppress(AssertionError):
            await here.until(lambda: comes() or client.reading.done())
        if comes():
            return
        assert client.reading.done()
        await client.open()  # it was dropped, as slow readers are
    raise AssertionError((client.payloads, count))
