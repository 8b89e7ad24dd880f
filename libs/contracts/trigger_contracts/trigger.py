"""The trigger: what a command does to one, decided without any I/O.

``decide`` says what a command means for a trigger as it stands. It is pure: instants are
arguments. The scheduler appends what it returns under the condition that nobody else changed the
trigger meanwhile; a change holds the full state, so the newest one is the trigger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from . import payloads
from .commands import (
    CreateTrigger,
    DeleteTrigger,
    TestTrigger,
    UpdateTrigger,
    id_of_test_target,
)
from .definition import SCHEDULE_FIELDS, Definition, check_patch, parse_definition
from .errors import Code, FieldError, Problem, Refused, combined, refused, version_mismatch
from .events import ChangeKind, Status, TriggerChanged
from .faults import Further, accepted, all_of, keeps_type
from .future import must_fire
from .ids import occurrence_event_id
from .preview import Occurrence, occurrence
from .schedule import (
    AnySchedule,
    Interval,
    Limited,
    Once,
    following,
    max_fires_of,
    rule_of,
    upcoming,
)
from .schedule_fields import schedule_of, written_locally
from .strict_json import canonical
from .targets.in_tests import TestTarget, written_out

PREVIEWED_FIRES = 5
"""Upcoming occurrences shown before and after an edit."""

_TICK = timedelta(microseconds=1)
"""The resolution of instants: an occurrence at its own acceptance is armed from just before."""

StateCommand = CreateTrigger | TestTrigger | UpdateTrigger | DeleteTrigger


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger as the log of changes has it: the newest change, and where it stands there."""

    change: TriggerChanged
    change_seq: int

    @property
    def exists(self) -> bool:
        return self.change.status is not Status.DELETED


@dataclass(frozen=True, slots=True)
class Moment:
    """The instants a decision depends on.

    ``accepted_at`` is when the command was stored, ``now`` the clock of record;
    ``cursor`` the instant up to which the trigger's occurrences are decided, ``fires`` how
    often its schedule has fired by then where that is limited.
    """

    accepted_at: datetime
    now: datetime
    cursor: datetime | None = None
    fires: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """The command takes effect: append this change."""

    change: TriggerChanged


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The command asks for what already is."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The command is refused and changes nothing."""

    problem: Problem


Decision = Changed | Unchanged | Rejected


def decide(
    command: StateCommand,
    state: Trigger | None,
    moment: Moment,
    *,
    trigger_id: str,
    command_id: str,
) -> Decision:
    """What ``command`` means for the trigger ``trigger_id`` as it stands."""
    try:
        match command:
            case TestTrigger():
                return _test(command, state, moment, trigger_id, command_id)
            case CreateTrigger():
                return _create(command, state, moment, trigger_id, command_id)
            case UpdateTrigger():
                return _update(command, state, moment, command_id)
            case DeleteTrigger():
                return _delete(command, state, moment, command_id)
    except Refused as refusal:
        return Rejected(refusal.problem)


def complete(state: Trigger, at: datetime, fires: int) -> TriggerChanged:
    """The change that says a trigger has no further occurrence, after ``fires`` counted ones."""
    return state.change.model_copy(
        update={
            "kind": ChangeKind.COMPLETED,
            "status": Status.COMPLETED,
            "command_id": f"complete-{state.change_seq}",
            "actor": "scheduler",
            "at": at,
            "armed_from": at,
            "fires": fires,
        }
    )


def checkpoint(state: Trigger, at: datetime, fires: int) -> TriggerChanged:
    """The change that changes nothing but keeps a count beyond the log's 48 h."""
    return state.change.model_copy(
        update={
            "kind": ChangeKind.CHECKPOINTED,
            "command_id": f"checkpoint-{state.change_seq}",
            "actor": "scheduler",
            "checkpointed_at": at,
            "fires": fires,
        }
    )


def counted_fires(change: TriggerChanged, old: AnySchedule | None, fires: int) -> int:
    """How often the schedule of ``change`` has fired, if the one before it had ``fires`` times.

    A count begins with the version that limits it, and ends with the limit.
    """
    if max_fires_of(change.schedule) is None:
        return 0
    return max(change.fires, fires) if max_fires_of(old) is not None else change.fires


