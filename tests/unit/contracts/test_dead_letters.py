"""A dead letter holds the original, whatever it was, and always fits a message."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts.dead_letters import (
    KEPT_BYTES,
    Original,
    dead_letter,
    deletes_at,
    failed_again,
    letter_id,
    original_of,
)
from trigger_contracts.events import DEAD_LETTER, DeadLetter, DeadLetterHandled
from trigger_contracts.ids import instant_of, is_valid_id
from trigger_contracts.subjects import Service

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAX_MESSAGE = 1024 * 1024


HOUR = timedelta(hours=1)


def stored(body: bytes = b"x", **fields: Any) -> Original:
    made: dict[str, Any] = {
        "stream": "TRIGGER_EVENTS",
        "subject": "trigger.fired.t1",
        "stream_seq": 5,
        "stored_at": NOW,
        "headers": {},
        "body": body,
        **fields,
    }
    return Original(**made)


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


@given(
    st.binary(max_size=200),
    st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=5),
)
def test_a_letter_gives_its_original_back(body: bytes, headers: dict[str, str]) -> None:
    original = stored(body, headers=headers)
    letter = dead_letter(original, "why", NOW)
    again = DeadLetter.model_validate_json(letter.model_dump_json())
    assert again == letter
    assert original_of(again) == original
    assert letter.is_whole


@pytest.mark.parametrize(
    "original",
    [
        stored(b"x" * (KEPT_BYTES + 1)),
        stored(headers={f"h{n}": "x" for n in range(21)}),
        stored(headers={"h": "x" * 501}),
    ],
)
def test_what_is_cut_says_so(original: Original) -> None:
    assert not dead_letter(original, "why", NOW).is_whole


def test_what_the_broker_adds_to_a_delivery_is_not_the_messages() -> None:
    letter = dead_letter(stored(headers={"Nats-Pin-Id": "x", "reply_to": "y"}), "why", NOW)
    assert (letter.headers, letter.is_whole) == ({"reply_to": "y"}, True)


@pytest.mark.parametrize(
    ("headers", "kept_for", "life"),
    [
        ({}, 48 * HOUR, 48 * HOUR),
        ({}, HOUR, HOUR),
        ({"Nats-TTL": "7200s"}, 48 * HOUR, 2 * HOUR),
        ({"Nats-TTL": "7200"}, 48 * HOUR, 2 * HOUR),
        ({"Nats-TTL": "7200s"}, HOUR, HOUR),
        ({"Nats-TTL": "never"}, 48 * HOUR, 48 * HOUR),
        ({"Nats-TTL": "9" * 40}, 48 * HOUR, 48 * HOUR),
        ({"Nats-TTL": "999999999s"}, 48 * HOUR, 48 * HOUR),
    ],
)
def test_a_letter_lives_as_long_as_its_original_would(
    headers: dict[str, str], kept_for: timedelta, life: timedelta
) -> None:
    """However late it was buried."""
    original = stored(headers=headers)
    letter = dead_letter(original, "why", NOW + 30 * HOUR, kept_for=kept_for)
    assert letter.deletes_at == deletes_at(letter, 48 * HOUR) == NOW + life


def test_whoever_keeps_the_log_shorter_sees_the_letter_shorter() -> None:
    letter = dead_letter(stored(), "why", NOW)
    assert deletes_at(letter, HOUR) == NOW + HOUR
    of_the_first_version = letter.model_copy(update={"deletes_at": None})
    assert deletes_at(of_the_first_version, 48 * HOUR) == NOW + 48 * HOUR


def test_a_letter_that_failed_again_tells_how_often_and_is_the_same_letter() -> None:
    letter = dead_letter(stored(), "no tea", NOW)
    once = failed_again(letter, "no milk", NOW + HOUR)
    twice = failed_again(once, "no cup", NOW + 2 * HOUR)
    assert once.reason == "redriven once, failed again: no milk"
    assert twice.reason == "redriven 2 times, failed again: no cup"
    assert (twice.redrives, twice.dead_at) == (2, NOW + 2 * HOUR)
    assert (twice.deletes_at, original_of(twice)) == (letter.deletes_at, stored())


def test_an_id_is_of_one_message_for_one_service() -> None:
    later = NOW + timedelta(milliseconds=1)
    ids = [
        letter_id(Service.EXECUTOR, stored()),
        letter_id(Service.RETENTION, stored()),
        letter_id(Service.EXECUTOR, stored(stream="TRIGGER_DUE")),
        letter_id(Service.EXECUTOR, stored(stream_seq=6)),
        letter_id(Service.EXECUTOR, stored(stored_at=later)),
    ]
    assert len(set(ids)) == len(ids)
    assert ids[0] == letter_id(Service.EXECUTOR, stored(b"another body"))
    assert all(is_valid_id(one) for one in ids)
    assert instant_of(UUID(ids[-1])) == later


def test_what_stands_in_a_letters_place_is_told_apart() -> None:
    letter = dead_letter(stored(), "why", NOW)
    handled = DeadLetterHandled(handled_at=NOW)
    for one in (letter, handled):
        assert DEAD_LETTER.validate_json(one.model_dump_json()) == one
