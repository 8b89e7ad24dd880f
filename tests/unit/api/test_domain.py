"""The gateway's pure rules."""

import hashlib
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.unit.api.fakes import make_change
from trigger_api.domain import cursors
from trigger_api.domain.keys import key_id_of, parse_stored
from trigger_api.domain.queries import EventQuery
from trigger_api.domain.schemas import written
from trigger_api.domain.triggers.creates import claim_for, command_id, store_key
from trigger_api.domain.triggers.etags import check_none_match, etag, expected_version
from trigger_api.domain.triggers.fires import checked_key, fire_fields, refusal
from trigger_api.domain.triggers.previews import NextQuery
from trigger_api.entrypoints import parameters
from trigger_contracts import idempotency
from trigger_contracts.commands import FireTrigger
from trigger_contracts.errors import Code, Refused
from trigger_contracts.events import Status
from trigger_contracts.ids import is_valid_id
from trigger_contracts.instants import FIRST_INSTANT, LAST_INSTANT
from trigger_contracts.trigger import Trigger

HASH = hashlib.sha256(b"secret").hexdigest()
KEYS = {"abc": parse_stored(f"abc:{HASH}")}


def test_a_key_is_recognised_by_its_secrets_hash() -> None:
    assert key_id_of("etp_abc.secret", KEYS) == "abc"


@given(st.none() | st.text() | st.from_regex(r"etp_[a-z]{0,4}\.[a-z]{0,8}", fullmatch=True))
def test_no_other_text_is_a_key(text: str | None) -> None:
    if text != "etp_abc.secret":
        assert key_id_of(text, KEYS) is None
    assert key_id_of(text, {}) is None


@pytest.mark.parametrize(
    "text", ["", "abc", "abc:", f"abc:{HASH}0", f"a.c:{HASH}", f"abc:{HASH.upper()}"]
)
def test_a_stored_key_has_one_form(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_stored(text)


def test_a_stored_keys_hash_is_not_printed() -> None:
    assert HASH not in repr(KEYS["abc"])


@given(st.integers(1, 999_999_999))
def test_an_etag_names_its_version(version: int) -> None:
    assert expected_version(etag(version)) == version
    with pytest.raises(Refused, match="weak") as caught:
        expected_version(f"W/{etag(version)}")
    assert caught.value.problem.code is Code.VERSION_MISMATCH


@pytest.mark.parametrize(
    "condition",
    ["*", '"3"', 'W/"3"', '"x", "3"', ', "3" ,', '"2","3"', '"a,b", "3"', '"\xff" ,\t"3"'],
)
def test_if_none_match_excludes_a_version_that_it_names(condition: str) -> None:
    with pytest.raises(Refused) as caught:
        check_none_match(condition, 3)
    assert caught.value.problem.code is Code.VERSION_MISMATCH


@pytest.mark.parametrize("condition", ['"4"', 'W/"2", "x"', '"03"', '""', '"3,3"', '"1,3"'])
def test_if_none_match_lets_others_pass(condition: str) -> None:
    check_none_match(condition, 3)


@given(st.text())
def test_if_match_is_a_version_or_refused(text: str) -> None:
    version: int | None = None
    code: Code | None = None
    try:
        version = expected_version(text)
    except Refused as refusal:
        code = refusal.problem.code
    assert code in {None, Code.INVALID, Code.VERSION_MISMATCH}
    assert version is None or version >= 1


@pytest.mark.parametrize(
    ("if_match", "version"),
    [
        *(('"3", "3"', 3), ('W/"3","3" ,', 3), ('"other", "3"', 3), ("*", None), (None, None)),
        *(('"a,b","3"', 3), ('W/"2", "3"', 3), ('"3", "\x80\xff"', 3), ('"1,2" , "3"', 3)),
    ],
)
def test_if_match_may_list_one_version(if_match: str | None, version: int | None) -> None:
    assert expected_version(if_match) == version


@pytest.mark.parametrize(
    ("if_match", "code"),
    [
        ('"1", "2"', Code.INVALID),
        ('"1", 2', Code.INVALID),
        ('"1", *', Code.INVALID),
        *((text, Code.INVALID) for text in (",", "", '"1" "2"', '"1""2"', '"a b"', '"a', 'a"')),
        *((text, Code.INVALID) for text in ('w/"1"', 'W/ "1"', '"a,b', '"1"x', "3", '"\u20ac"')),
        *((text, Code.VERSION_MISMATCH) for text in ('"x", "y"', '"a,b"', '"1,2"', '",", ""')),
        *((text, Code.VERSION_MISMATCH) for text in ('"\xe9"', 'W/"3"', 'W/"1", W/"2"')),
    ],
)
def test_another_list_is_refused(if_match: str, code: Code) -> None:
    with pytest.raises(Refused) as refusal:
        expected_version(if_match)
    assert refusal.value.problem.code is code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-01-26T15:00:00 02:00", datetime(2027, 1, 26, 13, tzinfo=UTC)),
        ("2027-01-26 15:00:00.5 00:00", datetime(2027, 1, 26, 15, 0, 0, 500_000, UTC)),
        ("2027-01-26T15:00 01:00", datetime(2027, 1, 26, 14, tzinfo=UTC)),
        ("2027-01-26 15:00", datetime(2027, 1, 26, 15, tzinfo=UTC)),
        ("2027-01-26T15:00:00-02:00", datetime(2027, 1, 26, 17, tzinfo=UTC)),
    ],
)
def test_the_plus_of_an_offset_may_arrive_as_a_space(text: str, expected: datetime) -> None:
    assert EventQuery.model_validate({"from": text}).from_ == expected


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("9999-12-31T23:59:59-05:00", LAST_INSTANT),
        ("9999-12-31T23:59:59.9999999-12:00", LAST_INSTANT),
        ("0001-01-01T00:00:00+14:00", FIRST_INSTANT),
        ("0001-01-01T00:00:00 05:30", FIRST_INSTANT),
    ],
)
@pytest.mark.parametrize("bound", ["from", "to"])
def test_a_bound_of_the_log_beyond_the_calendar_is_its_end(
    text: str, end: datetime, bound: str
) -> None:
    asked = EventQuery.model_validate({bound: text})

    assert {"from": asked.from_, "to": asked.to}[bound] == end


