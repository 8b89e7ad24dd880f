"""What a command does to a trigger, and how a trigger is folded from its changes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.folding import evolve
from tests.unit.contracts.factories import (
    DAY,
    HOUR,
    NOON,
    SCHEMA,
    SECOND,
    TICK,
    after,
    api_fields,
    change,
    created,
    decide_on,
    fields,
    make_test,
    patched,
)
from trigger_contracts import payloads
from trigger_contracts.commands import CreateTrigger, DeleteTrigger, UpdateTrigger
from trigger_contracts.errors import Code
from trigger_contracts.events import ChangeKind, Status, TriggerChanged
from trigger_contracts.ids import occurrence_event_id
from trigger_contracts.schedule import Interval, Once
from trigger_contracts.trigger import (
    PREVIEWED_FIRES,
    Rejected,
    Trigger,
    Unchanged,
    complete,
    event_id_at,
    first_fire,
    next_fires,
    representation,
)

DELETE = DeleteTrigger(trigger_id="t1")


def rejected(decision: Any) -> tuple[Code, list[str]]:
    assert isinstance(decision, Rejected), decision
    return decision.problem.code, [error.pointer for error in decision.problem.errors]


def replaced(state: Trigger, definition: dict[str, Any], **options: Any) -> Any:
    command = UpdateTrigger(trigger_id="t1", definition=definition)
    return decide_on(command, state, **options)


def completed(state: Trigger) -> Trigger:
    return Trigger(complete(state, NOON + 2 * HOUR, 0), state.change_seq + 1)


def deleted(state: Trigger) -> Trigger:
    return after(state, decide_on(DELETE, state))


class TestCreate:
    def test_a_create_is_the_first_version(self):
        made = created(fields(interval=60)).change

        assert (made.kind, made.version, made.status) == (ChangeKind.CREATED, 1, Status.ACTIVE)
        assert made.creation_id == made.command_id == "c1"
        assert made.schedule == Interval(anchor=NOON, every=timedelta(minutes=1))
        assert made.armed_from == made.at == made.created_at == NOON
        assert not made.is_test

    def test_the_schedule_counts_from_the_acceptance_and_not_from_the_decision(self):
        """A command that waited while the scheduler was down fires what it was promised."""
        command = CreateTrigger.model_validate(fields(interval=60))

        made = change(decide_on(command, None, NOON, now=NOON + HOUR))

        assert made.armed_from == NOON
        assert first_fire(made) == NOON + 60 * SECOND
        assert made.at == NOON + HOUR

    def test_a_time_that_passed_while_the_command_waited_still_fires(self):
        command = CreateTrigger.model_validate(fields())

        made = change(decide_on(command, None, NOON, now=NOON + DAY))

        assert first_fire(made) == NOON + HOUR

    def test_an_id_in_use_is_refused(self):
        again = CreateTrigger.model_validate(fields())

        assert rejected(decide_on(again, created())) == (Code.TRIGGER_EXISTS, ["/trigger_id"])
        assert rejected(decide_on(again, completed(created())))[0] is Code.TRIGGER_EXISTS

    def test_a_deleted_triggers_id_is_another_trigger_with_later_versions(self):
        old = deleted(created())

        new = change(decide_on(CreateTrigger.model_validate(fields()), old, command_id="c9"))

        assert new.version == old.change.version + 1 == 3
        assert new.creation_id == "c9" != old.change.creation_id
        assert event_id_at(new, NOON + HOUR) != event_id_at(old.change, NOON + HOUR)

    @pytest.mark.parametrize(
        ("definition", "pointer"),
        [
            (fields(schedule_time="2027-01-26T11:59:59Z"), "/schedule_time"),
            (fields(schedule_time="2027-01-26T12:00:00Z"), "/schedule_time"),
            (fields(schedule_time="0001-01-01T00:00:00Z"), "/schedule_time"),
            (fields(interval=60, ends_at="2027-01-26T12:00:30Z"), "/ends_at"),
            (fields(interval=60, ends_at="2026-01-26T12:00:30Z"), "/ends_at"),
        ],
    )
    def test_a_schedule_that_would_never_fire_lies_in_the_past(self, definition, pointer):
        decision = decide_on(CreateTrigger.model_validate(definition), None)

        assert rejected(decision) == (Code.SCHEDULE_IN_PAST, [pointer])

    def test_an_interval_that_started_long_ago_goes_on_from_its_grid(self):
        made = created(fields(interval=3600, starts_at="2000-01-01T00:30:00Z")).change

        assert first_fire(made) == NOON + HOUR / 2

    def test_a_refused_definition_is_a_rejection(self):
        decision = decide_on(CreateTrigger.model_validate(fields(paused=True)), None)

        assert rejected(decision) == (Code.PAUSE_NOT_SUPPORTED, ["/paused"])


class TestUpdate:
    def test_a_patch_changes_what_it_names_and_nothing_else(self):
        state = created(fields(description="old", labels=["a"], payload={"x": 1, "y": 2}))

        made = change(patched(state, description="new", payload={"y": None, "z": 3}))

        assert made.definition.description == "new"
        assert made.definition.payload == {"x": 1, "z": 3}
        assert made.definition.labels == ("a",)
        assert (made.kind, made.version, made.command_id) == (ChangeKind.UPDATED, 2, "c2")
        assert made.created_at == state.change.created_at
        assert made.creation_id == "c1"

    def test_null_in_a_patch_returns_a_field_to_its_default(self):
        state = created(fields(description="x", timezone="Europe/Berlin", labels=["a"], payload=5))

        made = change(patched(state, description=None, timezone=None, labels=None, payload=None))

        assert made.definition.model_dump(exclude_defaults=True) == fields()

    @pytest.mark.parametrize("field", ["name", "type"])
    def test_what_a_trigger_needs_cannot_be_removed(self, field: str):
        assert rejected(patched(created(), **{field: None})) == (Code.INVALID, [f"/{field}"])

    @pytest.mark.parametrize(
        ("patch", "code", "pointer"),
        [
            ({"colour": None}, Code.INVALID, "/colour"),
            ({"trigger_id": None}, Code.INVALID, "/trigger_id"),
            ({"misfire": {"policy": "all", "a/b": None}}, Code.INVALID, "/misfire/a~1b"),
            ({"paused": None}, Code.PAUSE_NOT_SUPPORTED, "/paused"),
        ],
    )
    def test_a_null_for_an_unknown_name_is_not_passed_over(
        self, patch: dict[str, Any], code: Code, pointer: str
    ):
        assert rejected(patched(created(), **patch)) == (code, [pointer])

    def test_a_definition_replaces_the_whole(self):
        state = created(fields(description="x", labels=["a"]))

        made = change(replaced(state, fields(name="Coffee")))

        assert made.definition.model_dump(exclude_defaults=True) == fields(name="Coffee")

    @pytest.mark.parametrize("state", [created(), created(api_fields())])
    def test_a_trigger_keeps_its_type(self, state: Trigger):
        other = api_fields() if state.change.definition.type == "scheduled" else fields()

        assert rejected(replaced(state, other)) == (Code.INVALID, ["/type"])

    @pytest.mark.parametrize(
        "patch", [{}, {"name": "Tea"}, {"description": None}, {"timezone": "UTC"}]
    )
    def test_asking_for_what_is_changes_nothing(self, patch: dict[str, Any]):
        assert patched(created(), **patch) == Unchanged()

    @pytest.mark.parametrize(
        ("old", "new"), [(1, True), ({"a": [0]}, {"a": [False]}), ({"a": True}, {"a": 1})]
    )
    def test_what_python_takes_for_equal_is_an_edit_all_the_same(self, old: Any, new: Any):
        made = change(patched(created(fields(payload=old)), payload=new))

        assert repr(made.definition.payload) == repr(new)

    def test_the_order_of_keys_is_no_edit(self):
        state = created(fields(payload={"a": 1, "b": 2}))

        assert replaced(state, fields(payload={"b": 2, "a": 1.0})) == Unchanged()

    @pytest.mark.parametrize("state", [None, deleted(created())])
    @pytest.mark.parametrize("command", [UpdateTrigger(trigger_id="t1", patch={}), DELETE])
    def test_there_is_nothing_to_change_where_nothing_is(self, state, command):
        assert rejected(decide_on(command, state)) == (Code.NOT_FOUND, [])

    @pytest.mark.parametrize("version", [2, 99])
    def test_another_version_than_expected_is_refused(self, version: int):
        update = UpdateTrigger(trigger_id="t1", patch={"name": "x"}, expected_version=version)
        delete = DeleteTrigger(trigger_id="t1", expected_version=version)

        assert rejected(decide_on(update, created())) == (Code.VERSION_MISMATCH, [])
        assert rejected(decide_on(delete, created())) == (Code.VERSION_MISMATCH, [])

    def test_the_expected_version_is_accepted(self):
        update = UpdateTrigger(trigger_id="t1", patch={"name": "x"}, expected_version=1)

        assert change(decide_on(update, created())).version == 2

    def test_the_version_is_asked_before_anything_else(self):
        """A caller with a stale copy is told so, and not that its copy is wrong."""
        update = UpdateTrigger(trigger_id="t1", patch={"name": ""}, expected_version=9)

        assert rejected(decide_on(update, created()))[0] is Code.VERSION_MISMATCH

    def test_an_attempt_to_pause_is_refused(self):
        assert rejected(patched(created(), enabled=False))[0] is Code.PAUSE_NOT_SUPPORTED


class TestOneTime:
    def test_a_rename_of_a_completed_trigger_keeps_it_completed(self):
        made = change(patched(completed(created()), NOON + DAY, name="Cold tea"))

        assert (made.status, made.version) == (Status.COMPLETED, 2)
        assert first_fire(made) is None
        assert next_fires(made, NOON) == ()

    def test_a_rename_of_one_that_is_due_neither_fails_nor_fires_it_again(self):
        made = change(patched(created(), NOON + HOUR, cursor=NOON + HOUR, name="x"))

        assert made.armed_from == NOON
        assert made.status is Status.ACTIVE

    def test_a_new_time_arms_a_completed_trigger_again(self):
        made = change(
            patched(
                completed(created()),
                NOON + DAY,
                cursor=NOON + HOUR,
                schedule_time="2027-01-28T00:00:00Z",
            )
        )

        assert (made.status, made.version) == (Status.ACTIVE, 2)
        assert first_fire(made) == NOON + 1.5 * DAY

    def test_the_same_time_written_otherwise_arms_nothing(self):
        state = completed(created())

        made = change(patched(state, NOON + DAY, schedule_time="2027-01-26T14:00:00+01:00"))

        assert made.status is Status.COMPLETED
        assert made.armed_from == state.change.armed_from

    def test_a_time_in_the_past_is_refused(self):
        decision = patched(created(), NOON + 2 * HOUR, schedule_time="2027-01-26T13:30:00Z")

        assert rejected(decision) == (Code.SCHEDULE_IN_PAST, ["/schedule_time"])

    @pytest.mark.parametrize("time", ["2027-01-26T12:59:59Z", "2027-01-26T13:00:00.5Z"])
    def test_what_was_decided_is_not_asked_for_again(self, time: str):
        """An occurrence at or before the cursor would be fired twice, whatever the clock says."""
        state = created(fields(schedule_time="2027-01-26T13:00:00.5Z"))
        cursor = NOON + HOUR + SECOND / 2

        decision = patched(state, NOON, cursor=cursor, schedule_time=time, name="x")

        if time.endswith("13:00:00.5Z"):
            assert change(decision).armed_from == NOON, "the same time is no new one"
        else:
            assert rejected(decision) == (Code.SCHEDULE_IN_PAST, ["/schedule_time"])

    def test_a_time_accepted_before_it_passed_fires_late(self):
        """The scheduler was away when the edit came: the owner was told 202."""
        made = change(
            patched(created(), NOON, now=NOON + DAY, schedule_time="2027-01-26T12:30:00Z")
        )

        assert first_fire(made) == NOON + HOUR / 2


class TestInterval:
    STATE = created(fields(interval=600))
    GRID = STATE.change.schedule

    @pytest.mark.parametrize(
        "patch",
        [
            {"name": "x"},
            {"payload": {"a": 1}},
            {"timezone": "Europe/Berlin"},
            {"interval": "PT10M"},
            {"interval": 600.0, "labels": ["x"]},
        ],
    )
    def test_an_edit_of_other_things_keeps_the_grid(self, patch: dict[str, Any]):
        decision = patched(self.STATE, NOON + 95 * SECOND, **patch)

        if isinstance(decision, Unchanged):
            assert patch == {"interval": 600.0}
        else:
            assert change(decision).schedule == self.GRID
            assert change(decision).armed_from == self.STATE.change.armed_from

    def test_another_end_keeps_the_phase(self):
        """Editing ``ends_at`` is what we offer instead of a pause: it must not shift anything."""
        ending = change(patched(self.STATE, NOON + 95 * SECOND, ends_at="2027-01-26T12:30:00Z"))

        assert ending.schedule == Interval(anchor=NOON, every=600 * SECOND, ends_at=NOON + HOUR / 2)
        assert next_fires(ending, NOON) == tuple(NOON + n * 600 * SECOND for n in (1, 2, 3))

    def test_a_later_end_takes_a_completed_trigger_up_again_in_phase(self):
        state = created(fields(interval=600, ends_at="2027-01-26T13:00:00Z"))

        made = change(
            patched(
                completed(state),
                NOON + DAY + SECOND,
                cursor=NOON + HOUR,
                ends_at="2027-02-26T13:00:00Z",
            )
        )

        assert made.status is Status.ACTIVE
        assert first_fire(made) == NOON + DAY + 600 * SECOND

    def test_another_interval_counts_from_the_edit(self):
        edit = NOON + 95 * SECOND

        made = change(patched(self.STATE, edit, interval=60))

        assert made.schedule == Interval(anchor=edit, every=60 * SECOND)
        assert first_fire(made) == edit + 60 * SECOND

    def test_a_start_is_a_new_grid(self):
        made = change(patched(self.STATE, NOON + SECOND, starts_at="2027-01-26T12:05:00Z"))

        assert first_fire(made) == NOON + 300 * SECOND

    def test_an_edit_never_fires_at_once(self):
        """Not even where the new grid has occurrences between acceptance and decision."""
        now = NOON + 1000 * SECOND

        made = change(patched(self.STATE, NOON, now=now, interval=1))

        assert made.armed_from == now
        assert first_fire(made) == now + SECOND

    def test_an_edit_repeats_nothing_that_was_decided(self):
        """The cursor may be ahead of the clock, after it was set back."""
        cursor = NOON + HOUR

        made = change(patched(self.STATE, NOON, cursor=cursor, interval=7))

        fire = first_fire(made)
        assert fire is not None
        assert cursor < fire <= cursor + 7 * SECOND

    def test_an_end_that_has_passed_is_refused(self):
        decision = patched(self.STATE, NOON + HOUR, ends_at="2027-01-26T12:30:00Z")

        assert rejected(decision) == (Code.SCHEDULE_IN_PAST, ["/ends_at"])

    def test_one_time_and_interval_change_into_each_other(self):
        into = change(patched(created(), NOON + SECOND, schedule_time=None, interval=60))
        back = change(patched(self.STATE, interval=None, schedule_time="2027-01-26T15:00:00Z"))

        assert into.schedule == Interval(anchor=NOON + SECOND, every=60 * SECOND)
        assert back.schedule == Once(at=NOON + 3 * HOUR)


class TestDelete:
    @pytest.mark.parametrize("state", [created(), completed(created()), created(api_fields())])
    def test_a_delete_is_a_version_of_its_own(self, state: Trigger):
        made = change(decide_on(DELETE, state))

        assert (made.kind, made.status, made.version) == (ChangeKind.DELETED, Status.DELETED, 2)
        assert made.definition == state.change.definition
        assert first_fire(made) is None
        assert next_fires(made, NOON) == ()

    def test_a_second_delete_finds_nothing(self):
        assert rejected(decide_on(DELETE, deleted(created())))[0] is Code.NOT_FOUND


class TestTests:
    def test_a_test_lives_until_its_time_and_is_marked(self):
        made = change(decide_on(make_test(**fields()), None))

        assert made.is_test
        assert first_fire(made) == NOON + HOUR
        assert next_fires(made, NOON) == (NOON + HOUR,)

    @pytest.mark.parametrize("definition", [fields(interval=600), api_fields(payload={"a": 1})])
    def test_what_recurs_or_has_no_time_fires_once_at_once(self, definition: dict[str, Any]):
        made = change(decide_on(make_test(**definition), None, now=NOON + SECOND))

        assert made.schedule == Once(at=NOON)
        assert first_fire(made) == NOON

    def test_a_test_needs_no_name(self):
        made = change(decide_on(make_test(type="scheduled", interval=60), None))

        assert made.definition.name == "test"

    def test_a_test_is_validated_as_the_real_thing(self):
        assert rejected(decide_on(make_test(**fields(paused=True)), None))[0] is (
            Code.PAUSE_NOT_SUPPORTED
        )
        assert rejected(
            decide_on(make_test(**fields(schedule_time="2020-01-01T00:00Z")), None)
        ) == (
            Code.SCHEDULE_IN_PAST,
            ["/schedule_time"],
        )
        wrong = api_fields(payload={"amount": "x"}, payload_schema=SCHEMA)
        assert rejected(decide_on(make_test(**wrong), None)) == (
            Code.PAYLOAD_SCHEMA_MISMATCH,
            ["/payload/amount"],
        )
        right = api_fields(payload={"amount": 1}, payload_schema=SCHEMA)
        assert change(decide_on(make_test(**right), None)).is_test

    @pytest.mark.parametrize("state", [created(), completed(created()), deleted(created())])
    def test_a_test_never_takes_the_place_of_an_owners_trigger(self, state: Trigger):
        assert rejected(decide_on(make_test(**fields(trigger_id="t1")), state)) == (
            Code.TRIGGER_EXISTS,
            ["/trigger_id"],
        )

    def test_a_test_cannot_be_edited_or_deleted(self):
        state = Trigger(change(decide_on(make_test(**fields()), None)), 1)

        assert rejected(patched(state, name="x"))[0] is Code.NOT_FOUND
        assert rejected(decide_on(DELETE, state))[0] is Code.NOT_FOUND


def test_a_completion_keeps_the_version_and_the_definition():
    state = created()

    made = complete(state, NOON + 2 * HOUR, 0)

    assert (made.kind, made.status) == (ChangeKind.COMPLETED, Status.COMPLETED)
    assert (made.version, made.definition) == (1, state.change.definition)
    assert made.command_id != state.change.command_id
    assert first_fire(made) is None


def test_an_events_id_belongs_to_the_creation_and_not_to_the_version():
    state = created(fields(interval=60))
    edited = change(patched(state, name="x"))

    assert event_id_at(edited, NOON) == event_id_at(state.change, NOON)
    assert event_id_at(edited, NOON) == occurrence_event_id("t1", "c1", NOON)


def test_a_preview_shows_a_few_occurrences_after_now_and_after_the_arming():
    made = created(fields(interval=60)).change

    assert len(next_fires(made, NOON - DAY)) == PREVIEWED_FIRES
    assert next_fires(made, NOON - DAY)[0] == NOON + 60 * SECOND
    assert next_fires(made, NOON + HOUR)[0] == NOON + HOUR + 60 * SECOND
    assert next_fires(None, NOON) == ()
    assert next_fires(created(api_fields()).change, NOON) == ()


def test_the_representation_shows_what_was_written_and_where_it_stands():
    shown = representation(created(fields(payload={"a": None})).change, NOON + HOUR)

    assert shown["id"] == "t1"
    assert shown["payload"] == {"a": None}
    assert shown["schedule_time"] == "2027-01-26T13:00:00Z"
    assert (shown["status"], shown["version"]) == ("active", 1)
    assert shown["next_fire_at"] == "2027-01-26T13:00:00Z"
    assert shown["created_at"] == shown["updated_at"] == "2027-01-26T12:00:00Z"
    assert representation(created().change, None)["next_fire_at"] is None


def test_the_representation_counts_fires_where_they_are_limited():
    limited = created(fields(interval=60, max_fires=9)).change
    edited = limited.model_copy(update={"fires": 3})

    assert representation(limited, None)["fires"] == 0
    assert representation(edited, None)["fires"] == 3
    assert representation(edited, None, 5)["fires"] == 5
    assert representation(edited, None, 2)["fires"] == 3, "a change knows what came before it"
    unlimited = created(fields(interval=60)).change.model_copy(update={"fires": 3})
    assert representation(unlimited, None, 5)["fires"] == 0


COMMANDS = st.lists(
    st.sampled_from(
        [
            CreateTrigger.model_validate(fields(interval=60)),
            CreateTrigger.model_validate(fields()),
            UpdateTrigger(trigger_id="t1", patch={"name": "x"}),
            UpdateTrigger(trigger_id="t1", patch={"payload": {"a": 1}}),
            UpdateTrigger(trigger_id="t1", patch={"interval": 7, "schedule_time": None}),
            UpdateTrigger(
                trigger_id="t1", patch={"interval": None, "schedule_time": "2027-03-01T00:00Z"}
            ),
            UpdateTrigger(trigger_id="t1", patch={"ends_at": "2027-02-01T00:00Z"}),
            UpdateTrigger(trigger_id="t1", patch={"name": "y"}, expected_version=1),
            DELETE,
            "complete",
        ]
    ),
    max_size=12,
)


def history(commands: list[Any]) -> list[tuple[TriggerChanged, int]]:
    """What a scheduler would append for these commands, one a minute."""
    state: Trigger | None = None
    changes: list[tuple[TriggerChanged, int]] = []
    for number, command in enumerate(commands):
        at = NOON + number * 60 * SECOND
        if command == "complete":
            if state is None or state.change.status is not Status.ACTIVE:
                continue
            made = complete(state, at, 0)
        else:
            decision = decide_on(command, state, at, command_id=f"c{number}")
            if isinstance(decision, Rejected | Unchanged):
                continue
            made = change(decision)
        seq = 10 * (number + 1)
        changes.append((made, seq))
        state = evolve(state, made, seq)
    return changes


def fold(changes: list[tuple[TriggerChanged, int]]) -> Trigger | None:
    state: Trigger | None = None
    for one, seq in changes:
        state = evolve(state, one, seq)
    return state


@given(COMMANDS, st.data())
def test_folding_what_was_applied_changes_nothing(commands: list[Any], data: st.DataObject):
    changes = history(commands)
    whole = fold(changes)
    begin, end = sorted(data.draw(st.integers(0, len(changes))) for _ in range(2))

    assert fold(changes + changes[begin:end]) == whole
    assert fold(changes[:end] + changes[begin:]) == whole
    assert fold([one for change_twice in changes for one in (change_twice, change_twice)]) == whole


@given(COMMANDS)
def test_a_history_is_one_of_growing_versions_and_fires_ahead(commands: list[Any]):
    changes = history(commands)

    versions = [one.version for one, _ in changes]
    assert versions == sorted(versions)
    assert changes == [] or changes[0][0].version == 1
    for one, _ in changes:
        assert TriggerChanged.model_validate_json(one.model_dump_json()) == one
        fire = first_fire(one)
        assert fire is None or fire > one.armed_from
        if one.kind is not ChangeKind.COMPLETED:
            assert [*versions].count(one.version) <= 2


@given(COMMANDS, st.integers(0, 11))
def test_the_newest_change_is_the_trigger(commands: list[Any], skipped: int):
    """Full state in each event: whoever missed some knows the same as whoever saw all."""
    changes = history(commands)

    assert fold(changes[-1:]) == fold(changes)
    assert fold(changes[:skipped] + changes[-1:]) == fold(changes)


def test_an_older_change_never_replaces_a_newer():
    new, old = created(), created(fields(name="old"))

    state = evolve(Trigger(new.change, 5), old.change, 4)

    assert state.change is new.change
    assert evolve(state, old.change, 5) is state
    assert evolve(state, old.change, 6).change is old.change


def test_an_occurrence_at_its_own_acceptance_is_armed_from_just_before():
    made = change(decide_on(make_test(type="api"), None))

    assert made.armed_from == NOON - TICK


def test_a_schema_that_stays_as_it_is_stored_is_not_compiled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = created(api_fields(payload_schema={"minimum": 1}))
    checked: list[Any] = []
    check_schema = payloads.check_schema

    def check(schema: Any) -> None:
        checked.append(schema)
        check_schema(schema)

    monkeypatch.setattr(payloads, "check_schema", check)
    renamed = after(state, patched(state, name="renamed"))
    assert change(replaced(renamed, api_fields(name="b", payload_schema={"minimum": 1}))).version
    assert checked == []
    assert change(patched(state, payload_schema={"minimum": 2})).version == 2
    # Equal for Python, and another schema.
    assert rejected(patched(state, payload_schema={"minimum": True}))[0] is Code.INVALID_SCHEMA
    assert checked == [{"minimum": 2}, {"minimum": True}]
