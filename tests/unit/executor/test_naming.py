"""A message that is no JSON belongs to the trigger it names, and never to one in its payload."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_executor.domain.salvage_trigger_id import MAX_TOKENS, named_trigger

TEXTS = st.text(max_size=20) | st.sampled_from(['"', "trigger_id", '{"trigger_id": "x"}', "\\"])
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, VALUES, st.booleans())
def test_the_commands_own_id_is_found_whatever_stands_around_it(
    before: Any, after: Any, is_there: Any
):
    fields = {"payload": before, **({"trigger_id": "a1"} if is_there else {}), "rest": after}

    found = named_trigger(json.dumps(fields).encode())

    assert found == ("a1" if is_there else None)


@given(VALUES, st.integers(0, 400))
def test_what_is_missing_behind_it_does_not_matter(payload: Any, kept: int):
    whole = json.dumps({"trigger_id": "a1", "payload": payload}).encode()

    assert named_trigger(whole[: len(b'{"trigger_id": "a1"') + kept]) == "a1"


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(text: bytes):
    named_trigger(text)
    assert named_trigger(b'{"trigger_id":"a1",' + text) in {"a1", None}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b'"trigger_id":"a1"',
        b'["trigger_id":"a1"]',
        b'[{"trigger_id":"a1"}]',
        b'{"payload":{"trigger_id":"a1"}',
        b'{"trigger_id":"a.b"}',
        b'{"trigger_id":""}',
        b'{"trigger_id":1}',
        b'{"trigger_id":"a1","trigger_id":"a2"',
        b'{"x":"\\"trigger_id\\":\\"a1\\""',
    ],
)
def test_nothing_else_names_a_trigger(text: bytes):
    assert named_trigger(text) is None


@pytest.mark.parametrize("filler", [b"[", b'"', b'"",', b'{"trigger_id":"a2"},', b"\\"])
def test_a_large_text_takes_a_bounded_time(filler: bytes):
    text = b'{"x":' + filler * (1024 * 1024 // len(filler)) + b',"trigger_id":"a1"}'
    started = time.process_time()
    named_trigger(text)
    assert time.process_time() - started < 1
    assert len(text) > MAX_TOKENS