@pytest.mark.parametrize("field", ["min_lateness", "max_lateness"])
@pytest.mark.parametrize(
    "value", ["1e-400", "-1e-400", "0.0000001", " 1.23456789 ", 1e-9, 0.1234567]
)
def test_a_lateness_of_which_something_would_be_lost_is_refused(
    field: str, value: float | str
) -> None:
    with pytest.raises(ValidationError, match="finer than a microsecond"):
        EventQuery.model_validate({field: value})


@pytest.mark.parametrize("value", ["0", "0.000001", "1.500000000", "1e-6", 2, 0.1, "0e-400"])
def test_a_lateness_to_the_microsecond_is_taken(value: float | str) -> None:
    assert EventQuery.model_validate({"min_lateness": value}).min_lateness == float(value)


def test_a_representation_sent_back_says_what_its_owner_set() -> None:
    shown = {
        "id": "t", "status": "active", "version": 3, "created_at": "", "updated_at": "",
        "next_fire_at": None, "next_fires": {}, "name": "n", "type": "api", "interval": None,
    }  # fmt: skip
    assert written(shown) == {"name": "n", "type": "api", "interval": None}
    for kept in ({"status": "paused"}, {"status": []}, {"paused": True}, [], None):
        assert written(kept) == kept


INSTANTS = st.datetimes(timezones=st.just(UTC))


@given(INSTANTS, st.uuids(), st.integers(0, 2**63 - 1))
def test_cursors_come_back_as_they_went(instant: datetime, event_id: UUID, seq: int) -> None:
    assert cursors.event(cursors.of_event(instant, event_id)) == (instant, event_id)
    for key, sort in ((instant, "-created"), (None, "next_fire"), (instant, "-next_fire")):
        cursor = cursors.of_trigger(sort, key, "t-1")
        assert cursors.trigger(cursor, sort) == (key, "t-1")
    assert cursors.version(cursors.of_version("t-1", seq), "t-1") == seq
    assert cursors.letter(cursors.of_letter(seq)) == seq


SORTS = ("-created", "name", "next_fire", "-updated")
READ_CURSOR = (
    cursors.event,
    partial(cursors.version, trigger_id="t" * 64),
    cursors.letter,
    *(partial(cursors.trigger, sort=sort) for sort in SORTS),
)


@given(st.text(st.characters(exclude_characters="\0"), max_size=200))
def test_cursors_of_names_come_back_as_they_went(name: str) -> None:
    cursor = cursors.of_trigger("-name", name, "t" * 64)
    assert len(cursor) <= cursors.MAX_LENGTH
    assert cursors.trigger(cursor, "-name") == (name, "t" * 64)


