"""Fires: what a request asks for, and whether the trigger as known here would refuse it.

Advisory: the executor decides by the same contracts, on the newest definition.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from trigger_contracts.commands import SCHEMA_VERSION, FireTrigger, check_targets
from trigger_contracts.errors import (
    Code,
    FieldError,
    Problem,
    Refused,
    from_validation,
    pointer,
    problem,
    refused,
)
from trigger_contracts.ids import IDEMPOTENCY_KEY_RULE, fire_event_id, idempotency_key
from trigger_contracts.topology import LOG_LIFE
from trigger_contracts.trigger import Trigger

from .traces import FireTrace

PROMPT = timedelta(seconds=10)
"""Between accepting a fire and publishing it: no reason to limit how long it is kept."""


@dataclass(frozen=True, slots=True)
class FireRequest:
    """A request to fire a trigger. ``payload`` is absent where none was given: null is one."""

    trigger_id: str
    fields: dict[str, Any]
    """``{"payload": any}`` or nothing; of a test ``targets`` as well."""
    actor: str
    key: str | None = None
    is_test: bool = False
    replay_of: str | None = None
    """The event that this fire repeats, with that one's payload as it is."""
    trace: FireTrace | None = field(default=None, compare=False)
    """Told how the fire goes on; None where nobody traces it."""


_FIELDS = frozenset({"payload"})


def fire_fields(body: Any, *, is_test: bool = False) -> dict[str, Any]:
    """The body of a fire (parsed JSON; None where there was none); raises ``Refused``."""
    if body is None:
        return {}
    if not isinstance(body, dict):
        detail = 'must be an object such as {"payload": …}, or empty'
        raise refused(Code.INVALID, detail, pointer="")
    known = _FIELDS | {"targets"} if is_test else _FIELDS
    unknown = [
        FieldError(pointer=pointer([field]), message="This field is not known")
        for field in body
        if field not in known
    ]
    if unknown:
        may = '"payload" and "targets"' if is_test else '"payload"'
        raise Refused(problem(Code.INVALID, f"only {may} may be given", unknown[:20]))
    if is_test:
        _check_targets(body.get("targets"))
    return body


def _check_targets(given: Any) -> None:
    """Raises ``Refused`` for what a test may not name, as the executor would."""
    try:
        check_targets(FireTrigger(trigger_id="t", is_test=True, targets=given))
    except ValidationError as error:
        raise Refused(from_validation(error)) from None


def checked_key(key: str | None) -> str | None:
    """An Idempotency-Key as it counts; raises ``Refused``."""
    if key is None:
        return None
    checked = idempotency_key(key)
    if checked is None:
        raise refused(Code.INVALID, IDEMPOTENCY_KEY_RULE, pointer="/header/Idempotency-Key")
    return checked


def command_of(fire: FireRequest, command_id: str, accepted_at: datetime) -> FireTrigger:
    """What is published for ``fire``; its key is added once it is held."""
    fields = fire.fields
    if fire.replay_of is not None:
        fields = {**fields, "replay_of": fire.replay_of}
    return FireTrigger(
        **fields,
        schema_version=SCHEMA_VERSION,
        trigger_id=fire.trigger_id,
        is_test=fire.is_test,
        actor=fire.actor,
        accepted_at=accepted_at,
        command_id=command_id,
    )


def refused_command(command: FireTrigger, found: Problem) -> FireTrigger:
    """What is published of a fire that is refused: that it was, and not what it carried.

    Without its key as well: a corrected retry may still use it. What concerns no field concerns
    the request as a whole.
    """
    errors = found.errors or (FieldError(pointer="", message=found.detail),)
    kept = command.model_dump(exclude={"payload", "key"}, exclude_unset=True)
    return FireTrigger(**{**kept, "refused": errors})


def event_id_of(fire: FireRequest, command_id: str, accepted_at: datetime) -> str:
    """The event that ``fire`` becomes, if it is stored under this id: the key's, if it has one."""
    if fire.key is not None:
        return command_id
    return str(fire_event_id(fire.trigger_id, command_id, accepted_at))


def rejected_event_id(command: FireTrigger) -> str | None:
    """The event of a ``refused_command``, which has no key; None where the broker says when."""
    if command.command_id is None or command.accepted_at is None:
        return None
    return str(fire_event_id(command.trigger_id, command.command_id, command.accepted_at))


def refusal(trigger: Trigger | None, command: FireTrigger) -> Problem | None:
    """Why ``command`` would not fire the trigger, or None."""
    if trigger is None or not trigger.exists:
        detail = f"there is no trigger {command.trigger_id}"
        if command.replay_of is not None:
            detail += ": it was deleted, or never saved"
        return problem(Code.NOT_FOUND, detail)
    definition = trigger.change.definition
    try:
        schema = definition.compiled_schema
    except Refused as refusal:
        # Stored before such schemas were refused.
        return refusal.problem
    if schema is None:
        return None
    return schema.mismatch(command.payload_over(definition.payload))


def life_left(command: FireTrigger, now: datetime, kept_for: timedelta) -> timedelta | None:
    """How long a fire's command may be kept; None for the stream's own 48 h.

    One that is repeated under its key is the same event still: its payload lives no longer for
    that.
    """
    age = timedelta() if command.accepted_at is None else now - command.accepted_at
    if age <= PROMPT and kept_for == LOG_LIFE:
        return None
    return max(kept_for - age, timedelta())
