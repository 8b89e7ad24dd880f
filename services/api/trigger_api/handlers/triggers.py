"""Create, replace, patch, delete and test a trigger: requests become commands."""

from datetime import datetime
from typing import Any, Literal

from trigger_api.domain.schemas import TestAccepted
from trigger_api.domain.triggers import creates
from trigger_api.domain.triggers.local import local_text
from trigger_api.domain.triggers.previews import ON_REQUEST
from trigger_api.handlers.outcomes import Applied, Outcome, Stored
from trigger_api.ports.triggers import Describe
from trigger_contracts import payloads, trigger
from trigger_contracts.commands import (
    SCHEMA_VERSION,
    CommandDone,
    CreateTrigger,
    DeleteTrigger,
    TestTrigger,
    UpdateTrigger,
    trigger_id_of,
)
from trigger_contracts.definition import Definition, check_patch
from trigger_contracts.errors import Code, Refused, combined, refused
from trigger_contracts.faults import accepted
from trigger_contracts.idempotency import CreateClaim, read_claim
from trigger_contracts.schedule import Once, rule_of, upcoming
from trigger_contracts.schedule_fields import schedule_of
from trigger_contracts.subjects import Verb
from trigger_runtime.process.errors import DependencyUnavailable

from .asking import ask
from .command_ports import CommandPorts
from .trial_targets import TrialTargets


class TriggerCommands:
    """Create, replace, patch, delete and test."""

    def __init__(self, ports: CommandPorts, describe: Describe, targets: TrialTargets) -> None:
        """``targets`` are those of tests."""
        self._targets = targets
        self._ports = ports
        self._describe = describe

    async def create(self, fields: Any, actor: str, key_id: str, key: str | None) -> Outcome:
        """A create repeated under its idempotency key answers as the first one did."""
        accepted_at = self._ports.clock.now()
        command_id = self._ports.new_id() if key is None else creates.command_id(key_id, key)
        claim = (
            None if key is None else await self._ports.claims.find(creates.store_key(command_id))
        )
        if claim is None:
            await self._ports.schemas.ready(schema_in(fields))
            creates.checked(fields, command_id=command_id, accepted_at=accepted_at, actor=actor)
        if key is not None:
            accepted_at = await self._claim_create(command_id, fields, accepted_at)
        command = CreateTrigger.model_validate(
            {**fields, **envelope(command_id, accepted_at, actor)}
        )
        trigger_id = trigger_id_of(command, command_id, accepted_at)
        command = command.model_copy(update={"trigger_id": trigger_id})
        return await self._ask(Verb.CREATE, command, trigger_id)

    async def replace(
        self, trigger_id: str, fields: Any, actor: str, expected_version: int | None
    ) -> Outcome:
        # A definition that says nothing new may stay in the past, so only the scheduler
        # says whether its time has passed.
        await self._ports.schemas.ready(schema_in(fields))
        now = self._ports.clock.now()
        carried = envelope(self._ports.new_id(), now, actor)
        try:
            accepted(fields, now)
        except Refused as refusal:
            if not isinstance(fields, dict):
                raise
            asked = UpdateTrigger(**carried, trigger_id=trigger_id, definition=fields)
            raise await self._with_what_is_stored(refusal, asked, now) from None
        command = UpdateTrigger(
            **carried,
            trigger_id=trigger_id,
            expected_version=expected_version,
            definition=fields,
        )
        return await self._ask(Verb.UPDATE, command, trigger_id)

    async def patch(
        self, trigger_id: str, fields: Any, actor: str, expected_version: int | None
    ) -> Outcome:
        """What the result of merging is worth depends on the stored definition: the scheduler's."""
        must_be_a_patch(fields)
        now = self._ports.clock.now()
        command = UpdateTrigger(
            **envelope(self._ports.new_id(), now, actor),
            trigger_id=trigger_id,
            expected_version=expected_version,
            patch=fields,
        )
        try:
            check_patch(fields)
        except Refused as refusal:
            asked = command.model_copy(update={"expected_version": None})
            raise await self._with_what_is_stored(refusal, asked, now) from None
        return await self._ask(Verb.UPDATE, command, trigger_id)

    async def _with_what_is_stored(
        self, refusal: Refused, command: UpdateTrigger, now: datetime
    ) -> Refused:
        """All that is wrong with an edit: also what follows from the trigger as it is.

        As the scheduler would refuse it, were it sent; ``refusal``, where that cannot be known.
        """
        try:
            stored = await self._ports.definitions.load(command.trigger_id)
        except DependencyUnavailable:
            return refusal
        if stored is None:
            return refusal
        if command.patch is not None:
            definition = stored.change.definition.model_dump(exclude_defaults=True)
            merged = payloads.merge(definition, command.patch)
            await self._ports.schemas.ready(schema_in(merged))
        decision = trigger.decide(
            command,
            stored,
            trigger.Moment(accepted_at=now, now=now),
            trigger_id=command.trigger_id,
            command_id=self._ports.new_id(),
        )
        is_all = isinstance(decision, trigger.Rejected) and decision.problem.errors
        return Refused(decision.problem) if is_all else refusal  # type: ignore[union-attr]

    async def delete(self, trigger_id: str, actor: str, expected_version: int | None) -> Outcome:
        command = DeleteTrigger(
            **envelope(self._ports.new_id(), self._ports.clock.now(), actor),
            trigger_id=trigger_id,
            expected_version=expected_version,
        )
        return await self._ask(Verb.DELETE, command, trigger_id)

    async def test(
        self, kind: Literal["scheduled", "api"], fields: Any, actor: str
    ) -> TestAccepted:
        """Fire a definition once without saving it. Its event id is known at once.

        It may name where its event is delivered to: a target, or one that is written out.
        """
        if not isinstance(fields, dict):
            raise refused(Code.INVALID, "must be a JSON object", pointer="")
        target = fields.get("target")
        fields = {name: value for name, value in fields.items() if name != "target"}
        await self._ports.schemas.ready(schema_in(fields))
        accepted_at, command_id = self._ports.clock.now(), self._ports.new_id()
        definition, secret = _tested(kind, fields, accepted_at), None
        if target is not None:
            trial = await self._targets.prepare(target, command_id, accepted_at)
            fields, secret = {**fields, "target": trial.target}, trial.secret
        command = TestTrigger.model_validate(
            {**fields, "type": kind, **envelope(command_id, accepted_at, actor)}
        )
        trigger_id = trigger_id_of(command, command_id, accepted_at)
        command = command.model_copy(update={"trigger_id": trigger_id})
        expected = _decided(command, trigger_id, command_id, accepted_at)
        fires_at = trigger.first_fire(expected)
        if fires_at is None:
            raise refused(Code.SCHEDULE_IN_PAST, "the test would never fire")
        event_id = str(trigger.event_id_at(expected, fires_at))
        outcome = await self._ask(Verb.TEST, command, trigger_id)
        if isinstance(outcome, Applied):
            event_id = outcome.done.event_id or event_id
            fires_at = outcome.done.fires_at or fires_at
        return TestAccepted(
            event_id=event_id,
            fires_at=fires_at,
            next_fires=_recurrences(definition, accepted_at),
            secret=secret,
        )

    async def _claim_create(self, command_id: str, fields: Any, accepted_at: datetime) -> datetime:
        """When the first create under the key was accepted; raises ``Refused`` for another body."""
        mine = creates.claim_for(fields, accepted_at)
        value = await self._ports.claims.reserve(
            creates.store_key(command_id), mine.model_dump_json().encode()
        )
        first = read_claim(CreateClaim, value)
        if first.body_hash != mine.body_hash:
            raise refused(
                Code.IDEMPOTENCY_MISMATCH, "this Idempotency-Key created another definition"
            )
        return first.accepted_at

    async def _ask(
        self,
        verb: Verb,
        command: CreateTrigger | UpdateTrigger | DeleteTrigger,
        trigger_id: str,
    ) -> Outcome:
        outcome = await ask(self._ports, verb, command, trigger_id, CommandDone)
        if isinstance(outcome, Stored):
            return outcome
        self._ports.definitions.forget(outcome.done.trigger_id)
        return Applied(self._as_shown(outcome.done))

    def _as_shown(self, done: CommandDone) -> CommandDone:
        """With the words and the clock that the gateway has for it, as one that is read."""
        if done.trigger is None:
            return done
        fields = {n: v for n, v in done.trigger.items() if n in Definition.model_fields}
        words: str | None
        try:
            definition = Definition.model_validate(fields)
            created_at = datetime.fromisoformat(done.trigger["created_at"])
            schedule = schedule_of(definition, created_at)
            words = ON_REQUEST if schedule is None else self._describe(schedule, definition)
        except Refused:
            # Accepted by a version that took more: it stays as it is, without words.
            words = None
        next_fire = done.trigger["next_fire_at"]
        at = None if next_fire is None else datetime.fromisoformat(next_fire)
        added = {
            "in_words": words,
            "next_fire_local": local_text(at, done.trigger["timezone"]),
        }
        return done.model_copy(update={"trigger": {**done.trigger, **added}})