@given(st.text() | st.binary().map(lambda b: b.hex()) | st.from_regex(r"[A-Za-z0-9_-]{0,99}"))
def test_any_other_text_is_refused_as_a_cursor(text: str) -> None:
    for parse in READ_CURSOR:
        with pytest.raises(Refused) as refusal:
            parse(text)
        assert refusal.value.problem.errors[0].pointer == "/query/cursor"


def test_a_cursor_of_another_list_is_refused() -> None:
    longest = "t" * 64
    made = (
        cursors.of_event(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1)),
        cursors.of_version(longest, 2**63 - 1),
        cursors.of_letter(2**63 - 1),
        *(cursors.of_trigger(sort, "", longest) for sort in SORTS),
    )
    for place, cursor in enumerate(made):
        assert len(cursor) < cursors.MAX_LENGTH
        for parse in (*READ_CURSOR[:place], *READ_CURSOR[place + 1 :]):
            with pytest.raises(Refused):
                parse(cursor)
    with pytest.raises(Refused):
        cursors.version(made[1], "another")


@pytest.mark.parametrize("value", ["1_0", "_1", "1_"])
def test_a_number_of_a_query_is_written_in_digits(value: str) -> None:
    for model, name in (
        (EventQuery, "limit"),
        (EventQuery, "min_lateness"),
        (EventQuery, "max_lateness"),
        (NextQuery, "count"),
    ):
        with pytest.raises(ValidationError, match="underscores"):
            model.model_validate({name: value})


@pytest.mark.parametrize("query", [b"q=%ff", b"q=%ED%A0%80", b"%FF=1", b"q=a%C3"])
def test_a_query_that_is_not_utf_8_is_refused_not_read_as_another(query: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        parameters.check(query, {"q": False})
    assert refusal.value.problem.errors[0].pointer in ("/query", "/query/q")
    parameters.check(b"q=%C3%A9+%zz", {"q": False})


def test_a_fires_body_holds_a_payload_or_nothing() -> None:
    assert fire_fields(None) == {}
    assert fire_fields({"payload": None}) == {"payload": None}
    for body in ([], "x", 1, True, {"pay/load": 1}):
        with pytest.raises(Refused):
            fire_fields(body)


def test_an_unknown_field_is_named_by_its_pointer() -> None:
    with pytest.raises(Refused) as refusal:
        fire_fields({"a/b~": 1})
    assert refusal.value.problem.errors[0].pointer == "/a~1b~0"


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ä", "a\nb", "a\tb", "\x00"])
def test_keys_are_printable_ascii(key: str) -> None:
    with pytest.raises(Refused):
        checked_key(key)


def test_what_a_trigger_refuses() -> None:
    schema = {"type": "object", "required": ["a", "b"]}
    trigger = Trigger(make_change(payload={"a": 1}, payload_schema=schema), 1)
    assert refusal(trigger, FireTrigger(trigger_id="t", payload={"b": 2})) is None
    for command in (
        FireTrigger(trigger_id="t"),
        FireTrigger(trigger_id="t", payload=None),
        FireTrigger(trigger_id="t", payload={"a": None, "b": 2}),
    ):
        found = refusal(trigger, command)
        assert found is not None
        assert found.code is Code.PAYLOAD_SCHEMA_MISMATCH
    for absent in (None, Trigger(make_change(status=Status.DELETED), 1)):
        found = refusal(absent, FireTrigger(trigger_id="t"))
        assert found is not None
        assert found.code is Code.NOT_FOUND
    completed = Trigger(make_change(status=Status.COMPLETED), 1)
    assert refusal(completed, FireTrigger(trigger_id="t")) is None


def test_a_keyed_creates_ids_are_stable_and_apart_from_a_fires() -> None:
    first = command_id("key", "k")
    assert first == command_id("key", "k")
    assert first != command_id("other", "k")
    assert is_valid_id(first)
    assert store_key(first).count(".") == 2
    assert idempotency.store_key("create", "k").count(".") == 1


def test_equal_bodies_hash_equally_however_they_are_written() -> None:
    now = datetime.now(UTC)
    one = claim_for({"a": 1, "b": [2]}, now)
    assert one.body_hash == claim_for({"b": [2], "a": 1}, now).body_hash
    assert one.body_hash != claim_for({"a": 1, "b": [3]}, now).body_hash