def _create(
    command: CreateTrigger,
    state: Trigger | None,
    moment: Moment,
    trigger_id: str,
    command_id: str,
) -> Decision:
    if state is not None and state.exists:
        raise refused(
            Code.TRIGGER_EXISTS, f"the trigger {trigger_id} exists", pointer="/trigger_id"
        )
    definition, schedule = accepted(
        command.definition, moment.accepted_at, trigger_id, (has_a_future(moment.accepted_at),)
    )
    return Changed(
        TriggerChanged(
            kind=ChangeKind.CREATED,
            trigger_id=trigger_id,
            creation_id=command_id,
            command_id=command_id,
            # Counting on where a deleted trigger ended keeps its old ETags stale.
            version=1 if state is None else state.change.version + 1,
            status=Status.ACTIVE,
            definition=definition,
            schedule=schedule,
            armed_from=moment.accepted_at,
            actor=command.actor,
            at=moment.now,
            created_at=moment.now,
            created_by=command.actor,
        )
    )


def _test(
    command: TestTrigger,
    state: Trigger | None,
    moment: Moment,
    trigger_id: str,
    command_id: str,
) -> Decision:
    """A trigger that lives until it has fired once: at its time, or at once where it has none."""
    if state is not None:
        # Its change would stand in the place of the owner's, and go with the test.
        raise refused(
            Code.TRIGGER_EXISTS, f"the id {trigger_id} is or was in use", pointer="/trigger_id"
        )
    definition, schedule = tested(command.definition, moment.accepted_at)
    target: TestTarget | None = None
    if isinstance(command.target, str):
        definition = definition.model_copy(update={"targets": (command.target,)})
    elif command.target is not None:
        target_id = id_of_test_target(command_id, moment.accepted_at)
        target = written_out(command.target, target_id)
        definition = definition.model_copy(update={"targets": ()})
    rule = None if schedule is None else rule_of(schedule)
    fires_at = rule.at if isinstance(rule, Once) else moment.accepted_at
    return Changed(
        TriggerChanged(
            kind=ChangeKind.CREATED,
            trigger_id=trigger_id,
            creation_id=command_id,
            command_id=command_id,
            version=1,
            status=Status.ACTIVE,
            definition=definition,
            schedule=Once(at=fires_at),
            armed_from=fires_at - _TICK,
            is_test=True,
            actor=command.actor,
            at=moment.now,
            created_at=moment.now,
            created_by=command.actor,
            test_target=target,
        )
    )


def tested(
    fields: Mapping[str, Any], accepted_at: datetime
) -> tuple[Definition, AnySchedule | None]:
    """The definition of a test, and its schedule; raises ``Refused`` with every fault."""
    return accepted(
        {"name": "test", **fields},
        accepted_at,
        further=(has_a_future(accepted_at), _OWN_PAYLOAD_MATCHES),
    )


def has_a_future(accepted_at: datetime) -> Further:
    """The check that it fires at all, if accepted then."""

    def check(definition: Definition, schedule: AnySchedule | None) -> None:
        must_fire(definition, schedule, accepted_at)

    return Further(_OF_A_SCHEDULE, check)


def _own_payload_matches(definition: Definition, _: AnySchedule | None) -> None:
    schema = definition.compiled_schema
    found = None if schema is None else schema.mismatch(definition.payload)
    if found is not None:
        raise Refused(found)


_OF_A_SCHEDULE = SCHEDULE_FIELDS | {"type"}
_OWN_PAYLOAD_MATCHES = Further(
    frozenset({"payload", "payload_schema", "type"}), _own_payload_matches
)


