"""Idempotency: what makes two fires the same fire."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contracts.factories import NOON
from trigger_contracts.commands import FireTrigger
from trigger_contracts.idempotency import Claim, claim_for, payload_hash, store_key
from trigger_contracts.ids import is_valid_id, keyed_fire_event_id
from trigger_contracts.ids import key_hash as hash_of
from trigger_contracts.strict_json import parse

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=10,
)


def fire(text: bytes, **fields: Any) -> FireTrigger:
    return FireTrigger(trigger_id="t1", payload=parse(text), **fields)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a":1,"b":[1,2]}', b' { "b" : [ 1 , 2 ] , "a" : 1 } '),
        (b'"\\u00e9"', '"é"'.encode()),
        (b"1", b"1.0"),
        (b"100", b"1e2"),
        (b'{"a":{"x":-0.0}}', b'{"a":{"x":0}}'),
    ],
)
def test_equal_values_are_the_same_fire_however_they_are_written(one: bytes, other: bytes):
    assert payload_hash(fire(one)) == payload_hash(fire(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"1", b"true"),
        (b"0", b"false"),
        (b"null", b"{}"),
        (b"[]", b"{}"),
        (b'"1"', b"1"),
        (b"[1,2]", b"[2,1]"),
        (b"{}", b'{"a":null}'),
    ],
)
def test_other_values_are_another_fire(one: bytes, other: bytes):
    assert payload_hash(fire(one)) != payload_hash(fire(other))


def test_no_payload_is_another_fire_than_null_and_a_test_than_the_real_thing():
    hashes = {
        payload_hash(FireTrigger(trigger_id="t1")),
        payload_hash(fire(b"null")),
        payload_hash(fire(b"null", is_test=True)),
    }

    assert len(hashes) == 3


def test_a_replay_is_another_fire_and_an_ordinary_one_is_what_it_was_before_there_were_replays():
    first, second = (f"019c0b5e-7d9c-7a51-8f10-3c1f1f2f6a5{n}" for n in range(2))

    assert payload_hash(FireTrigger(trigger_id="t1", payload={"a": 1})) == (
        "a1ab4be47a345443138802169d99edbd8e1429c7c0e74b03745c9f9c6b183f68"
    )
    hashes = {payload_hash(fire(b"1", replay_of=of)) for of in (None, first, second)}
    assert len(hashes) == 3


def test_neither_key_nor_command_nor_time_is_part_of_what_is_fired():
    assert payload_hash(fire(b"1", key="a", command_id="c", accepted_at=NOON, actor="me")) == (
        payload_hash(fire(b"1"))
    )


@given(VALUES)
def test_a_hash_is_of_the_value_alone(payload: Any):
    one, other = (FireTrigger(trigger_id=name, payload=payload) for name in ("t1", "t2"))

    assert payload_hash(one) == payload_hash(other)
    assert len(payload_hash(one)) == 64


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255))
def test_no_key_can_leave_its_place_in_the_store(key: str):
    trigger_id, hashed = store_key("t1", key).split(".")

    assert trigger_id == "t1"
    assert is_valid_id(hashed)


def test_a_claim_holds_what_every_retry_needs():
    command = fire(b'{"a":1}', key="order-1")

    claim = claim_for(command, "order-1", NOON)

    assert claim.event_id == str(keyed_fire_event_id("t1", hash_of("order-1"), NOON))
    assert claim.accepted_at == NOON
    assert claim.payload_hash == payload_hash(command)
    assert Claim.model_validate_json(claim.model_dump_json()) == claim
