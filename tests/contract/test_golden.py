"""Golden files: the messages of every release so far, which every later one must understand.

``golden/<type>.v<version>.json`` holds examples of one message type in one schema version, as
they stood on the wire. **A file is never changed once it is released**: logs keep messages for
years, clients keep writing what they wrote. A field that is added with a default leaves the
old files as they are, and they still pass; a file of its own beside them has it
(``<type>.v<version>+<what>.json``). A change that an old file does not survive needs a
new schema version, with a file of its own beside the old one.
"""

import importlib
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import trigger_contracts
from tests.support.folding import evolve
from trigger_contracts import (
    commands,
    cron,
    definition,
    deliveries,
    errors,
    events,
    idempotency,
    misfire,
    preview,
    schedule,
    targets,
)
from trigger_contracts.commands import COMMANDS, Command, parse_command
from trigger_contracts.dead_letters import KEPT_BYTES
from trigger_contracts.deliveries import health, outcomes, probes
from trigger_contracts.deliveries import records as delivery_records
from trigger_contracts.deliveries.health import health_in
from trigger_contracts.deliveries.records import DeliveryAttempted, record_in
from trigger_contracts.errors import Code, Problem
from trigger_contracts.events import (
    DEAD_LETTER,
    DUE_RECORD,
    CloudEvent,
    DeadLetter,
    EntryStatus,
    Status,
    TriggerChanged,
)
from trigger_contracts.records import target_in
from trigger_contracts.schedule import Interval, Limited, Once
from trigger_contracts.strict_json import parse
from trigger_contracts.targets import changes as target_changes
from trigger_contracts.targets import fields as target_fields
from trigger_contracts.trigger import Trigger, first_fire

FOLDER = Path(__file__).with_name("golden")
FILES = sorted(FOLDER.glob("*.json"))

PARTS: set[type[BaseModel]] = {
    *(Command, commands._OfDelivery, events._DueRecord),  # what several messages have in common
    *(definition.Definition, definition.MisfireFields, errors.FieldError),
    *(schedule.Once, schedule.Interval, cron.Cron, schedule.Limited, misfire.Misfire),
    *(target_fields.TargetDefinition, target_fields.Rate, target_changes.SigningSecret),
    *(preview.Occurrence, preview.ClockChange),
    events.LogEntry,  # the ``data`` of a CloudEvent
    delivery_records._Record,
    *(probes.ProbeOutcome, idempotency.ClaimedDelivery),
    # the ``data`` of a DeliveryEvent
    *(delivery_records.DeliveryPlanned, DeliveryAttempted, delivery_records.DeliveryEnded),
    *(health.HealthChanged, health.HealthCause),  # the ``data`` of a HealthEvent
}
"""Models that never travel alone: they are in the files of the messages they are part of."""

HISTORY_SEQS = [11, 14, 20, 25, 31, 40, 44, 52, 60]


def message_types() -> dict[str, type[BaseModel]]:
    """Every model of the contracts that is a message by itself, by the name of its file."""
    found: dict[str, type[BaseModel]] = {}
    modules = [
        *pkgutil.iter_modules(trigger_contracts.__path__, "trigger_contracts."),
        *pkgutil.iter_modules(deliveries.__path__, "trigger_contracts.deliveries."),
        *pkgutil.iter_modules(targets.__path__, "trigger_contracts.targets."),
    ]
    for module in modules:
        loaded = importlib.import_module(module.name)
        for value in vars(loaded).values():
            if (
                isinstance(value, type)
                and issubclass(value, BaseModel)
                and value.__module__ == loaded.__name__
                and value not in PARTS
            ):
                found[re.sub(r"(?<!^)(?=[A-Z])", "-", value.__name__).lower()] = value
    return found


def examples(name: str) -> list[Any]:
    files = [FOLDER / f"{name}.v1.json", *sorted(FOLDER.glob(f"{name}.v1+*.json"))]
    return [example for file in files for example in parse(file.read_bytes())]


def current_version(model: type[BaseModel]) -> int:
    """A message without a version of its own is defined by the standard it follows."""
    field = model.model_fields.get("schema_version")
    return 1 if field is None else field.default