def _update(
    command: UpdateTrigger, state: Trigger | None, moment: Moment, command_id: str
) -> Decision:
    if command.patch is not None and (state is None or not state.exists):
        check_patch(command.patch)
    old = _existing(state, command.trigger_id, command.expected_version)
    fields: Any = command.definition
    if command.patch is not None:
        # A merge patch acts on what the owner set; a field set to null returns to its default.
        fields = payloads.merge(old.definition.model_dump(exclude_defaults=True), command.patch)
    # A patch that names nothing of it leaves it as it is: also where it was accepted by an earlier
    # version, and would not be today.
    reads_schedule = command.patch is None or not SCHEDULE_FIELDS.isdisjoint(command.patch)
    try:
        if command.patch is not None:
            check_patch(command.patch)
        return _edited(command, old, moment, command_id, fields, reads_schedule=reads_schedule)
    except Refused as refusal:
        found = all_of(
            refusal,
            fields,
            moment.accepted_at,
            stored=old.definition,
            reads_schedule=reads_schedule,
            further=(_fires_on(old, moment),) if reads_schedule else (),
        )
        # Of a null the merge leaves nothing to be found.
        strange = () if command.patch is None else _strange(command.patch)
        raise _of_what_was_stored(
            Refused(combined((*strange, found))), command, old, moment
        ) from None


def _strange(patch: Mapping[str, Any]) -> tuple[Problem, ...]:
    try:
        check_patch(patch)
    except Refused as refusal:
        return (refusal.problem,)
    return ()


def _fires_on(old: TriggerChanged, moment: Moment) -> Further:
    def check(definition: Definition, schedule: AnySchedule | None) -> None:
        kept = _keeping_phase(old, definition, schedule)
        if kept != old.schedule:
            _armed_from(definition, kept, moment, _counted(old, moment))

    return Further(_OF_A_SCHEDULE, check)


def _counted(old: TriggerChanged, moment: Moment) -> int:
    """How often it has fired, as far as its limit counts: of one that is new, not yet."""
    return 0 if max_fires_of(old.schedule) is None else moment.fires


def _edited(
    command: UpdateTrigger,
    old: TriggerChanged,
    moment: Moment,
    command_id: str,
    fields: Any,
    *,
    reads_schedule: bool,
) -> Decision:
    definition = parse_definition(fields, old.definition)
    keeps_type(definition, old.definition)
    if _written(definition) == _written(old.definition):
        return Unchanged()
    schedule = old.schedule
    if reads_schedule:
        schedule = schedule_of(definition, moment.accepted_at, command.trigger_id)
        schedule = _keeping_phase(old, definition, schedule)
    fires = _counted(old, moment)
    update: dict[str, Any] = {"fires": fires}
    if schedule != old.schedule:
        armed_from = _armed_from(definition, schedule, moment, fires)
        update |= {"schedule": schedule, "armed_from": armed_from, "status": Status.ACTIVE}
    return Changed(
        old.model_copy(
            update={
                **update,
                "kind": ChangeKind.UPDATED,
                "command_id": command_id,
                "version": old.version + 1,
                "definition": definition,
                "actor": command.actor,
                "at": moment.now,
            }
        )
    )


def _of_what_was_stored(
    refusal: Refused, command: UpdateTrigger, old: TriggerChanged, moment: Moment
) -> Refused:
    """The refusal of a patch, where it is due to a field that the patch does not name and that was
    accepted by an earlier version: then it says so.
    """
    patch = command.patch
    if patch is None or not refusal.problem.errors:
        return refusal
    wrong_before = _wrong_today(old, moment)
    errors = []
    for error in refusal.problem.errors:
        field = error.pointer.removeprefix("/").partition("/")[0]
        was_stored = error in wrong_before and field not in patch
        words = _STORED.format(field) if was_stored and field else ""
        errors.append(error.model_copy(update={"message": error.message + words}))
    detail = errors[0].message if len(errors) == 1 else refusal.problem.detail
    return Refused(refusal.problem.model_copy(update={"errors": tuple(errors), "detail": detail}))


_STORED = " (it was stored by an earlier version, and is not allowed any more: send {} as well)"


def _wrong_today(old: TriggerChanged, moment: Moment) -> Sequence[FieldError]:
    """What a definition that was accepted once would be refused for."""
    fields = old.definition.model_dump(exclude_defaults=True)
    try:
        schedule_of(parse_definition(fields, old.definition), moment.accepted_at)
    except Refused as refusal:
        return all_of(refusal, fields, moment.accepted_at, stored=old.definition).errors
    return ()


def _delete(
    command: DeleteTrigger, state: Trigger | None, moment: Moment, command_id: str
) -> Decision:
    old = _existing(state, command.trigger_id, command.expected_version)
    return Changed(
        old.model_copy(
            update={
                "kind": ChangeKind.DELETED,
                "command_id": command_id,
                "version": old.version + 1,
                "status": Status.DELETED,
                "actor": command.actor,
                "at": moment.now,
            }
        )
    )


