"""Whether a fire fires, and what the log and the caller get."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.executor.factories import (
    NOON,
    SECOND,
    deleted,
    fire_body,
    make_api_change,
    make_change,
    make_fire,
)
from trigger_contracts.errors import Code
from trigger_contracts.events import EntryStatus, Source, Status
from trigger_contracts.idempotency import claim_for
from trigger_contracts.ids import fire_event_id, key_hash, keyed_fire_event_id
from trigger_contracts.topology import MAX_COMMAND_BYTES
from trigger_executor.domain.fire import (
    MAX_ERRORS,
    Fired,
    RejectedFire,
    RequestedFire,
    UnreadableFire,
    decide_fire,
    parse_fire,
)
from trigger_executor.domain.row import row_of

ORDER = make_api_change()


def fired(decision):
    assert isinstance(decision, Fired), decision
    return decision.entry


def rejected(decision):
    assert isinstance(decision, RejectedFire), decision
    return decision


def test_the_payload_is_merged_over_the_triggers_own():
    entry = fired(decide_fire(make_fire(payload={"amount": 3}), ORDER, None))

    assert entry.payload == {"currency": "EUR", "amount": 3}
    assert entry.status is EntryStatus.FIRED
    assert entry.fired_at == entry.logged_at == NOON
    assert entry.scheduled_for is None
    assert entry.event_id == str(fire_event_id("a1", "m1", NOON))


def test_without_a_payload_the_triggers_own_is_fired():
    tea = make_change()

    assert fired(decide_fire(make_fire("t1"), tea, None)).payload == {"hello": "world"}
    assert fired(decide_fire(make_fire("t1", payload=None), tea, None)).payload is None


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.COMPLETED])
def test_a_scheduled_trigger_fires_now_even_when_completed(status):
    entry = fired(decide_fire(make_fire("t1"), make_change(status=status), None))

    assert (entry.trigger_type, entry.scheduled_for) == ("scheduled", None)


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({}, Source.NATS),
        ({"actor": "somebody"}, Source.NATS),
        ({"actor": "key:owner"}, Source.API),
        ({"actor": "key:owner", "is_test": True}, Source.TEST),
    ],
)
def test_the_source_says_by_which_door_it_came(fields, source):
    entry = fired(decide_fire(make_fire("t1", **fields), make_change(), None))

    assert (entry.source, entry.is_test) == (source, source is Source.TEST)


ORIGIN = "019c0b5e-7d9c-7a51-8f10-3c1f1f2f6a55"


@pytest.mark.parametrize("is_test", [False, True])
@pytest.mark.parametrize("actor", ["key:owner", "nats"])
def test_a_replay_names_its_origin_by_either_door(actor, is_test):
    fire = make_fire(payload={"amount": 3}, replay_of=ORIGIN, actor=actor, is_test=is_test)

    entry = fired(decide_fire(fire, ORDER, None))

    assert (entry.source, entry.replay_of, entry.is_test) == (Source.REPLAY, ORIGIN, is_test)


def test_a_replay_carries_what_its_origin_did_and_nothing_of_the_triggers_own():
    payload = {"amount": 3, "note": None}

    assert fired(
        decide_fire(make_fire(payload=payload, replay_of=ORIGIN), ORDER, None)
    ).payload == (payload)
    tea = make_change()
    assert fired(
        decide_fire(make_fire("t1", payload=None, replay_of=ORIGIN), tea, None)
    ).payload is (None)
    assert fired(decide_fire(make_fire("t1", replay_of=ORIGIN), tea, None)).payload == (
        {"hello": "world"}
    )


def test_a_replay_that_no_longer_matches_is_a_rejected_row_of_its_origin():
    decision = rejected(decide_fire(make_fire(payload={}, replay_of=ORIGIN), ORDER, None))

    assert decision.problem.code is Code.PAYLOAD_SCHEMA_MISMATCH
    entry = decision.entry
    assert (entry.source, entry.replay_of, entry.payload) == (Source.REPLAY, ORIGIN, None)


def test_a_key_of_a_replay_is_not_that_of_the_fire_itself():
    same = {"key": "k", "payload": {"amount": 1}}
    claim = claim_for(make_fire(**same).command, "k", NOON)

    decision = rejected(decide_fire(make_fire(**same, replay_of=ORIGIN), ORDER, claim))

    assert decision.problem.code is Code.IDEMPOTENCY_MISMATCH


@pytest.mark.parametrize("state", [None, make_change("a1", is_test=True)])
def test_an_unknown_trigger_and_somebodys_test_are_not_found(state):
    decision = rejected(decide_fire(make_fire(), state, None))

    assert decision.entry is None
    assert decision.problem.code is Code.NOT_FOUND


def test_a_mismatch_is_a_row_with_pointers_and_no_payload():
    decision = rejected(decide_fire(make_fire(payload={"amount": "three"}), ORDER, None))

    assert decision.problem.code is Code.PAYLOAD_SCHEMA_MISMATCH
    assert [error.pointer for error in decision.problem.errors] == ["/payload/amount"]
    entry = decision.entry
    assert entry.status is EntryStatus.REJECTED
    assert entry.errors == decision.problem.errors
    assert (entry.payload, entry.fired_at, entry.logged_at) == (None, None, NOON)


def test_what_the_gateway_refused_is_a_row_with_its_reasons():
    errors = [{"pointer": "/payload/amount", "message": "is not a number"}]
    fire = make_fire(actor="key:owner", refused=errors, key="k")

    decision = rejected(decide_fire(fire, ORDER, None))

    assert fire.claims_key is None
    assert decision.entry.source is Source.API
    assert [error.model_dump() for error in decision.entry.errors] == errors
    assert decision.entry.reason == "is not a number"


def test_a_fire_accepted_before_the_deletion_ends_rejected():
    late = rejected(decide_fire(make_fire(), deleted(ORDER, NOON), None))
    too_late = rejected(decide_fire(make_fire(), deleted(ORDER, NOON - SECOND), None))

    assert late.problem.code is too_late.problem.code is Code.NOT_FOUND
    assert late.entry.status is EntryStatus.REJECTED
    assert "deleted" in late.entry.reason
    assert too_late.entry is None


def test_what_the_gateway_accepted_ends_in_a_row_however_long_the_trigger_is_deleted():
    gone = deleted(ORDER, NOON - 3600 * SECOND)

    for key in ({}, {"key": "k"}):
        decision = rejected(decide_fire(make_fire(actor="key:owner", **key), gone, None))
        assert decision.problem.code is Code.NOT_FOUND
        assert "deleted" in decision.entry.reason


def test_a_merged_payload_over_the_limit_is_rejected():
    big = make_api_change(
        payload={"predefined": "x" * (MAX_COMMAND_BYTES // 2)}, payload_schema=None
    )
    fire = make_fire(payload={"given": "y" * (MAX_COMMAND_BYTES // 2)})

    decision = rejected(decide_fire(fire, big, None))

    assert decision.problem.code is Code.BODY_TOO_LARGE
    assert decision.entry.payload is None


def test_a_claim_gives_the_id_and_the_instant():
    first = make_fire(key="k", payload={"amount": 1}, command_id="first")
    claim = claim_for(first.command, "k", NOON - 600 * SECOND)
    retry = make_fire(key="k", payload={"amount": 1}, command_id="second")

    entry = fired(decide_fire(retry, ORDER, claim))

    assert entry.event_id == claim.event_id
    assert entry.fired_at == NOON - 600 * SECOND


def test_another_payload_under_a_key_is_a_mismatch_and_no_row():
    claim = claim_for(make_fire(key="k", payload={"amount": 1}).command, "k", NOON)

    decision = rejected(decide_fire(make_fire(key="k", payload={"amount": 2}), ORDER, claim))

    assert decision.problem.code is Code.IDEMPOTENCY_MISMATCH
    assert decision.entry is None


def test_what_the_gateway_accepted_unchecked_is_rejected_under_the_id_it_answered_with():
    claim = claim_for(make_fire(key="k", payload={"amount": 1}).command, "k", NOON - SECOND)
    promised = str(keyed_fire_event_id("a1", key_hash("k"), NOON))
    sent = {"key": "k", "actor": "key:owner", "command_id": promised}

    mismatch = rejected(decide_fire(make_fire(payload={"amount": 2}, **sent), ORDER, claim))
    invalid = rejected(decide_fire(make_fire(payload={}, **sent), ORDER, None))

    assert mismatch.problem.code is Code.IDEMPOTENCY_MISMATCH
    assert mismatch.entry.event_id == invalid.entry.event_id == promised
    assert mismatch.entry.logged_at == NOON


def test_the_first_under_a_key_gets_the_keys_id():
    entry = fired(decide_fire(make_fire(key="k", payload={"amount": 1}), ORDER, None))

    assert entry.event_id == str(keyed_fire_event_id("a1", key_hash("k"), NOON))


def test_a_rejected_fire_does_not_use_up_its_key():
    bad = rejected(decide_fire(make_fire(key="k", payload={}, command_id="bad"), ORDER, None))

    assert bad.entry.event_id == str(fire_event_id("a1", "bad", NOON))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", Code.MALFORMED_JSON),
        (b'{"trigger_id":"a1","trigger_id":"a2"}', Code.MALFORMED_JSON),
        (b'{"payload":{"trigger_id":"a1"},', Code.MALFORMED_JSON),
        (b'["trigger_id":"a1"]', Code.MALFORMED_JSON),
        (b'"a1"', Code.INVALID),
        (b"{}", Code.INVALID),
        (fire_body("a.b"), Code.INVALID),
        (fire_body("a*"), Code.INVALID),
        (fire_body("a\r\nb"), Code.INVALID),
        (fire_body("a.b", schema_version=2), Code.UNKNOWN_SCHEMA_VERSION),
        (fire_body("a.b", payload="x" * MAX_COMMAND_BYTES), Code.BODY_TOO_LARGE),
    ],
)
def test_what_names_no_trigger_is_unreadable(body, code):
    read = parse_fire(body, message_id=None, stream_seq=1, stored_at=NOON)

    assert isinstance(read, UnreadableFire)
    assert read.problem.code is code


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b'{"trigger_id":"a1","payload":"canary', Code.MALFORMED_JSON, ""),
        (b'{"trigger_id":"a1","payload":["canary"', Code.MALFORMED_JSON, ""),
        (b'{"trigger_id" : "a1", canary}', Code.MALFORMED_JSON, ""),
        (b'{"trigger_id":"a1","payload":"canary\xff"}', Code.MALFORMED_JSON, ""),
        (b'{"trigger_id":"a1","payload":' + b'{"canary":' * 10_000, Code.MALFORMED_JSON, ""),
        (b'{"canary":1,"canary":2,"trigger_id":"a1"}', Code.MALFORMED_JSON, ""),
        (b'{"trigger_id":"a1","trigger_id":"a1"}', Code.MALFORMED_JSON, ""),
        (b'{"trigger_id":"a1","payload":"canary\\ud800"}', Code.MALFORMED_JSON, ""),
        (b'{"trigger_id":"a1","payload":NaN}', Code.MALFORMED_JSON, ""),
        (b'{"payload":{"trigger_id":"a2"},"trigger_id":"a1",', Code.MALFORMED_JSON, ""),
        (fire_body(schema_version=2), Code.UNKNOWN_SCHEMA_VERSION, "/schema_version"),
        (fire_body(payload="canary" * MAX_COMMAND_BYTES), Code.BODY_TOO_LARGE, ""),
    ],
)
def test_what_cannot_be_read_and_names_its_trigger_is_a_rejected_row(body, code, pointer):
    fire = parse_fire(body, message_id=None, stream_seq=1, stored_at=NOON)
    assert isinstance(fire, RequestedFire)

    decision = rejected(decide_fire(fire, ORDER, None))

    assert decision.problem.code is code
    assert decision.entry.trigger_id == "a1"
    assert [error.pointer for error in decision.entry.errors] == [pointer]
    assert decision.entry.errors[0].message == decision.entry.reason
    assert b"canary" not in row_of(decision.entry, NOON).body
    assert "canary" not in decision.problem.model_dump_json()


def test_an_invalid_fire_is_told_so_also_where_its_trigger_is_not_there():
    fire = make_fire(colour="red")
    gone = deleted(ORDER, NOON - SECOND)

    for state in (None, gone):
        decision = rejected(decide_fire(fire, state, None))
        assert (decision.problem.code, decision.entry) == (Code.INVALID, None)


def test_an_invalid_message_never_takes_the_id_of_the_fire_that_it_may_become():
    invalid = rejected(decide_fire(make_fire(colour="red"), ORDER, None))
    valid = fired(decide_fire(make_fire(payload={"amount": 1}), ORDER, None))
    mismatch = rejected(decide_fire(make_fire(payload={}), ORDER, None))

    assert invalid.entry.event_id != valid.event_id == mismatch.entry.event_id


def test_a_key_with_blanks_around_it_is_the_key_that_a_header_gives():
    plain, padded = (make_fire(payload={"amount": 1}, key=key) for key in ("k", "k  \t"))
    assert plain.claims_key == padded.claims_key == "k"


def test_a_deletion_is_pointed_at_by_the_id():
    decision = rejected(
        decide_fire(make_fire(payload={"amount": 1}), deleted(ORDER, NOON + SECOND), None)
    )

    assert [error.pointer for error in decision.entry.errors] == ["/trigger_id"]
    assert decision.entry.errors[0].message == decision.entry.reason


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("unknown", 1), ("is_test", "perhaps"), ("actor", 5), ("replay_of", "e")),
        *(("key", key) for key in ("", " ", "a\tb", "a\n", "ä", "\x7f", "k\xa0", "x" * 256)),
    ],
)
def test_invalid_fields_of_a_fire_that_names_its_trigger_are_a_rejected_row(field, value):
    fire = make_fire(payload={"amount": 1}, **{field: value})

    decision = rejected(decide_fire(fire, ORDER, None))

    assert decision.problem.code is Code.INVALID
    assert [error.pointer for error in decision.entry.errors] == [f"/{field}"]
    assert decision.entry.payload is None


@pytest.mark.parametrize(
    "fields",
    [
        {f"u{n}": 0 for n in range(25_000)},
        {"x" * 200_000: 1},
        {"refused": [{"pointer": "/" + "p" * 5_000, "message": "m" * 5_000}] * 50},
    ],
)
def test_no_fire_makes_a_large_row_or_answer(fields):
    decision = rejected(decide_fire(make_fire(**fields), ORDER, None))

    assert 0 < len(decision.entry.errors) <= MAX_ERRORS
    assert len(row_of(decision.entry, NOON).body) < 20_000
    assert len(decision.problem.model_dump_json()) < 20_000


def test_what_is_wrong_with_an_unreadable_fire_is_told_in_brief():
    body = json.dumps({f"u{n}": 0 for n in range(25_000)}).encode()

    read = parse_fire(body, message_id=None, stream_seq=1, stored_at=NOON)

    assert len(read.problem.model_dump_json()) < 20_000


def test_an_implausible_instant_of_the_sender_is_not_believed():
    near, far = NOON - timedelta(seconds=30), NOON - timedelta(hours=3)

    assert make_fire(accepted_at=near.isoformat()).accepted_at == near
    assert make_fire(accepted_at=far.isoformat()).accepted_at == NOON


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(-1e9, 1e9)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(payload=json_values, key=st.none() | st.text(min_size=1, max_size=9))
def test_every_command_has_one_outcome_with_the_same_bytes_each_time(payload, key):
    fields = {"trigger_id": "a1", "payload": payload, **({} if key is None else {"key": key})}
    body = json.dumps(fields, ensure_ascii=True).encode()

    def outcome():
        read = parse_fire(body, message_id="m", stream_seq=1, stored_at=NOON)
        if isinstance(read, UnreadableFire):
            return read.problem
        decision = decide_fire(read, ORDER, None)
        row = row_of(decision.entry, NOON)
        if isinstance(decision, Fired):
            assert isinstance(decision.entry.payload["amount"], int | float)
        return row.subject, row.body, row.event_id

    assert outcome() == outcome()


@pytest.mark.parametrize("schema", [{"pattern": r"\w" * 9_000}, {"pattern": "a(?=b)"}])
def test_a_schema_stored_before_its_bounds_rejects_the_fire_and_says_why(schema):
    old = make_api_change(payload_schema=schema)

    decision = rejected(decide_fire(make_fire(payload={"amount": 3}), old, None))

    assert decision.problem.code is Code.INVALID_SCHEMA
    assert decision.entry is not None
    assert decision.entry.status is EntryStatus.REJECTED
    assert [error.pointer for error in decision.entry.errors] == ["/payload_schema/pattern"]