def assert_kept(golden: Any, came_back: Any, at: str = "") -> None:
    """All that was written is there, unchanged; a later release may add fields to objects."""
    if isinstance(golden, dict) and isinstance(came_back, dict):
        for key, value in golden.items():
            assert key in came_back, f"{at}/{key} is gone"
            assert_kept(value, came_back[key], f"{at}/{key}")
    elif isinstance(golden, list) and isinstance(came_back, list):
        assert len(golden) == len(came_back), at
        for place, (one, other) in enumerate(zip(golden, came_back, strict=True)):
            assert_kept(one, other, f"{at}/{place}")
    else:
        assert json.dumps(golden) == json.dumps(came_back), at


@pytest.mark.parametrize("name", sorted(message_types()))
def test_every_message_type_has_a_golden_file_of_its_version(name: str):
    version = current_version(message_types()[name])

    assert (FOLDER / f"{name}.v{version}.json").is_file()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_golden_file_belongs_to_a_type_and_holds_examples(file: Path):
    name = re.fullmatch(r"([a-z-]+)\.v\d+(?:\+[a-z-]+)?\.json", file.name)

    assert name is not None
    assert name[1] in message_types()
    assert parse(file.read_bytes())


def test_every_field_of_a_definition_and_of_a_row_was_written_once():
    """A field that is added comes with a message that has it."""
    definitions = [
        message.get("definition") or message
        for name in ("create-trigger", "update-trigger", "trigger-changed")
        for message in examples(name)
    ]
    assert set(definition.Definition.model_fields) - set().union(*definitions) == set()
    made = examples("create-target")
    assert set(target_fields.TargetDefinition.model_fields) - set().union(*made) == set()
    rows = [event["data"] for event in examples("cloud-event")]
    assert set(events.LogEntry.model_fields) - set().union(*rows) == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_was_written_is_read_and_written_again_as_it_was(file: Path):
    model = message_types()[file.name.partition(".")[0]]

    for golden in parse(file.read_bytes()):
        text = json.dumps(golden).encode()
        read = model.model_validate_json(text)
        # A command is what its sender wrote: defaults are ours and not on the wire.
        written = read.model_dump_json(exclude_unset=isinstance(read, Command))
        assert_kept(golden, json.loads(written))
        assert model.model_validate_json(written) == read


@pytest.mark.parametrize("verb", list(COMMANDS))
def test_golden_commands_are_accepted(verb):
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", COMMANDS[verb].__name__).lower()
    for golden in examples(name):
        command = parse_command(verb, golden)

        assert type(command) is COMMANDS[verb]
        assert_kept(golden, command.model_dump(mode="json", exclude_unset=True))


def test_a_history_folds_to_the_state_it_always_folded_to():
    state: Trigger | None = None
    told = []
    for golden, seq in zip(examples("trigger-changed"), HISTORY_SEQS, strict=True):
        state = evolve(state, TriggerChanged.model_validate(golden), seq)
        change = state.change
        fire = first_fire(change)
        told.append(
            (
                change.kind.value,
                change.version,
                change.status.value,
                change.definition.name,
                None if fire is None else fire.isoformat(),
            )
        )

    assert told == [
        ("created", 1, "active", "Tea", "2027-01-26T14:00:00+00:00"),
        ("updated", 2, "active", "Green tea", "2027-01-26T14:00:00+00:00"),
        ("completed", 2, "completed", "Green tea", None),
        ("updated", 3, "active", "Backup", "2027-01-26T16:15:00+00:00"),
        ("deleted", 4, "deleted", "Backup", None),
        ("created", 5, "active", "Order", None),
        ("deleted", 6, "deleted", "Order", None),
        ("created", 7, "active", "Opening hours", "2027-01-27T08:00:02.250000+00:00"),
        ("checkpointed", 7, "active", "Opening hours", "2027-01-27T08:00:02.250000+00:00"),
    ]
    assert state is not None
    assert (state.change_seq, state.change.creation_id) == (60, "create-3")
    assert state.change.fires == 2


def test_a_history_folds_the_same_from_any_point_and_after_repetition():
    changes = [TriggerChanged.model_validate(golden) for golden in examples("trigger-changed")]
    numbered = list(zip(changes, HISTORY_SEQS, strict=True))

    def fold(steps: list[tuple[TriggerChanged, int]]) -> Trigger | None:
        state = None
        for change, seq in steps:
            state = evolve(state, change, seq)
        return state

    for start in range(len(numbered)):
        assert fold(numbered[start:]) == fold(numbered)
        assert fold([*numbered, *numbered[start:]]) == fold(numbered)


