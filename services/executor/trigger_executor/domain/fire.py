"""Whether a fire command fires: the platform's final word on it.

Pure: a command, a version of its trigger and the claim of the command's idempotency key give
the decision. A fire under a claimed key is held to the version that the claim names, so that a
retry ends as the first did; any other is held to the trigger as it stands, and to what was
recorded of it where it is delivered again after an edit. A command that cannot be read, or whose
fields are not valid, is refused here too, with the same errors that the gateway gives. Called by
``handlers.RecordFires``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_json

from trigger_contracts import commands, strict_json
from trigger_contracts.commands import CLOCK_TOLERANCE, GATEWAY_ACTOR, AnyCommand, FireTrigger
from trigger_contracts.errors import Code, FieldError, Problem, Refused, problem, refused
from trigger_contracts.events import EntryStatus, LogEntry, Source, Status, TriggerChanged
from trigger_contracts.idempotency import Claim, check_key, claim_for, payload_hash
from trigger_contracts.ids import fire_event_id, invalid_fire_event_id, is_valid_id
from trigger_contracts.subjects import Verb
from trigger_contracts.targets.target import unknown_targets
from trigger_contracts.topology import DUPLICATE_WINDOW, MAX_COMMAND_BYTES

from .planning import Destinations, named
from .salvage_trigger_id import named_trigger

KEY_IS_OLD = DUPLICATE_WINDOW - timedelta(seconds=20)
"""The broker's memory of message ids, less what two clocks may differ."""

MAX_ERRORS = 20
MAX_TEXT = 300
"""Fields that a refusal names, and characters that it says of each: a row stays below 20 kB,
whatever was sent."""


@dataclass(frozen=True, slots=True)
class RequestedFire:
    """A fire command, with what the platform supplies where its sender did not.

    ``invalid`` says what is wrong with a command whose fields are not valid but that names
    its trigger: it cannot fire, and the trigger's log shall say so.
    """

    command: FireTrigger
    command_id: str
    accepted_at: datetime
    invalid: Problem | None = None

    @property
    def claims_key(self) -> str | None:
        """The idempotency key that the fire must hold; a refused one holds none."""
        refuses = self.invalid is not None or self.command.refused is not None
        return None if refuses else self.command.key

    @property
    def by_gateway(self) -> bool:
        """Whether somebody may hold a 202 for it, and so shall find it in the log."""
        return self.command.actor.startswith(GATEWAY_ACTOR)


@dataclass(frozen=True, slots=True)
class RecordedFire:
    """What was recorded of a fire before: the version that it was held to, and whether it fired."""

    state: TriggerChanged
    has_fired: bool


@dataclass(frozen=True, slots=True)
class UnreadableFire:
    """A message that names no trigger to speak of."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Fired:
    """The trigger fires: this is the log's row, and where its event is delivered to."""

    entry: LogEntry
    destinations: Destinations = ()
    is_recorded: bool = False
    """Whether its row is in the log already, and is not to be appended again."""


@dataclass(frozen=True, slots=True)
class RejectedFire:
    """The trigger does not fire; ``entry`` is the log's row where there is to be one."""

    entry: LogEntry | None
    problem: Problem


Decision = Fired | RejectedFire


def destinations_of(decision: Decision) -> Destinations:
    """Where what was decided leads to."""
    return decision.destinations if isinstance(decision, Fired) else ()


def parse_fire(
    body: bytes, *, message_id: str | None, stream_seq: int, stored_at: datetime
) -> RequestedFire | UnreadableFire:
    """The fire in a message that the broker stored at ``stored_at``."""
    invalid: Problem | None = None
    fields: Any = None
    command: AnyCommand | None
    try:
        if len(body) > MAX_COMMAND_BYTES:
            raise refused(Code.BODY_TOO_LARGE, f"larger than {MAX_COMMAND_BYTES} bytes")
        fields = strict_json.parse(body)
        command = commands.parse_command(Verb.FIRE, fields)
        if isinstance(command, FireTrigger):
            check_key(command)
            commands.check_targets(command)
    except Refused as refusal:
        invalid = _bounded(refusal.problem)
        # What could not be read at all may name its trigger all the same.
        command = _named({"trigger_id": named_trigger(body)} if fields is None else fields)
    if not isinstance(command, FireTrigger):
        return UnreadableFire(invalid or problem(Code.INVALID, "not a fire command"))
    return RequestedFire(
        command=command,
        command_id=commands.command_id(command, message_id, stream_seq, stored_at),
        accepted_at=commands.accepted_at(command, stored_at),
        invalid=invalid,
    )