def _existing(
    state: Trigger | None, trigger_id: str, expected_version: int | None
) -> TriggerChanged:
    if state is None or not state.exists or state.change.is_test:
        raise refused(Code.NOT_FOUND, f"there is no trigger {trigger_id}")
    if expected_version is not None and expected_version != state.change.version:
        current = state.change.version
        detail = f"version {expected_version} was expected, the trigger is at {current}"
        raise version_mismatch(detail, current)
    return state.change


def _written(definition: Definition) -> str:
    """A definition as text: Python's own comparison takes ``1`` for ``True``."""
    return canonical(definition.model_dump())


def _keeping_phase(
    old: TriggerChanged, definition: Definition, schedule: AnySchedule | None
) -> AnySchedule | None:
    """The edited schedule, on the old grid where the edit does not concern the grid.

    An interval without a start counts from where it was first accepted; other limits or a
    number written otherwise are no reason to count anew.
    """
    if schedule is None or old.schedule is None:
        return schedule
    rule, old_rule = rule_of(schedule), rule_of(old.schedule)
    if (
        isinstance(rule, Interval)
        and isinstance(old_rule, Interval)
        and rule.every == old_rule.every
        and definition.starts_at is None
        and old.definition.starts_at is None
    ):
        kept = rule.model_copy(update={"anchor": old_rule.anchor})
        if isinstance(schedule, Limited):
            return schedule.model_copy(update={"rule": kept})
        return kept
    return schedule


def _armed_from(
    definition: Definition, schedule: AnySchedule | None, moment: Moment, fires: int
) -> datetime:
    """From when an edited schedule counts: it fires nothing decided before, and nothing at once."""
    decided = moment.cursor if moment.cursor is not None else moment.accepted_at
    if schedule is not None and isinstance(rule_of(schedule), Once):
        armed_from = max(moment.accepted_at, decided)
    else:
        armed_from = max(moment.now, decided)
    must_fire(definition, schedule, armed_from, fires)
    return armed_from


def first_fire(change: TriggerChanged) -> datetime | None:
    """The first occurrence of a version: later than ``armed_from``."""
    if change.status is not Status.ACTIVE or change.schedule is None:
        return None
    return following(change.schedule, change.armed_from, change.fires)


def next_fires(
    change: TriggerChanged | None, after: datetime, *, fires: int | None = None
) -> tuple[datetime, ...]:
    """A version's next occurrences later than ``after``, as an edit's answer shows them.

    ``fires`` is how often its schedule has fired by then, if more than the change says.
    """
    if change is None or change.status is not Status.ACTIVE or change.schedule is None:
        return ()
    begin = max(after, change.armed_from)
    so_far = change.fires if fires is None else max(fires, change.fires)
    return tuple(upcoming(change.schedule, begin, PREVIEWED_FIRES, fires=so_far))


def shown_occurrences(
    change: TriggerChanged | None, instants: Sequence[datetime]
) -> tuple[Occurrence, ...]:
    """A version's occurrences at ``instants``, on its zone's clock."""
    if change is None or change.schedule is None:
        return ()
    schedule, definition = change.schedule, change.definition
    written = written_locally(definition)
    return tuple(occurrence(schedule, definition.timezone, at, written) for at in instants)


def event_id_at(change: TriggerChanged, scheduled_for: datetime) -> UUID:
    return occurrence_event_id(change.trigger_id, change.creation_id, scheduled_for)


def representation(
    change: TriggerChanged, next_fire_at: datetime | None, fires: int | None = None
) -> dict[str, Any]:
    """The trigger as the REST resource and a command's result show it.

    ``fires`` is how often its schedule has fired, if more than the change says.
    """
    counts = max_fires_of(change.schedule) is not None
    shown = change.definition.model_dump(mode="json")
    return {
        "id": change.trigger_id,
        **shown,
        "status": change.status.value,
        "version": change.version,
        "next_fire_at": None if next_fire_at is None else _text(next_fire_at),
        "created_at": _text(change.created_at),
        "updated_at": _text(change.at),
        "fires": max(change.fires, fires or 0) if counts else 0,
    }


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
