"""Ids: what they look like, and that whoever computes one again gets the same."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.event_ids import lowest_uuid7
from tests.unit.contracts.factories import instants
from trigger_contracts.ids import (
    fire_event_id,
    instant_of,
    is_valid_id,
    key_hash,
    keyed_fire_event_id,
    occurrence_event_id,
    uuid7,
)

MILLISECOND = timedelta(milliseconds=1)
INSTANTS = instants(1970, 9999)
GOLDEN: list[str] = [
    "01a351dd-fefa-7dca-be81-6b11f0135cba",
    "01a351dd-fefa-7049-a94f-49f39c58da63",
    "01a351dd-fefa-7902-8f2f-560e26707bc1",
]
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(INSTANTS, st.lists(st.text(max_size=20)))
def test_an_id_has_the_layout_of_rfc_9562(instant: datetime, unique: list[str]):
    unique = [part.encode("utf-8", "ignore").decode() for part in unique]
    made = uuid7(instant, *unique)

    assert made.version == 7
    assert made.variant == RFC_4122
    assert made == uuid7(instant, *unique)
    assert UUID(str(made)) == made


def test_the_layout_is_the_one_of_the_rfcs_example():
    example = UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    instant = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)

    assert instant_of(example) == instant
    assert str(uuid7(instant, "anything"))[:15] == "017f22e2-79b0-7"


@given(INSTANTS)
def test_an_instant_comes_back_to_the_millisecond_below(instant: datetime):
    back = instant_of(uuid7(instant, "x"))

    assert back <= instant < back + MILLISECOND


@given(INSTANTS, INSTANTS)
def test_ids_sort_by_their_instants(one: datetime, other: datetime):
    first, second = sorted((one, other))
    if second - first >= MILLISECOND:
        assert uuid7(first, "x") < uuid7(second, "y")
    assert lowest_uuid7(first) <= uuid7(first, "z")
    assert uuid7(first, "z") < lowest_uuid7(first + 2 * MILLISECOND)


@given(INSTANTS, IDS, IDS)
def test_occurrences_keys_and_commands_never_share_an_id(instant, trigger_id, other):
    made = {
        occurrence_event_id(trigger_id, other, instant),
        keyed_fire_event_id(trigger_id, other, instant),
        fire_event_id(trigger_id, other, instant),
        keyed_fire_event_id(trigger_id, key_hash(other), instant),
    }

    assert len(made) == 4


@given(st.lists(IDS, min_size=2, max_size=2, unique=True), INSTANTS)
def test_another_trigger_creation_or_microsecond_is_another_event(names, instant):
    one, other = names
    made = {
        occurrence_event_id(one, other, instant),
        occurrence_event_id(other, one, instant),
        occurrence_event_id(one, one, instant),
        occurrence_event_id(one, other, instant + timedelta(microseconds=1)),
    }

    assert len(made) == 4


def test_joined_parts_never_run_into_each_other():
    now = datetime(2027, 1, 1, tzinfo=UTC)

    assert uuid7(now, "ab", "c") != uuid7(now, "a", "bc")
    assert uuid7(now, "ab") != uuid7(now, "a", "b")


def test_the_offset_in_which_an_instant_is_written_makes_no_difference():
    utc = datetime(2027, 1, 1, 12, tzinfo=UTC)
    elsewhere = datetime.fromisoformat("2027-01-01T17:30:00+05:30")

    assert occurrence_event_id("t", "c", utc) == occurrence_event_id("t", "c", elsewhere)


def test_event_ids_are_those_of_every_release_before():
    """Rows of the log are told apart by these: a change here makes second rows of old events."""
    instant = datetime(2027, 1, 26, 12, 0, 0, 250_001, tzinfo=UTC)

    assert [
        str(occurrence_event_id("t1", "c1", instant)),
        str(keyed_fire_event_id("t1", key_hash("k"), instant)),
        str(fire_event_id("t1", "c1", instant)),
    ] == GOLDEN


@pytest.mark.parametrize("text", ["a", "A-b_9", "x" * 64, "-", "_"])
def test_letters_digits_dashes_and_underscores_make_an_id(text: str):
    assert is_valid_id(text)


@pytest.mark.parametrize(
    "text",
    ["", "x" * 65, "a.b", "a*", ">", "a b", "a\n", "a\r\n", "\ta", "é", "a\x00", "a/b", "٣", "$JS"],
)
def test_nothing_else_makes_an_id(text: str):
    assert not is_valid_id(text)
