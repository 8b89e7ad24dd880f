"""Where attempts may go: nothing refused is ever connected to, whatever name or moment finds it.

The name server is a fake. Refused are addresses that a listener could have a hit at: those of
loopback, by each way that leads there.
"""

import asyncio
from ipaddress import ip_address

import pytest

from tests.unit.contracts.targets.test_addresses import PUBLIC, REFUSED
from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome
from trigger_executor.adapters.delivery.connections import Exchange, exchanging
from trigger_executor.adapters.delivery.own_address import is_own
from trigger_executor.domain.delivery.attempt import Attempted, Cause, NotAttempted

from .receivers import OK, FakeLookup, answering, receiving, sending


def is_blocked(told: Attempted) -> bool:
    return (told.outcome, told.code, told.final, told.address) == (
        Outcome.BLOCKED,
        FailureCode.BLOCKED,
        Final.BLOCKED,
        None,
    )


def first_of(network: str) -> str:
    return network.partition("/")[0]


@pytest.mark.parametrize("network", REFUSED)
async def test_a_name_that_leads_to_a_refused_address_is_blocked(network: str) -> None:
    lookup = FakeLookup(example_com=[[first_of(network)]])
    async with sending("192.0.2.255", lookup=lookup) as send:
        assert is_blocked(await send("https://example.com/"))
    assert lookup.asked == ["example.com"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "①②⑦.⓪.⓪.①",
    ],
)
async def test_a_literal_of_this_machine_is_blocked_in_any_spelling(host: str) -> None:
    async with receiving(answering(OK)) as receiver, sending("192.0.2.255") as send:
        assert is_blocked(await send(receiver.url(host=host)))
        assert send.lookup.asked == []
        assert receiver.connections == 0


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "169.254.169.254"]
)
async def test_a_name_of_this_machine_is_blocked_and_nobody_is_asked(address: str) -> None:
    async with receiving(answering(OK)) as receiver:
        lookup = FakeLookup(evil_example=[[address]])
        async with sending("192.0.2.255", lookup=lookup) as send:
            assert is_blocked(await send(receiver.url(host="evil.example")))
        assert receiver.connections == 0


async def test_a_name_that_is_public_first_and_loopback_later_is_blocked_then() -> None:
    """What is allowed stands for what is public: 127.0.0.2 is, 127.0.0.1 is not."""
    async with receiving(answering(OK)) as inner:
        lookup = FakeLookup(moving_example=[["127.0.0.2"], ["127.0.0.1"]])
        async with sending("127.0.0.2", lookup=lookup) as send:
            first = await send(inner.url(host="moving.example"))
            assert first.code is FailureCode.REFUSED
            send.sender._resolver._known.clear()
            assert is_blocked(await send(inner.url(host="moving.example")))
        assert inner.connections == 0
    assert len(lookup.asked) == 2


async def test_of_public_and_private_addresses_only_the_public_are_connected() -> None:
    async with receiving(answering(OK), host="127.0.0.2") as outer:
        lookup = FakeLookup(both_example=[["127.0.0.1", "127.0.0.2", "10.0.0.1"]])
        async with sending("127.0.0.2", lookup=lookup) as send:
            told = await send(outer.url(host="both.example"))
    assert (told.outcome, told.address) == (Outcome.DELIVERED, "127.0.0.2")


async def test_where_only_the_private_one_would_answer_nobody_does() -> None:
    async with receiving(answering(OK)) as inner:
        lookup = FakeLookup(both_example=[["127.0.0.1", "127.0.0.2"]])
        async with sending("127.0.0.2", lookup=lookup) as send:
            assert (await send(inner.url(host="both.example"))).code is FailureCode.REFUSED
        assert inner.connections == 0


