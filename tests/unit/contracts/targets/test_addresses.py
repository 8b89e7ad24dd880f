"""Which addresses a webhook may go to: each range by its ends, and what an operator allows."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts.targets.addresses import (
    Allowance,
    AllowError,
    allowance,
    embedded,
    port_refusal,
)

NOTHING = Allowance()

REFUSED = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "168.63.129.16/32",
    "::/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]

PUBLIC = [
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "168.63.129.15",
    "168.63.129.17",
    "2001:200::",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "2003::",
    "2606:4700:4700::1111",
    "2a00:1450:4001:82a::200e",
    "64:ff9b:2::",
    "3ffe:ffff::1",
    "3fff:1000::",
    "5eff:ffff::",
    "5f01::",
    "fbff:ffff::",
    "fe00::",
]


@pytest.mark.parametrize("network", REFUSED)
def test_a_refused_range_is_refused_from_its_first_address_to_its_last(network: str) -> None:
    held = ip_network(network)
    middle = held[held.num_addresses // 2]
    for address in (held[0], middle, held[-1]):
        why = NOTHING.refusal(address, 443)
        assert why is not None
        assert str(address) in why


@pytest.mark.parametrize("address", PUBLIC)
def test_what_lies_beside_a_refused_range_is_public(address: str) -> None:
    assert NOTHING.refusal(ip_address(address), 443) is None


@given(st.ip_addresses())
def test_what_is_refused_is_in_one_of_the_ranges_and_nothing_else(
    address: IPv4Address | IPv6Address,
) -> None:
    is_refused = any(embedded(address) in ip_network(one) for one in REFUSED)
    assert (NOTHING.refusal(address, 443) is not None) == is_refused


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_its_own(address: object) -> None:
    mapped = IPv6Address(f"::ffff:{address}")
    assert embedded(mapped) == address
    own, other = (NOTHING.refusal(one, 443) for one in (address, mapped))  # type: ignore[arg-type]
    assert (own is None) == (other is None)


@given(st.ip_addresses(v=6))
def test_no_address_that_ipaddress_calls_private_is_public(address: IPv6Address) -> None:
    if address.is_private or address.is_link_local or address.is_multicast or address.is_loopback:
        assert NOTHING.refusal(address, 443) is not None


def test_an_address_with_a_scope_and_one_of_our_own_are_refused() -> None:
    assert NOTHING.refusal(ip_address("2606:4700::1%eth0"), 443) is not None
    own = ip_address("8.8.8.8")
    for address in (own, ip_address("::ffff:8.8.8.8")):
        why = NOTHING.refusal(address, 443, own={own})
        assert why is not None
        assert "own machine" in why
    assert NOTHING.refusal(ip_address("8.8.4.4"), 443, own={own}) is None
    # Who allows it by a network means it.
    assert allowance(["8.8.8.8"]).refusal(own, 443, own={own}) is None


@pytest.mark.parametrize(
    ("port", "is_allowed"),
    [
        (80, True),
        (443, True),
        (1024, True),
        (65535, True),
        (0, False),
        (22, False),
        (25, False),
        (1023, False),
        (65536, False),
        (-1, False),
    ],
)
def test_ports(port: int, *, is_allowed: bool) -> None:
    assert (port_refusal(port) is None) == is_allowed
    assert (NOTHING.refusal(ip_address("8.8.8.8"), port) is None) == is_allowed


def test_a_network_is_allowed_at_the_usual_ports_and_one_with_a_port_at_that_alone() -> None:
    some = allowance(["10.0.0.0/8", "127.0.0.1/32:9000", "192.168.1.7:25", "[fd00::]/8:9000"])
    for address, port, is_allowed in (
        ("10.1.2.3", 443, True),
        ("10.1.2.3", 22, False),
        ("11.0.0.1", 443, True),
        ("127.0.0.1", 9000, True),
        ("127.0.0.1", 9001, False),
        ("127.0.0.2", 9000, False),
        ("::ffff:127.0.0.1", 9000, True),
        ("192.168.1.7", 25, True),
        ("192.168.1.7", 443, False),
        ("fd00::1", 9000, True),
        ("fd00::1", 443, False),
        ("::1", 9000, False),
    ):
        assert (some.refusal(ip_address(address), port) is None) == is_allowed, (address, port)


def test_a_name_may_have_private_addresses_and_never_link_local_or_metadata_ones() -> None:
    some = allowance(["hooks.example", "Ops.EXAMPLE.:9443"])
    private = ip_address("10.0.0.1")
    assert some.refusal(private, 443, "hooks.example") is None
    assert some.refusal(private, 22, "hooks.example") is not None
    assert some.refusal(private, 443, "other.example") is not None
    assert some.refusal(private, 443) is not None
    assert some.refusal(private, 9443, "ops.example") is None
    assert some.refusal(private, 443, "ops.example") is not None
    for guarded in ("169.254.169.254", "fe80::1", "168.63.129.16", "fd00:ec2::254"):
        assert some.refusal(ip_address(guarded), 443, "hooks.example") is not None, guarded


def test_a_wide_network_does_not_allow_metadata_and_a_narrow_one_does() -> None:
    metadata = ip_address("169.254.169.254")
    wide = allowance(["0.0.0.0/0", "::/0"])
    assert wide.refusal(ip_address("10.0.0.1"), 443) is None
    for guarded in ("169.254.169.254", "168.63.129.16", "fe80::1", "fd00:ec2::254"):
        assert wide.refusal(ip_address(guarded), 443) is not None, guarded
    assert allowance(["169.254.169.254/32:80"]).refusal(metadata, 80) is None
    assert allowance(["169.254.0.0/16"]).refusal(metadata, 443) is None


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.1/8",
        "10.0.0.0/33",
        "127.0.0.1/32:0",
        "127.0.0.1:70000",
        "127.0.0.1:x",
        "a..b",
        "-a.example",
        "*",
        "*.example",
        "http://a.example",
        "a.example/x",
        "fd00::/129",
        "[fd00::]/8:x",
        "[nonsense]:1",
        "1.2.3.4.5",
        ":80",
        "under~score",
        "",
    ],
)
def test_an_entry_that_says_nothing_is_named(entry: str) -> None:
    with pytest.raises(AllowError) as error:
        allowance([entry])
    assert repr(entry) in str(error.value)


def test_an_address_is_an_address_in_any_spelling() -> None:
    some = allowance(["127.1:9000"])
    assert some.names == frozenset()
    assert some.refusal(ip_address("127.0.0.1"), 9000) is None
