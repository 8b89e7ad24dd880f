"""What names resolve to: shared, kept, bounded, and by whose fault they do not."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from tests.support.eventually import eventually
from trigger_executor.adapters.delivery import name_resolver
from trigger_executor.adapters.delivery.name_lookup import AresLookup
from trigger_executor.adapters.delivery.name_resolver import (
    KEPT_S,
    MISS_KEPT_S,
    NameResolver,
    NameServersAway,
    NoNameAnswer,
    UnknownName,
)

from .receivers import FakeLookup

A, B = ip_address("192.0.2.1"), ip_address("2001:db8::1")


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def resolving(lookup: FakeLookup, **options) -> AsyncIterator[tuple[NameResolver, Time]]:
    time = Time()
    resolver = NameResolver(lookup, time, **{"timeout_s": 0.2, **options})
    try:
        yield resolver, time
    finally:
        await resolver.close()


async def test_an_answer_is_kept_for_half_a_minute() -> None:
    lookup = FakeLookup(a_example=[[str(A)], [str(B)]])
    async with resolving(lookup) as (resolver, time):
        assert await resolver.resolve("a.example", 1) == (A,)
        time.now = KEPT_S - 0.1
        assert await resolver.resolve("a.example", 1) == (A,)
        time.now = KEPT_S
        assert await resolver.resolve("a.example", 1) == (B,)
    assert lookup.asked == ["a.example"] * 2


async def test_a_miss_is_kept_for_five_seconds() -> None:
    lookup = FakeLookup()
    async with resolving(lookup) as (resolver, time):
        for now, asked in ((0, 1), (MISS_KEPT_S - 0.1, 1), (MISS_KEPT_S, 2)):
            time.now = now
            with pytest.raises(UnknownName):
                await resolver.resolve("a.example", 1)
            assert len(lookup.asked) == asked


async def test_a_name_without_addresses_is_a_miss() -> None:
    async with resolving(FakeLookup(a_example=[[]])) as (resolver, _):
        with pytest.raises(UnknownName):
            await resolver.resolve("a.example", 1)


async def test_those_who_ask_at_the_same_time_share_a_lookup() -> None:
    lookup = FakeLookup(a_example=[[str(A)]])
    async with resolving(lookup) as (resolver, _):
        told = await asyncio.gather(*(resolver.resolve("a.example", 1) for _ in range(20)))
    assert set(told) == {(A,)}
    assert lookup.asked == ["a.example"]


async def test_no_more_names_are_kept_than_may_be() -> None:
    lookup = FakeLookup(**{f"n{number}_example": [[str(A)]] for number in range(5)})
    async with resolving(lookup, max_names=3) as (resolver, _):
        for number in range(5):
            await resolver.resolve(f"n{number}.example", 1)
        assert list(resolver._known) == ["n2.example", "n3.example", "n4.example"]


async def test_a_name_that_does_not_answer_is_its_owners_if_our_servers_answer() -> None:
    lookup = FakeLookup()
    lookup.silent.add("a.example")
    async with resolving(lookup) as (resolver, _):
        with pytest.raises(UnknownName):
            await resolver.resolve("a.example", 0.1)
        assert len(lookup.asked) == 1


async def test_where_our_servers_do_not_answer_nothing_is_kept_of_it() -> None:
    lookup = FakeLookup(a_example=[[str(A)]])
    lookup.is_there = False
    async with resolving(lookup) as (resolver, time):
        with pytest.raises(NameServersAway):
            await resolver.resolve("a.example", 1)
        await eventually(lambda: not resolver._pending)
        lookup.is_there = True
        time.now = name_resolver.PROBED_FOR_S
        assert await resolver.resolve("a.example", 1) == (A,)


async def test_a_known_name_needs_no_name_server() -> None:
    lookup = FakeLookup(a_example=[[str(A)]])
    async with resolving(lookup) as (resolver, _):
        await resolver.resolve("a.example", 1)
        lookup.is_there = False
        assert await resolver.resolve("a.example", 1) == (A,)


async def test_lookups_at_the_same_time_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_resolver, "MAX_LOOKUPS", 2)
    lookup = FakeLookup()
    lookup.silent.update({"a.example", "b.example"})
    async with resolving(lookup) as (resolver, _):
        waiting = [
            asyncio.create_task(resolver.resolve(f"{name}.example", 1)) for name in ("a", "b")
        ]
        await asyncio.sleep(0)
        with pytest.raises(NameServersAway):
            await resolver.resolve("c.example", 1)
        told = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(one) for one in told} == {UnknownName}


class NameServer(asyncio.DatagramProtocol):
    """Answers of DNS by the first label: ``a`` has an address, ``fail`` cannot be found out."""

    NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3

    def __init__(self) -> None:
        self.is_there = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5
        question = data[12:end]
        label = question[1 : 1 + question[0]].decode()
        (kind,) = struct.unpack(">H", question[-4:-2])
        if not self.is_there or label == "silent":
            return
        code = {"a": self.NOERROR, "both": self.NOERROR, "": self.NOERROR, "fail": self.SERVFAIL}
        rcode = code.get(label, self.NXDOMAIN)
        addresses = []
        if kind == 1 and label in ("a", "both"):
            addresses = [A.packed]
        elif kind == 28 and label == "both":
            addresses = [B.packed]
        records = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(packed)) + packed
            for packed in addresses
        )
        head = data[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, len(addresses), 0, 0)
        self.transport.sendto(head + question + records, address)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[NameServer, AresLookup]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    lookup = AresLookup(
        fresh_s=0,
        servers=[f"127.0.0.1:{port}"],
        timeout=0.1,
        tries=1,
        lookups="b",
        ndots=0,
        domains=[],
    )
    try:
        yield server, lookup
    finally:
        await lookup.close()
        transport.close()


async def test_name_servers_are_asked_for_both_families() -> None:
    async with name_server() as (_, lookup):
        assert await lookup.addresses("a.example") == [A]
        assert set(await lookup.addresses("both.example")) == {A, B}


async def test_what_is_unknown_and_what_could_not_be_found_out_are_told_apart() -> None:
    async with name_server() as (server, lookup):
        with pytest.raises(UnknownName):
            await lookup.addresses("nowhere.example")
        for name in ("fail.example", "silent.example"):
            with pytest.raises(NoNameAnswer):
                await lookup.addresses(name)
        assert await lookup.is_answered()
        server.is_there = False
        assert not await lookup.is_answered()
        with pytest.raises(NoNameAnswer):
            await lookup.addresses("a.example")


async def test_what_was_answered_before_is_asked_again() -> None:
    async with name_server() as (server, lookup):
        assert await lookup.addresses("a.example") == [A]
        server.is_there = False
        with pytest.raises(NoNameAnswer):
            await lookup.addresses("a.example")
