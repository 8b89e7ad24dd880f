"""Wall clocks that are set forward and back, and replicas that disagree about the time.

PostgreSQL's clock is the clock of record. Set forward, it is downtime; set back, nothing fires
again; what the services' own clocks show does not matter. Real processes, on clocks of ours; the
broker's and the gateway's stay true.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta

import pytest

from tests.chaos.occurrences import all_rows, fates, grid, interval, once, seconds, until_fired
from tests.support.eventually import eventually
from tests.support.fake_clock import FakeClock, fake_clocks, on_one_clock, running_on
from tests.support.whole_platform import Json, Platform, now, text

ON_TIME = timedelta(seconds=10)
"""What an occurrence may be late on a busy machine; far below the 90 s that clocks are off."""


@pytest.fixture(scope="module")
async def together() -> AsyncIterator[tuple[Platform, FakeClock]]:
    """One for all: a test begins where the clock is, when all before it is over."""
    async with on_one_clock() as both:
        yield both


@pytest.fixture
def platform(together: tuple[Platform, FakeClock]) -> Platform:
    return together[0]


@pytest.fixture
def clock(together: tuple[Platform, FakeClock]) -> FakeClock:
    return together[1]


def soon(clock: FakeClock) -> datetime:
    """A full second, far enough from now to create what begins then; the clock is set to there."""
    return clock.now().replace(microsecond=0) + seconds(30)


async def test_a_clock_set_forward_is_downtime(platform: Platform, clock: FakeClock) -> None:
    """By 90 s, then by 10 minutes: every occurrence in between is told of, once.

    The clock is set to where no occurrence is about to become later than the grace.
    """
    start = soon(clock)
    often = await interval(platform, start, 1, 720)
    steady = await interval(platform, start, 20, 720)
    long_ago = await once(platform, start + seconds(50))
    just_now = await once(platform, start + seconds(85))
    clock.jump_to(start - seconds(1))

    await until_fired(platform, steady, start)
    clock.jump_to(start + seconds(95))
    await until_fired(platform, steady, start + seconds(100))
    clock.jump_to(start + seconds(715))

    rows = await all_rows(platform, steady, 20, grid(start, 20, 720))
    expected = {
        **dict.fromkeys(grid(start, 20, 720), "missed"),
        **dict.fromkeys([start + seconds(at) for at in (60, 680)], "misfire"),
        **dict.fromkeys([start + seconds(at) for at in (0, 80, 100, 700, 720)], "fired"),
    }
    assert fates(rows, 20) == expected
    # Every second there is one more, so which one is the last that is late cannot be foretold.
    rows = await all_rows(platform, often, 1, grid(start, 1, 720))
    assert Counter(row["misfire"] for row in rows)[True] >= 2
    assert [row["count"] > 500 for row in rows if row["count"] > 1] == [True]
    listed = [row for row in rows if row["status"] == "missed" and row["count"] == 1]
    assert 50 <= len(listed) <= 65
    (row,) = await platform.log_rows(long_ago["id"])
    assert (row["status"], row["misfire"]) == ("fired", True)
    (row,) = await platform.log_rows(just_now["id"])
    assert (row["status"], row["misfire"]) == ("fired", False)
    assert await platform.dead_letters() == []


async def test_a_clock_set_back_fires_nothing_again(platform: Platform, clock: FakeClock) -> None:
    """By 90 s: everything waits until the clock is where it was; edits and creates as well."""
    start = soon(clock)
    often = await interval(platform, start, 1, 20)
    steady = await interval(platform, start, 20, 20)
    unwanted = await interval(platform, start, 2, 20)
    api = await platform.create(name="api", type="api")
    clock.jump_to(start - seconds(1))
    await until_fired(platform, often, start + seconds(4))

    clock.jump(-seconds(90))
    await passes(clock, 1)
    await platform.until_quiet()  # what was claimed before it has settled
    before = await whereabouts(platform)
    await passes(clock, 3)
    assert await whereabouts(platform) == before

    answer = await platform.rest.patch(f"/triggers/{steady['id']}", json={"interval": 10})
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_fire_at"] == text(start + seconds(10))
    assert (await platform.rest.delete(f"/triggers/{unwanted['id']}")).status_code < 300
    later = await once(platform, start + seconds(15))
    event_id = await platform.fire(api["id"])
    (fired,) = await platform.until_events(1, trigger_id=api["id"])
    assert (fired["id"], fired["state"]) == (event_id, "active")
    await passes(clock, 1)
    settled = await whereabouts(platform)
    assert settled[often["id"]] == before[often["id"]]
    assert settled[steady["id"]][1] == before[steady["id"]][1] == [start]

    deleted = (await whereabouts(platform)).get(unwanted["id"])
    next_fire_at, _ = before[often["id"]]
    clock.jump_to(next_fire_at - seconds(1))
    for trigger, every, expected in (
        (often, 1, grid(start, 1, 20)),
        (steady, 10, grid(start, 10, 20)),
        (later, 1, [start + seconds(15)]),
    ):
        rows = await all_rows(platform, trigger, every, expected)
        assert set(fates(rows, every).values()) == {"fired"}
    assert (await whereabouts(platform)).get(unwanted["id"]) == deleted
    assert await platform.dead_letters() == []


async def test_set_back_and_forth_in_the_midst_of_claims(
    platform: Platform, clock: FakeClock
) -> None:
    """Whoever waits with rows in hand lets go of them, and has them on time afterwards."""
    start = clock.now().replace(microsecond=0) + timedelta(hours=1)
    starts = [start + timedelta(milliseconds=20 * n) for n in range(100)]
    due = {(await interval(platform, first, 2, 20))["id"]: grid(first, 2, 20) for first in starts}
    clock.jump_to(start - seconds(1))
    for share in (0.2, 0.4, 0.6, 0.8):
        some = share * 100 * 11
        await eventually(lambda some=some: logged(platform, due, some), within=30, poll=0.01)
        clock.jump(-seconds(60))
        await passes(clock, 0.5)
        clock.jump(seconds(60))

    await eventually(lambda: logged(platform, due, 100 * 11), within=60, poll=0.2)
    await platform.until_quiet()
    rows = [row for row in await platform.log_rows() if row["trigger_id"] in due]
    found = Counter((row["trigger_id"], row["scheduled_for"]) for row in rows)
    assert found == Counter((one, at) for one, occurrences in due.items() for at in occurrences)
    assert {(row["status"], row["misfire"]) for row in rows} == {("fired", False)}
    assert all(row["fired_at"] >= row["scheduled_for"] for row in rows)


async def logged(platform: Platform, triggers: Collection[str], count: float) -> bool:
    (found,) = await platform.query(
        "SELECT count(*) FROM retention.event WHERE trigger_id = ANY($1)", list(triggers)
    )
    return found["count"] >= count


async def test_replicas_own_clocks_do_not_matter() -> None:
    """Each worker has a replica 90 s ahead and one 90 s behind: the rows are as ever.

    Together first, then either kind alone, so that each has fired and recorded something.
    """
    with fake_clocks("ahead", "behind") as clocks:
        clocks["ahead"].jump(seconds(90))
        clocks["behind"].jump(-seconds(90))
        kinds = ("scheduler", "executor", "retention")
        ahead = dict.fromkeys(kinds, clocks["ahead"])
        behind = dict.fromkeys([f"{kind}-2" for kind in kinds], clocks["behind"])
        two_each = [word for kind in kinds for word in (f"--{kind}-replicas", "2")]
        async with running_on({**ahead, **behind}, *two_each) as platform:
            start = now().replace(microsecond=0) + seconds(3)
            often = await interval(platform, start, 1, 600)
            await fires_some(platform, often)
            for stopped in (ahead, behind):
                async with platform.hung(*stopped):
                    await fires_some(platform, often)
            last = await fires_some(platform, often)
            ends = {"ends_at": text(last + seconds(2))}
            edited = await platform.rest.patch(f"/triggers/{often['id']}", json=ends)
            assert edited.status_code == 200, edited.text
            count = (last + seconds(2) - start) // seconds(1)

            rows = await all_rows(platform, often, 1, grid(start, 1, count))
            assert set(fates(rows, 1).values()) == {"fired"}
            assert all(row["fired_at"] - row["scheduled_for"] < ON_TIME for row in rows)
            assert {row["state"] for row in await platform.events()} == {"active"}
            assert await platform.dead_letters() == []


async def passes(clock: FakeClock, count: float) -> None:
    """Wait until the clock shows so many seconds more: several looks of the scheduler."""
    until = clock.now() + seconds(count)
    await eventually(lambda: clock.now() > until, within=30)


async def whereabouts(platform: Platform) -> dict[str, tuple[datetime, list[datetime]]]:
    """Of each trigger, its next occurrence and those in the log."""
    triggers = await platform.query("SELECT trigger_id, next_fire_at FROM scheduler.trigger")
    logged = await platform.query(
        "SELECT trigger_id, scheduled_for FROM retention.event ORDER BY event_id"
    )
    return {
        one["trigger_id"]: (
            one["next_fire_at"],
            [row["scheduled_for"] for row in logged if row["trigger_id"] == one["trigger_id"]],
        )
        for one in triggers
    }


async def fires_some(platform: Platform, trigger: Json) -> datetime:
    """Wait until three more occurrences are in the log that come due from now on."""
    since = now()

    async def some() -> list[datetime]:
        rows = await platform.log_rows(trigger["id"])
        found = [row["scheduled_for"] for row in rows if row["scheduled_for"] > since]
        return found if len(found) >= 3 else []

    return (await eventually(some, within=30, poll=0.1, what="three more occurrences"))[-1]
