"""A dead letter holds the original, whatever it was, and always fits a message."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts.dead_letters import KEPT_BYTES, Original, dead_letter

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAX_MESSAGE = 1024 * 1024


def stored(body: bytes) -> Original:
    return Original("TRIGGER_EVENTS", "trigger.fired.t1", 5, NOW, {}, body)


@given(st.binary(max_size=2000) | st.text(max_size=500).map(lambda t: t.encode("utf-8", "replace")))
def test_the_original_can_be_read_back(original: bytes) -> None:
    letter = dead_letter(stored(original), "why", NOW)
    kept = letter.body.encode() if letter.encoding == "utf-8" else base64.b64decode(letter.body)
    assert kept == original
    assert (letter.reason, letter.stream_seq, letter.stream) == ("why", 5, "TRIGGER_EVENTS")


@pytest.mark.parametrize("byte", [b"a", b'"', b"\\", b"\x01", b"\x00", b"\xff", "é".encode()])
def test_even_the_largest_original_fits(byte: bytes) -> None:
    letter = dead_letter(stored(byte * (MAX_MESSAGE // len(byte))), "why", NOW)
    assert len(letter.model_dump_json()) < MAX_MESSAGE - 8 * 1024
    assert str(KEPT_BYTES) in letter.reason