def decide_fire(
    fire: RequestedFire,
    state: TriggerChanged | None,
    claim: Claim | None,
    unknown: Collection[str] = (),
) -> Fired | RejectedFire:
    """What ``fire`` means for its trigger, held to the version ``state``.

    ``claim`` is what the fire's key holds already; without one, the fire is the first under
    its key, if it fires at all. ``unknown`` are targets that there are not.
    """
    if state is None or state.is_test:
        return RejectedFire(None, fire.invalid or _not_found(fire.command))
    if claim is not None and claim.payload_hash != payload_hash(fire.command):
        detail = "this key was used for a fire with another payload"
        return refuse_key(fire, state, problem(Code.IDEMPOTENCY_MISMATCH, detail))
    accepted_at = fire.accepted_at if claim is None else claim.accepted_at
    if state.status is Status.DELETED and accepted_at > state.at and not fire.by_gateway:
        return RejectedFire(None, fire.invalid or _not_found(fire.command))
    try:
        payload = _payload_of(fire, state)
        _must_exist(fire.command.targets or (), unknown)
    except Refused as refusal:
        return _rejected(fire, state, claim, refusal.problem)
    entry = LogEntry(
        **_about(fire, state, accepted_at),
        event_id=_event_id(fire, claim, fires=True),
        status=EntryStatus.FIRED,
        fired_at=accepted_at,
        payload=payload,
    )
    given = fire.command.targets
    return Fired(entry, named(state.definition.targets if given is None else given))


def repeat_fire(fire: RequestedFire, before: RecordedFire) -> Fired | RejectedFire:
    """What a fire means that was recorded before: the same, whatever was changed since."""
    unknown = () if before.has_fired else fire.command.targets or ()
    return decide_fire(fire, before.state, None, unknown)


def agrees(entry: LogEntry, before: RecordedFire) -> bool:
    """Whether a fire was recorded before as it is decided now, by the same version."""
    has_fired = entry.status is EntryStatus.FIRED
    return entry.trigger_version == before.state.version and has_fired == before.has_fired


def repeats_key(fire: RequestedFire, claim: Claim) -> bool:
    """Whether its key was used so long before that the broker knows nothing of that first fire:
    then whoever repeats it looks whether that was recorded.
    """
    return fire.accepted_at - claim.accepted_at > KEY_IS_OLD


def may_differ(fire: RequestedFire, state: TriggerChanged, stored_at: datetime) -> bool:
    """Whether a fire that was stored then, and comes again, may be decided otherwise now.

    One whose key is held is decided by the version that the key names.
    """
    if fire.invalid is not None:
        return False
    return state.at >= stored_at - CLOCK_TOLERANCE or bool(fire.command.targets)


def has_to_be_looked_up(
    fire: RequestedFire,
    state: TriggerChanged,
    stored_at: datetime,
    *,
    delivered_count: int,
    now: datetime,
) -> bool:
    """Whether what was recorded of a fire is asked for before it is decided.

    The broker counts deliveries, and may lose the count in a crash. It then still knows what was
    stored in the last two minutes by its id (``ports.Appended``). That would be too late for one
    that was rejected and now takes its key.
    """
    if delivered_count > 1 or now - stored_at > KEY_IS_OLD:
        return may_differ(fire, state, stored_at)
    return fire.claims_key is not None and fire.invalid is None and state.at >= stored_at


def recorded_event_id(fire: RequestedFire) -> str:
    """The id of what is recorded of a fire that ``may_differ`` and holds no key."""
    return _event_id(fire, None, fires=False)


def refuse_key(fire: RequestedFire, state: TriggerChanged, why: Problem) -> RejectedFire:
    """What a fire means whose key cannot be its own."""
    # The gateway answers 202 without having looked where PostgreSQL is away.
    return _rejected(fire, state, None, why) if fire.by_gateway else RejectedFire(None, why)


def _named(fields: Any) -> FireTrigger | None:
    """The least of a command with invalid fields: which trigger it names, and who asks."""
    if not isinstance(fields, dict):
        return None
    trigger_id, own_id = fields.get("trigger_id"), fields.get("command_id")
    if not isinstance(trigger_id, str) or not is_valid_id(trigger_id):
        return None
    actor = fields.get("actor")
    return FireTrigger(
        trigger_id=trigger_id,
        command_id=own_id if isinstance(own_id, str) and is_valid_id(own_id) else None,
        actor=actor[:100] if isinstance(actor, str) else "nats",
        is_test=fields.get("is_test") is True,
    )