def envelope(command_id: str, accepted_at: datetime, actor: str) -> dict[str, Any]:
    """What every command of the gateway carries."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command_id": command_id,
        "accepted_at": accepted_at,
        "actor": actor,
    }


def must_be_a_patch(fields: Any) -> None:
    """Raises ``Refused`` for what is no merge patch, whatever it would be merged over."""
    if not isinstance(fields, dict):
        raise refused(Code.INVALID, "a merge patch must be a JSON object", pointer="")


def schema_in(fields: Any) -> Any:
    """The payload schema that a request brings, if any."""
    return fields.get("payload_schema") if isinstance(fields, dict) else None


def _tested(
    kind: Literal["scheduled", "api"], fields: dict[str, Any], accepted_at: datetime
) -> Definition:
    """The definition of a test at the address of its ``kind``; raises ``Refused``."""
    wrong = []
    if fields.get("type", kind) != kind:
        wrong.append(refused(Code.INVALID, f"must be {kind!r} here, or absent", pointer="/type"))
    if kind == "api" and "payload" not in fields:
        wrong.append(refused(Code.INVALID, "Field required", pointer="/payload"))
    try:
        if not wrong:
            return trigger.tested({**fields, "type": kind}, accepted_at)[0]
        # What the payload should match, or the kind should have, follows from what is wrong.
        accepted({"name": "test", **fields, "type": kind}, accepted_at)
    except Refused as refusal:
        wrong.append(refusal)
    raise Refused(combined(each.problem for each in wrong))


def _recurrences(definition: Definition, now: datetime) -> tuple[datetime, ...]:
    """What a recurring schedule would do if it were saved."""
    schedule = schedule_of(definition, now)
    if schedule is None or isinstance(rule_of(schedule), Once):
        return ()
    return tuple(upcoming(schedule, now, trigger.PREVIEWED_FIRES))


def _decided(
    command: CreateTrigger | TestTrigger, trigger_id: str, command_id: str, now: datetime
) -> Any:
    decision = trigger.decide(
        command,
        None,
        trigger.Moment(accepted_at=now, now=now),
        trigger_id=trigger_id,
        command_id=command_id,
    )
    match decision:
        case trigger.Rejected():
            raise Refused(decision.problem)
        case trigger.Changed():
            return decision.change
        case trigger.Unchanged():
            raise AssertionError("a create always changes something")
