"""What ends or interrupts a live tail: slowness, a stop, a log that is away or made anew."""

import asyncio
from datetime import timedelta

import pytest

from tests.unit.api.tailing import world
from trigger_api.handlers.places import STILL
from trigger_contracts.errors import Refused
from trigger_runtime.process.errors import BrokerUnavailable


async def test_a_reader_that_falls_out_of_the_memory_is_dropped_and_told_why() -> None:
    async with world(backlog=3) as here:
        slow, quick = await here.client(may_take=1), await here.client()
        here.store("1")
        await here.until(lambda: quick.payloads == ["1"])
        for number in range(2, 9):
            here.store(str(number))
            await here.until(lambda: here.tail.recent.upto == here.log.last_seq)
        slow.allow(1)
        assert slow.reading is not None
        assert await slow.reading
        assert slow.notices == ["dropped"]
        assert slow.seen[-1][2]["code"] == "reader-too-slow"
        assert slow.last_id == "1-0"
        assert here.meter.drops == 1
        assert here.meter.readers == 1
        assert quick.payloads == list("12345678")
        slow.may_take = None
        await slow.open()
        await here.until(lambda: len(slow.payloads) == 8)
        assert slow.payloads == list("12345678")


async def test_a_reader_that_takes_nothing_is_dropped_even_while_it_catches_up() -> None:
    short = timedelta(milliseconds=20)
    async with world(write_timeout=short, farewell=short) as here:
        here.store(*"abc")
        client = await here.client(last_id="0", may_take=1)
        await here.tail.follow()
        assert client.reading is not None
        assert await asyncio.wait_for(client.reading, 5) is False
        assert client.seen == []
        assert here.meter.drops == 1


async def test_an_open_stream_outlives_the_log_being_away() -> None:
    async with world() as here:
        client, behind = await here.client(), await here.client(may_take=1, last_id="0")
        here.store("1")
        await here.until(lambda: client.payloads == ["1"])
        here.log.away = True
        here.store("2")
        behind.allow(1)
        with pytest.raises(BrokerUnavailable):
            await here.client()
        assert await here.tail.follow() == timedelta(milliseconds=200)
        here.log.away = False
        behind.may_take = None
        behind.taken.set()
        await here.until(lambda: client.payloads == ["1", "2"])
        await here.until(lambda: behind.payloads == ["1", "2"])
        assert client.notices == behind.notices == []


async def test_a_log_made_anew_is_told_and_read_from_its_beginning() -> None:
    async with world() as here:
        here.store(*"abcde")
        client = await here.client()
        await here.until(lambda: client.last_id == "1-5")
        here.log.make_anew()
        here.store(*"xyz")
        here.clock.advance(timedelta(seconds=1))
        await here.until(lambda: len(client.payloads) == 3)
        assert [kind for kind, _, _ in client.seen] == ["reset", *["trigger.fired.v1"] * 3]
        assert client.seen[0][1] == "2-0"
        assert client.seen[0][2]["code"] == "log-reset"
        assert client.payloads == ["x", "y", "z"]
        old = await here.client(last_id="1-1")
        await here.until(lambda: len(old.payloads) == 3)
        assert old.notices == ["reset"]


async def test_whoever_comes_first_after_the_log_was_made_anew_tells_the_tail() -> None:
    async with world() as here:
        here.store(*"abc")
        old = await here.client()
        await here.tail.follow()
        here.log.make_anew()
        here.store("x")
        new = await here.client()
        here.store("y")
        await here.until(lambda: new.payloads == ["y"] and old.payloads == ["x", "y"])
        assert (new.notices, old.notices) == ([], ["reset"])


async def test_an_id_that_the_log_has_not_given_yet_is_answered_with_a_reset() -> None:
    """As is a log that ends before what was read in it: an older state of it was restored."""
    async with world() as here:
        here.store("1")
        client = await here.client(last_id="7")
        here.store("2", "3")
        await here.until(lambda: client.payloads == ["2", "3"])
        assert client.notices == ["reset"]
        here.log.stored.pop()
        here.log.last_seq = 2
        here.clock.advance(timedelta(seconds=1))
        await here.until(lambda: client.notices == ["reset", "reset"])
        here.store("other 3")
        await here.until(lambda: client.payloads == ["2", "3", "other 3"])


async def test_a_stop_ends_every_stream_and_begins_none() -> None:
    async with world() as here:
        waiting, stuck = await here.client(), await here.client(may_take=0)
        assert waiting.reading is not None
        assert stuck.reading is not None
        here.tail.stop()
        assert await waiting.reading
        assert [data["code"] for _, _, data in waiting.seen] == ["gateway-stopping"]
        with pytest.raises(Refused, match="stops"):
            await here.client()
        stuck.allow(2)
        assert await stuck.reading
        assert stuck.notices == ["closing"]


async def test_there_is_room_for_so_many_readers() -> None:
    async with world(limit=2) as here:
        first, _ = await here.client(), await here.client()
        with pytest.raises(Refused, match="2 streams are open") as refusal:
            await here.client()
        assert refusal.value.problem.status == 503
        assert first.reader is not None
        assert first.reading is not None
        first.reader.leave()
        assert await first.reading
        assert first.notices == []
        await here.client()


async def test_whoever_stands_still_gives_its_place_to_another_reader() -> None:
    async with world(limit=1) as here:
        here.store("1")
        still = await here.client(last_id="0", may_take=1)
        await here.until(lambda: still.may_take == 0)
        with pytest.raises(Refused, match="close some"):
            await here.client()
        here.clock.advance(STILL)
        another = await here.client(last_id="0")
        await here.until(lambda: another.payloads == ["1"])
        still.allow(5)
        await here.until(lambda: still.notices == ["dropped"])
        assert here.meter.readers == 1
        # One that takes all there is waits for nothing, however long nothing happens.
        here.clock.advance(STILL * 10)
        with pytest.raises(Refused, match="close some"):
            await here.client()