async def test_an_address_is_judged_again_when_a_socket_is_made_for_it() -> None:
    """Should ever another way lead past the first look, the second one holds."""
    async with receiving(answering(OK)) as receiver, sending() as send:
        session = send.sender._open_session()
        exchange = Exchange((ip_address("127.0.0.1"),), receiver.port, lambda _: False)
        with exchanging(exchange), pytest.raises(OSError, match="Cannot connect"):
            await session.post(receiver.url(host="somewhere.example"))
        assert exchange.is_refused
        assert receiver.connections == 0


@pytest.mark.parametrize(
    ("entry", "host", "is_allowed"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.1:1", "127.0.0.1", False),
        ("hooks.internal", "hooks.internal", True),
        ("hooks.internal:1", "hooks.internal", False),
        ("hooks.internal", "other.internal", False),
        ("localhost", "localhost", True),
    ],
)
async def test_an_operator_allows_networks_ports_and_names(
    entry: str, host: str, *, is_allowed: bool
) -> None:
    own = [["127.0.0.1"]]
    lookup = FakeLookup(hooks_internal=own, other_internal=own, localhost=own)
    async with receiving(answering(OK)) as receiver:
        async with sending(entry, lookup=lookup, http=False) as send:
            told = await send(receiver.url(host=host))
        assert receiver.connections == (1 if is_allowed else 0)
    assert told.outcome is (Outcome.DELIVERED if is_allowed else Outcome.BLOCKED)


async def test_a_name_that_is_allowed_never_leads_to_metadata() -> None:
    lookup = FakeLookup(hooks_internal=[["169.254.169.254", "fd00:ec2::254", "100.100.100.200"]])
    async with sending("hooks.internal", lookup=lookup) as send:
        assert is_blocked(await send("http://hooks.internal/"))


async def test_http_goes_only_to_what_is_allowed() -> None:
    lookup = FakeLookup(example_com=[["93.184.215.14"]])
    async with sending("192.0.2.255", lookup=lookup, http=False) as send:
        assert is_blocked(await send("http://example.com/"))
    assert lookup.asked == []


async def test_an_own_public_address_is_refused() -> None:
    own = ip_address(PUBLIC[0])
    lookup = FakeLookup(example_com=[[str(own)]])
    async with sending("192.0.2.255", lookup=lookup, is_own=lambda one: one == own) as send:
        assert is_blocked(await send("https://example.com/"))
        assert is_blocked(await send(f"https://{own}/"))


def test_the_kernel_says_which_addresses_are_this_machines() -> None:
    assert is_own(ip_address("127.0.0.1"))
    assert not is_own(ip_address("192.0.2.1"))
    assert not is_own(ip_address("2001:db8::1"))


async def test_an_unknown_name_failed_and_is_tried_again() -> None:
    async with sending() as send:
        told = await send("https://nowhere.example/")
    assert (told.outcome, told.code, told.final) == (Outcome.FAILED, FailureCode.DNS, None)
    assert told.dns_ms is not None


async def test_names_that_never_answer_cost_their_own_attempts_alone() -> None:
    lookup = FakeLookup(good_example=[["127.0.0.1"]])
    crowd = [f"dead{number}.example" for number in range(300)]
    lookup.silent.update(crowd)
    async with receiving(answering(OK)) as receiver, sending(lookup=lookup) as send:
        dead = [asyncio.create_task(send.result(f"https://{name}/")) for name in crowd]
        await asyncio.sleep(0)
        told, took = await send.timed(receiver.url(host="good.example"))
        results = await asyncio.gather(*dead)
    # ``good.example`` is not allowed by name, its address is.
    assert told.outcome is Outcome.DELIVERED
    assert took < 0.5
    assert {(one.outcome, one.code) for one in results} == {(Outcome.FAILED, FailureCode.DNS)}


async def test_our_name_servers_being_away_is_no_attempt() -> None:
    lookup = FakeLookup(example_com=[["127.0.0.1"]])
    lookup.is_there = False
    async with sending(lookup=lookup) as send:
        assert await send.result("https://example.com/") == NotAttempted(Cause.NAME_SERVERS)