def test_a_history_of_targets_is_read_and_has_every_kind_and_status():
    changes = [
        target_in(f"trigger.target.{golden['target_id']}", json.dumps(golden).encode())
        for golden in examples("target-changed")
    ]

    assert {change.kind for change in changes} == set(target_changes.TargetChangeKind)
    assert {change.status for change in changes} == set(target_changes.TargetStatus)
    told = [(one.kind.value, one.target_id, one.version, len(one.secrets)) for one in changes]
    assert told == [
        ("created", "orders", 1, 1),
        ("updated", "orders", 2, 1),
        ("rotated", "orders", 3, 2),
        ("deleted", "orders", 4, 0),
        ("created", "paid", 1, 0),
    ]


def test_the_history_has_every_kind_and_status():
    changes = [TriggerChanged.model_validate(golden) for golden in examples("trigger-changed")]

    assert {change.kind for change in changes} == set(events.ChangeKind)
    assert {change.status for change in changes} == set(Status)
    kinds = {type(change.schedule) for change in changes}
    assert kinds == {Once, Interval, Limited, type(None)}
    assert {
        type(change.schedule.rule) for change in changes if isinstance(change.schedule, Limited)
    }


def test_due_records_are_told_apart_by_their_kind():
    for name in ("due", "missed", "fence"):
        for golden in examples(name):
            record = DUE_RECORD.validate_python(golden)
            assert record.kind == golden["kind"] == name


def test_every_status_of_the_log_has_an_event():
    entries = [CloudEvent.model_validate(golden) for golden in examples("cloud-event")]

    assert {event.data.status for event in entries} == set(EntryStatus)
    for event in entries:
        assert event.id == event.data.event_id
        assert event.type == f"trigger.{event.data.status}.v1"
        assert event.time == event.data.logged_at
        if event.data.status is EntryStatus.REJECTED:
            assert event.data.payload is None


def test_records_of_deliveries_are_read_and_have_every_field_kind_and_outcome():
    records = [
        record_in(f"trigger.delivery.{golden['subject']}", json.dumps(golden).encode())
        for golden in examples("delivery-event")
    ]
    attempts = [record for record in records if isinstance(record, DeliveryAttempted)]

    assert {record.kind for record in records} == {"planned", "attempted", "ended"}
    assert {attempt.outcome for attempt in attempts} == set(outcomes.Outcome)
    assert {attempt.final for attempt in attempts} == {None, *outcomes.Final}
    for model in {type(record) for record in records}:
        own = [golden["data"] for golden in examples("delivery-event")]
        assert set(model.model_fields) - set().union(*own) == set()


def test_changes_of_health_are_read_and_have_every_kind():
    facts = [
        health_in(f"trigger.health.{golden['subject']}", json.dumps(golden).encode())
        for golden in examples("health-event")
    ]

    assert {fact.change for fact in facts} == set(health.HealthChange)


def test_golden_problems_keep_their_codes():
    for golden in examples("problem"):
        problem = Problem.model_validate(golden)
        assert problem.type == f"urn:etp:problem:{Code(problem.code)}"


@pytest.mark.parametrize(
    "name",
    [
        "trigger-changed",
        "target-changed",
        "cloud-event",
        "command-done",
        "target-done",
        "dead-letter",
    ],
)
def test_an_error_about_a_message_quotes_nothing_of_it(name: str):
    """Errors are logged, and payloads never are."""
    model = message_types()[name]
    spoilt = {key: ["canary"] for key in model.model_fields}

    with pytest.raises(ValidationError) as raised:
        model.model_validate(spoilt)

    assert "canary" not in str(raised.value) + repr(raised.value)


@pytest.mark.parametrize("adapter", [DUE_RECORD, DEAD_LETTER])
def test_an_error_about_what_is_none_of_several_messages_quotes_nothing_either(adapter: Any):
    for spoilt in ({"kind": "due", "trigger_id": ["canary"]}, {"reason": ["canary"]}, ["canary"]):
        with pytest.raises(ValidationError) as raised:
            adapter.validate_python(spoilt)
        assert "canary" not in str(raised.value)


def test_dead_letters_keep_the_original():
    text, binary = (DeadLetter.model_validate(golden) for golden in examples("dead-letter"))

    assert (text.encoding, binary.encoding) == ("utf-8", "base64")
    assert len(text.body) < KEPT_BYTES
