"""Live tails on a log in memory: what is told, to whom, and what is not."""

from datetime import timedelta

from tests.support.eventually import eventually
from tests.support.log_entries import body_of, make_entry
from tests.unit.api.fake_log import FakeEventLog
from tests.unit.api.fakes import NOW
from tests.unit.api.tailing import World, world
from trigger_api.domain.queries import StateFilter


async def test_without_an_id_a_stream_begins_now_and_with_0_it_tells_all_that_is_kept() -> None:
    async with world() as here:
        here.store("1", "2")
        now, everything = await here.client(), await here.client(last_id="0")
        await here.until(lambda: len(everything.payloads) == 2)
        here.store("3")
        await here.until(lambda: bool(now.payloads))
        await here.until(lambda: len(everything.payloads) == 3)
        assert now.payloads == ["3"]
        assert everything.payloads == ["1", "2", "3"]
        assert [number for _, number, _ in everything.seen] == ["1-1", "1-2", "1-3"]
        assert everything.raw.startswith(b"retry: 1000\n: .\nid: 1-0\n\n")


async def test_the_place_is_told_before_anything_happens_and_moves_with_what_did_not_pass() -> None:
    """So whoever breaks off before the first event resumes without a gap, and looks at nothing
    twice."""
    async with world(heartbeat=timedelta(milliseconds=20)) as here:
        here.store("1", "2")
        client = await here.client(wanted=StateFilter(trigger_id=("other",)))
        await here.until(lambda: client.last_id == "1-2")
        here.store("3", "4")
        await here.until(lambda: here.tail.recent.upto == 4)
        here.clock.advance(timedelta(seconds=1))
        await eventually(lambda: client.last_id == "1-4")
        assert client.seen == []


async def test_all_who_read_share_one_read_of_the_log_and_nobody_leaves_one_behind() -> None:
    async with world() as here:
        clients = [await here.client() for _ in range(10)]
        here.store(*"abcdef")
        await here.until(lambda: all(len(client.payloads) == 6 for client in clients))
        assert here.log.reads <= 2
        assert here.log.hint is not None
        assert here.meter.readers == 10
        await here.close()
        assert await here.tail.follow() is None
        assert here.log.hint is None
        assert here.meter.readers == 0


async def test_a_hint_that_comes_before_its_event_is_followed_soon() -> None:
    async with world() as here:
        await here.client()
        assert await here.tail.follow() == timedelta(milliseconds=2)
        assert await here.tail.follow() == timedelta(milliseconds=4)
        for _ in range(20):
            slowest = await here.tail.follow()
        assert slowest == timedelta(seconds=1)
        woken: list[None] = []
        here.tail.on_wake(lambda: woken.append(None))
        assert here.log.hint is not None
        here.log.hint()
        assert woken
        assert await here.tail.follow() == timedelta(milliseconds=2)


async def test_what_is_over_is_never_handed_out() -> None:
    """Neither by a resumption, nor from memory to a reader that was slow to take it."""
    async with world(kept_for=timedelta(minutes=5)) as here:
        here.store("over", age=timedelta(minutes=5))
        here.store("kept", age=timedelta(minutes=5) - timedelta(microseconds=1))
        client = await here.client(last_id="0")
        await here.until(lambda: client.payloads == ["kept"])
        slow = await here.client(may_take=2)
        here.store("1")
        await here.until(lambda: client.payloads == ["kept", "1"])
        here.store("2")
        await here.until(lambda: client.payloads == ["kept", "1", "2"])
        here.clock.advance(timedelta(minutes=5))
        here.store("3")
        slow.may_take = None
        slow.taken.set()
        await here.until(lambda: slow.payloads == ["1", "3"])
        late = await here.client(last_id="0")
        await here.until(lambda: late.payloads == ["3"])
        assert (slow.payloads, late.payloads) == (["1", "3"], ["3"])


async def test_the_state_of_an_event_is_that_of_the_moment_it_is_sent() -> None:
    """Of what is caught up with, and of what waited in memory for a reader that was slow."""
    lives = {"active_for": timedelta(minutes=2), "kept_for": timedelta(minutes=5)}
    async with world(**lives) as here:
        here.store("archived", age=timedelta(minutes=2))
        here.store("active", age=timedelta(minutes=2) - timedelta(microseconds=1))
        active = await here.client(wanted=StateFilter(state=("active",)), last_id="0", may_take=2)
        archived = await here.client(
            wanted=StateFilter(state=("archived",)), last_id="0", may_take=2
        )
        await here.until(lambda: bool(active.payloads and archived.payloads))
        assert (active.payloads, archived.payloads) == (["active"], ["archived"])
        here.store("1")
        here.store("2", age=timedelta(minutes=4))
        await here.until(lambda: here.tail.recent.upto == 4)
        here.clock.advance(timedelta(minutes=2))
        here.store("3", age=timedelta(minutes=2))
        here.store("4")
        for reader in (active, archived):
            reader.may_take = None
            reader.taken.set()
        await here.until(lambda: active.payloads[-1:] == ["4"] and archived.payloads[-1:] == ["3"])
        assert active.payloads == ["active", "4"]
        assert archived.payloads == ["archived", "1", "3"]


async def test_memory_keeps_nothing_that_is_over_and_nobody_is_dropped_for_it() -> None:
    async with world(kept_for=timedelta(minutes=5), backlog=3) as here:
        client = await here.client()
        here.store(*"abc")
        await here.until(lambda: client.payloads == ["a", "b", "c"])
        assert _remembered(here) == 3
        here.clock.advance(timedelta(minutes=6))
        await here.until(lambda: _remembered(here) == 0)
        here.store(*"defgh", age=timedelta(minutes=7))
        here.store("i")
        await here.until(lambda: client.payloads == ["a", "b", "c", "i"])
        assert client.notices == []


def _remembered(here: World) -> int:
    return sum(len(stretch.events) for stretch in here.tail.recent.after(0))


async def test_what_is_no_event_of_the_log_is_left_out_and_counted() -> None:
    async with world() as here:
        client = await here.client(last_id="0")
        event = body_of(make_entry("x", now=NOW))
        odd_type = event.replace(b"trigger.fired.v1", b"two\\nlines")
        here.log.store(b"", b"{}", b"\xff", b"[]", odd_type, event.replace(b",", b",\r\n"))
        await here.until(lambda: client.payloads == ["x"])
        assert sorted(set(here.meter.skipped)) == [1, 2, 3, 4, 5]
        assert client.last_id == "1-6"


async def test_what_is_erased_is_passed_over() -> None:
    async with world(log=FakeEventLog(page=1), backlog=1) as here:
        here.store(*"abc")
        live = await here.client()
        here.store("d", "e")
        await here.until(lambda: live.payloads == ["d", "e"])
        here.log.erase(5)
        late = await here.client(last_id="1")
        await here.tail.follow()
        here.store("f")
        await here.until(lambda: late.payloads[-1:] == ["f"])
        assert late.notices == []