def _rejected(
    fire: RequestedFire, state: TriggerChanged, claim: Claim | None, found: Problem
) -> RejectedFire:
    why = _bounded(found)
    # Of a message as a whole there is no field to point at: so it is pointed at itself.
    whole = FieldError(pointer="", message=why.detail)
    entry = LogEntry(
        **_about(fire, state, fire.accepted_at if claim is None else claim.accepted_at),
        event_id=_event_id(fire, claim, fires=False),
        status=EntryStatus.REJECTED,
        fired_at=None,
        reason=why.detail,
        errors=why.errors or (whole,),
    )
    return RejectedFire(entry, why)


def _payload_of(fire: RequestedFire, state: TriggerChanged) -> Any:
    """What the trigger fires with; raises ``Refused`` where it must not fire."""
    if fire.invalid is not None:
        raise Refused(fire.invalid)
    if state.status is Status.DELETED:
        why = _not_found(fire.command, "it was deleted before the fire was recorded")
        raise refused(why.code, why.detail, pointer="/trigger_id")
    command, definition = fire.command, state.definition
    if command.refused is not None:
        raise Refused(_refused_before(command.refused))
    payload = command.payload_over(definition.payload)
    if len(to_json(payload)) > MAX_COMMAND_BYTES:
        detail = (
            f"merged over the trigger's own, the payload is larger than {MAX_COMMAND_BYTES} bytes"
        )
        raise refused(Code.BODY_TOO_LARGE, detail, pointer="/payload")
    if definition.compiled_schema is not None:
        found = definition.compiled_schema.mismatch(payload)
        if found is not None:
            raise Refused(found)
    return payload


def _must_exist(targets: Sequence[str], unknown: Collection[str]) -> None:
    missing = [
        (f"/targets/{place}", target_id)
        for place, target_id in enumerate(targets)
        if target_id in unknown
    ]
    if missing:
        raise Refused(unknown_targets(missing))


def _about(fire: RequestedFire, state: TriggerChanged, accepted_at: datetime) -> dict[str, Any]:
    """What the rows of fired and rejected fires have in common."""
    return {
        "trigger_id": state.trigger_id,
        "trigger_name": state.definition.name,
        "trigger_type": state.definition.type,
        "trigger_version": state.version,
        "source": _source(fire),
        "is_test": fire.command.is_test,
        "replay_of": fire.command.replay_of,
        "scheduled_for": None,
        "logged_at": accepted_at,
    }


def _event_id(fire: RequestedFire, claim: Claim | None, *, fires: bool) -> str:
    """The key's id once the key is held, else the command's: a rejected fire uses up no key.

    What the gateway published under a key has the id that the gateway answered with. An invalid
    message is a dead letter, too: redriven after an upgrade that understands it, it fires under
    an id of its own.
    """
    if claim is not None:
        return claim.event_id
    command = fire.command
    if fire.invalid is not None:
        return str(invalid_fire_event_id(command.trigger_id, fire.command_id, fire.accepted_at))
    if command.key is not None and (fires or fire.by_gateway):
        return claim_for(command, command.key, fire.accepted_at).event_id
    return str(fire_event_id(command.trigger_id, fire.command_id, fire.accepted_at))


def _source(fire: RequestedFire) -> Source:
    if fire.command.replay_of is not None:
        return Source.REPLAY
    if fire.command.is_test:
        return Source.TEST
    return Source.API if fire.by_gateway else Source.NATS


def _not_found(command: FireTrigger, why: str | None = None) -> Problem:
    detail = f"there is no trigger {command.trigger_id}"
    return problem(Code.NOT_FOUND, detail if why is None else f"{detail}: {why}")


def _refused_before(errors: tuple[FieldError, ...]) -> Problem:
    """The problem that the gateway has told its caller already."""
    detail = errors[0].message if len(errors) == 1 else f"{len(errors)} fields are not valid"
    return problem(Code.INVALID, detail, errors)


def _bounded(found: Problem) -> Problem:
    """``found`` with no more errors, and no longer ones, than a row may hold."""
    errors = tuple(
        FieldError(pointer=error.pointer[:MAX_TEXT], message=error.message[:MAX_TEXT])
        for error in found.errors[:MAX_ERRORS]
    )
    return found.model_copy(update={"detail": found.detail[:MAX_TEXT], "errors": errors})
