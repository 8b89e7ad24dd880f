"""Commands as they arrive: read whole or refused with the pointer of what is wrong."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contracts.factories import NOON, SECOND, instants, refusal_of
from trigger_contracts import commands
from trigger_contracts.commands import (
    CLOCK_TOLERANCE,
    CreateTrigger,
    DeleteTrigger,
    FireTrigger,
    TestTrigger,
    UpdateTrigger,
    accepted_at,
    command_id,
    parse_command,
    trigger_id_of,
)
from trigger_contracts.errors import Code, FieldError, Refused
from trigger_contracts.ids import instant_of, is_valid_id
from trigger_contracts.subjects import Verb

EVENT_ID = "019c0b5e-7d9c-7a51-8f10-3c1f1f2f6a55"
DELIVERY = {"event_id": EVENT_ID, "trigger_id": "t1", "target_id": "g1"}
SMALLEST: dict[Verb, dict[str, Any]] = {
    Verb.CREATE: {},
    Verb.TEST: {},
    Verb.UPDATE: {"trigger_id": "t1", "patch": {}},
    Verb.DELETE: {"trigger_id": "t1"},
    Verb.FIRE: {"trigger_id": "t1"},
    Verb.CREATE_TARGET: {},
    Verb.UPDATE_TARGET: {"target_id": "g1", "patch": {}},
    Verb.DELETE_TARGET: {"target_id": "g1"},
    Verb.ROTATE_TARGET: {"target_id": "g1", "secret": "sealed"},
    Verb.REDELIVER: {**DELIVERY, "round": 0},
    Verb.CANCEL: {**DELIVERY, "round": 1},
}
VERBS = pytest.mark.parametrize("verb", list(Verb))
BAD_IDS = pytest.mark.parametrize(
    "bad",
    [
        "",
        "a.b",
        "*",
        "a*",
        ">",
        "a b",
        " ",
        "a\r\nb",
        "a\n",
        "\x00",
        "x" * 65,
        "é",
        "a/b",
        5,
        [],
        {},
        True,
    ],
)


def refusal(verb: Verb, fields: Any) -> tuple[Code, list[str]]:
    with pytest.raises(Refused) as refused:
        parse_command(verb, fields)
    return refusal_of(refused.value)


@VERBS
def test_the_smallest_command_of_each_verb_is_read(verb: Verb):
    command = parse_command(verb, SMALLEST[verb])

    assert type(command) is commands.COMMANDS[verb]
    assert (command.schema_version, command.actor, command.command_id) == (1, "nats", None)


@VERBS
@pytest.mark.parametrize("fields", [None, 5, "text", [], [{}], True, 1.5])
def test_a_command_is_an_object(verb: Verb, fields: Any):
    assert refusal(verb, fields) == (Code.INVALID, [""])


@VERBS
@pytest.mark.parametrize("version", [0, 2, -1, 99, "1", None, [], {}, 1.5, True, 1.0])
def test_an_unknown_version_is_refused_and_never_guessed_at(verb: Verb, version: Any):
    fields = {**SMALLEST[verb], "schema_version": version, "unknown_field_of_later": 1}

    assert refusal(verb, fields) == (Code.UNKNOWN_SCHEMA_VERSION, ["/schema_version"])


@VERBS
@BAD_IDS
def test_no_command_id_enters_a_subject_unchecked(verb: Verb, bad: Any):
    assert refusal(verb, {**SMALLEST[verb], "command_id": bad}) == (Code.INVALID, ["/command_id"])


def named_by(verb: Verb) -> str:
    """The field with the id of what the command is about."""
    return "target_id" if verb.endswith("-target") else "trigger_id"


@VERBS
@BAD_IDS
def test_no_id_of_what_it_is_about_enters_a_subject_unchecked(verb: Verb, bad: Any):
    name = named_by(verb)
    assert refusal(verb, {**SMALLEST[verb], name: bad}) == (Code.INVALID, [f"/{name}"])


MUST_NAME = pytest.mark.parametrize(
    "verb",
    [
        *(Verb.UPDATE, Verb.DELETE, Verb.FIRE),
        *(Verb.UPDATE_TARGET, Verb.DELETE_TARGET, Verb.ROTATE_TARGET),
        *(Verb.REDELIVER, Verb.CANCEL),
    ],
)


@MUST_NAME
def test_what_it_is_about_must_be_named(verb: Verb):
    name = named_by(verb)
    fields = {key: value for key, value in SMALLEST[verb].items() if key != name}

    assert refusal(verb, fields) == (Code.INVALID, [f"/{name}"])


@MUST_NAME
def test_unknown_fields_are_refused(verb: Verb):
    assert refusal(verb, {**SMALLEST[verb], "oops/~": 1}) == (Code.INVALID, ["/oops~1~0"])


@pytest.mark.parametrize(
    ("verb", "field", "value"),
    [
        (Verb.CREATE, "accepted_at", "2027-01-01T00:00:00"),
        (Verb.CREATE, "accepted_at", "yesterday"),
        (Verb.CREATE, "actor", "x" * 101),
        (Verb.CREATE, "actor", None),
        (Verb.UPDATE, "expected_version", 0),
        (Verb.UPDATE, "expected_version", "x"),
        (Verb.UPDATE, "expected_version", "3"),
        (Verb.UPDATE, "expected_version", 3.0),
        (Verb.DELETE, "expected_version", True),
        (Verb.CREATE, "accepted_at", 1_800_000_000),
        (Verb.FIRE, "is_test", "yes"),
        (Verb.FIRE, "is_test", 1),
        (Verb.UPDATE, "patch", []),
        (Verb.UPDATE, "patch", "name"),
        (Verb.UPDATE, "definition", 5),
        (Verb.DELETE, "expected_version", -1),
        (Verb.DELETE, "expected_version", 1.5),
        (Verb.FIRE, "key", ""),
        (Verb.FIRE, "key", "x" * 256),
        *((Verb.FIRE, "key", key) for key in (" ", "\t", 5)),
        (Verb.FIRE, "is_test", "perhaps"),
        (Verb.FIRE, "is_test", None),
        (Verb.FIRE, "refused", "no"),
        (Verb.FIRE, "refused", []),
    ],
)
def test_a_wrong_type_is_pointed_at(verb: Verb, field: str, value: Any):
    assert refusal(verb, {**SMALLEST[verb], field: value}) == (Code.INVALID, [f"/{field}"])


@pytest.mark.parametrize("key", ["k k", "~" * 255])
@pytest.mark.parametrize("blanks", ["", " ", "\t", "  \t " * 99])
def test_blanks_around_a_key_are_none_of_it_as_in_a_header(key: str, blanks: str):
    fields = {**SMALLEST[Verb.FIRE], "key": f"{blanks}{key}{blanks}"}
    assert parse_command(Verb.FIRE, fields).model_dump(exclude_unset=True)["key"] == key


@pytest.mark.parametrize(
    "fields", [{}, {"patch": {}, "definition": {}}, {"patch": None, "definition": None}]
)
def test_an_update_is_either_a_patch_or_a_definition(fields: dict[str, Any]):
    assert refusal(Verb.UPDATE, {"trigger_id": "t1", **fields}) == (Code.INVALID, ["/patch"])


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.TEST])
def test_the_definition_stands_beside_the_commands_own_fields(verb: Verb):
    fields = {"name": "x", "paused": True, "definition": 1, "command_id": "c", "actor": "me"}

    command = parse_command(verb, fields)

    assert isinstance(command, CreateTrigger)
    assert command.definition == {"name": "x", "paused": True, "definition": 1}


@VERBS
def test_an_instant_is_read_from_its_text(verb: Verb):
    command = parse_command(
        verb, {**SMALLEST[verb], "accepted_at": "2027-01-26T13:00:00+01:00", "actor": "me"}
    )

    assert command.accepted_at == NOON


def test_what_the_gateway_refused_is_read_from_a_list():
    refused = [{"pointer": "/payload/a", "message": "no"}]

    command = parse_command(Verb.FIRE, {"trigger_id": "t1", "refused": refused, "is_test": True})

    assert isinstance(command, FireTrigger)
    assert command.refused == (FieldError(pointer="/payload/a", message="no"),)
    assert FireTrigger.model_validate_json(command.model_dump_json()) == command


def test_an_explicit_null_is_a_payload():
    given_null = parse_command(Verb.FIRE, {"trigger_id": "t1", "payload": None})
    none = parse_command(Verb.FIRE, {"trigger_id": "t1"})

    assert isinstance(given_null, FireTrigger)
    assert isinstance(none, FireTrigger)
    assert (given_null.has_payload, none.has_payload) == (True, False)


@pytest.mark.parametrize(
    ("fields", "fires"),
    [
        ({}, {"own": 1}),
        ({"payload": {"own": None, "given": 2}}, {"given": 2}),
        ({"replay_of": EVENT_ID}, {"own": 1}),
        ({"replay_of": EVENT_ID, "payload": {"given": None}}, {"given": None}),
        ({"replay_of": EVENT_ID, "payload": None}, None),
    ],
)
def test_a_payload_is_merged_over_the_triggers_own_but_that_of_a_replay_was(
    fields: dict[str, Any], fires: Any
):
    command = parse_command(Verb.FIRE, {"trigger_id": "t1", **fields})

    assert isinstance(command, FireTrigger)
    assert command.payload_over({"own": 1}) == fires


@pytest.mark.parametrize(
    "bad",
    [
        *("", "e", 5, [EVENT_ID], EVENT_ID.upper(), f"{EVENT_ID}\n", f"{{{EVENT_ID}}}"),
        *(EVENT_ID.replace("-", ""), EVENT_ID.replace("-7", "-4"), EVENT_ID.replace("-8", "-c")),
    ],
)
def test_an_event_that_is_repeated_is_named_as_the_log_writes_it(bad: Any):
    with pytest.raises(Refused) as caught:
        parse_command(Verb.FIRE, {"trigger_id": "t1", "replay_of": bad})

    assert refusal_of(caught.value) == (Code.INVALID, ["/replay_of"])


def test_a_test_command_is_no_create_to_whoever_matches_it_first():
    assert issubclass(TestTrigger, CreateTrigger)
    assert isinstance(parse_command(Verb.TEST, {}), TestTrigger)
    assert not isinstance(parse_command(Verb.CREATE, {}), TestTrigger)


@given(
    st.sampled_from(list(Verb)),
    st.dictionaries(
        st.sampled_from(["trigger_id", "patch", "payload", "key", "refused", "accepted_at", "x"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text()
        | st.lists(st.none())
        | st.dictionaries(st.text(), st.none()),
    ),
)
def test_any_object_is_a_command_or_refused(verb: Verb, fields: dict[str, Any]):
    try:
        parse_command(verb, fields)
    except Refused as refused:
        assert refused.problem.errors  # noqa: PT017  # both outcomes are right


@pytest.mark.parametrize("off", [timedelta(), SECOND, CLOCK_TOLERANCE, -CLOCK_TOLERANCE])
def test_a_plausible_instant_is_believed(off: timedelta):
    assert accepted_at(DeleteTrigger(trigger_id="t", accepted_at=NOON + off), NOON) == NOON + off


@pytest.mark.parametrize(
    "claimed",
    [
        NOON + CLOCK_TOLERANCE + timedelta(microseconds=1),
        NOON - CLOCK_TOLERANCE - timedelta(microseconds=1),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, tzinfo=timezone(timedelta(hours=-12))),
    ],
)
def test_beyond_the_tolerance_the_brokers_timestamp_counts(claimed: datetime):
    assert accepted_at(DeleteTrigger(trigger_id="t", accepted_at=claimed), NOON) == NOON


def test_without_an_instant_the_brokers_timestamp_counts():
    assert accepted_at(DeleteTrigger(trigger_id="t"), NOON) == NOON


def test_an_instant_with_an_offset_is_kept_in_utc():
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))

    believed = accepted_at(DeleteTrigger(trigger_id="t", accepted_at=elsewhere), NOON)

    assert believed == NOON
    assert believed.tzinfo is UTC


def test_a_command_is_known_by_its_own_id_then_the_messages_then_its_place():
    own = DeleteTrigger(trigger_id="t", command_id="own")
    anonymous = DeleteTrigger(trigger_id="t")

    assert command_id(own, "message", 7, NOON) == "own"
    assert command_id(anonymous, "message", 7, NOON) == "message"
    assert command_id(anonymous, None, 7, NOON) == f"nats-7-{int(NOON.timestamp())}000"
    assert command_id(None, "no.id at all", 7, NOON).startswith("nats-7-")


@given(st.integers(1, 2**63), instants(2000, 9000))
def test_an_id_made_of_a_place_is_an_id(stream_seq: int, stored_at: datetime):
    made = command_id(None, None, stream_seq, stored_at)

    assert is_valid_id(made)
    assert made != command_id(None, None, stream_seq + 1, stored_at)
    assert made != command_id(None, None, stream_seq, stored_at + SECOND)


def test_a_create_without_a_trigger_id_makes_the_same_one_each_time():
    command = CreateTrigger()

    made = trigger_id_of(command, "c1", NOON)

    assert is_valid_id(made)
    assert made == trigger_id_of(command, "c1", NOON) != trigger_id_of(command, "c2", NOON)
    assert trigger_id_of(CreateTrigger(trigger_id="mine"), "c1", NOON) == "mine"


def test_a_made_trigger_id_begins_with_its_instant():
    assert instant_of(UUID(trigger_id_of(CreateTrigger(), "c1", NOON))) == NOON


def test_an_update_may_carry_null_in_its_patch():
    command = parse_command(Verb.UPDATE, {"trigger_id": "t1", "patch": {"description": None}})

    assert isinstance(command, UpdateTrigger)
    assert command.patch == {"description": None}
