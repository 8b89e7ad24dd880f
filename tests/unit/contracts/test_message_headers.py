"""Header blocks of any bytes are read, and what is malformed says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts.message_headers import UnreadableHeaders, read, why_unreadable


@pytest.mark.parametrize(
    ("block", "headers"),
    [
        (b"NATS/1.0\r\n\r\n", {}),
        (b"NATS/1.0\r\na: b\r\n\r\n", {"a": "b"}),
        (b"NATS/1.0\r\na:b:c \r\nd:\r\n\r\n", {"a": "b:c", "d": ""}),
        ("NATS/1.0\r\na: \u00fc\u20ac\r\n\r\n".encode(), {"a": "\u00fc\u20ac"}),
        (b"NATS/1.0 503\r\n\r\n", {"Status": "503"}),
        (b"NATS/1.0 404 No Messages\r\n\r\n", {"Status": "404", "Description": "No Messages"}),
        (
            b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 7\r\n\r\n",
            {"Status": "100", "Description": "Idle Heartbeat", "Nats-Last-Consumer": "7"},
        ),
        (b"NATS/1.0 no status\r\n\r\n", {}),
        (b"NATS/1.0  \r\n\r\n", {}),
        (b"NATS/1.0\r\n" + b"a: " + b"x" * 500_000 + b"\r\n\r\n", {"a": "x" * 500_000}),
    ],
)
def test_a_block_is_read(block: bytes, headers: dict[str, str]) -> None:
    assert read(block) == headers
    assert why_unreadable(read(block)) is None


@pytest.mark.parametrize(
    ("block", "headers"),
    [
        (b"", {}),
        (b"N", {}),
        (b"NATS/1.0", {}),
        (b"NATS/1.0\r\n", {}),
        (b"\r\n\r\n", {}),
        (b"NATS/1.0\r\na: b", {"a": "b"}),
        (b"HTTP/1.1 200 OK\r\na: b\r\n\r\n", {"a": "b"}),
        (b"nats/1.0\r\na: b\r\n\r\n", {"a": "b"}),
        (b"NATS/1.0\r\nno colon\r\na: b\r\n\r\n", {"a": "b"}),
        (b"NATS/1.0\r\na: \xff\r\n\r\n", {"a": "\ufffd"}),
        (b"NATS/1.0 \xff\xfe\r\na: b\r\n\r\n", {"a": "b"}),
        (b"NATS/1.0 503 \xff\r\n\r\n", {"Status": "503", "Description": "\ufffd"}),
    ],
)
def test_what_is_malformed_is_read_as_far_as_it_can_be(
    block: bytes, headers: dict[str, str]
) -> None:
    found = read(block)
    assert found == headers
    assert why_unreadable(found)


@given(st.binary(max_size=200))
def test_reading_never_raises_and_says_why_without_a_quotation(noise: bytes) -> None:
    for block in (noise, b"NATS/1.0" + noise, b"NATS/1.0\r\n" + noise + b"\r\n\r\n"):
        found = read(block)
        if isinstance(found, UnreadableHeaders):
            assert found.why.isascii()
