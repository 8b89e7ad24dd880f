"""The gateway's use cases: requests become commands, refusals come at once where they can.

Everything checked here is checked again by the service that decides; a check is left out
where only that service can know. Ports in, outcomes out; a refusal is raised as ``Refused``,
a server that is away as the runtime's ``DependencyUnavailable``. Called by ``entrypoints``.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from trigger_contracts import idempotency, trigger
from trigger_contracts.commands import (
    SCHEMA_VERSION,
    CommandDone,
    CreateTrigger,
    DeleteTrigger,
    FireTrigger,
    TestTrigger,
    UpdateTrigger,
    trigger_id_of,
)
from trigger_contracts.definition import Definition, parse_definition, schedule_of
from trigger_contracts.errors import Code, Problem, Refused, refused
from trigger_contracts.idempotency import Claim
from trigger_contracts.ids import fire_event_id
from trigger_contracts.schedule import upcoming
from trigger_contracts.subjects import Verb
from trigger_contracts.trigger import Trigger
from trigger_runtime.errors import DatabaseUnavailable

from .domain import creates
from .domain.fires import Fire, refusal
from .domain.shown import TestAccepted
from .ports import Claims, Clock, Commands, Definitions, NewId


@dataclass(frozen=True, slots=True)
class Applied:
    """The command took effect."""

    done: CommandDone


@dataclass(frozen=True, slots=True)
class Stored:
    """The command is stored and will be applied; its result did not come in time."""

    trigger_id: str


Outcome = Applied | Stored


class TriggerCommands:
    """Create, replace, patch, delete and test."""

    def __init__(
        self,
        *,
        commands: Commands,
        claims: Claims,
        definitions: Definitions,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._commands = commands
        self._claims = claims
        self._definitions = definitions
        self._clock = clock
        self._new_id = new_id

    async def create(self, fields: Any, actor: str, key_id: str, key: str | None) -> Outcome:
        """A create repeated under its idempotency key answers as the first one did."""
        accepted_at = self._clock.now()
        command_id = self._new_id() if key is None else creates.command_id(key_id, key)
        claim = None if key is None else await self._claims.find(creates.store_key(command_id))
        if claim is None:
            _check_create(fields, accepted_at)
        if key is not None:
            accepted_at = await self._claim_create(command_id, fields, accepted_at)
        command = CreateTrigger.model_validate(
            {**fields, **self._envelope(command_id, accepted_at, actor)}
        )
        trigger_id = trigger_id_of(command, command_id, accepted_at)
        command = command.model_copy(update={"trigger_id": trigger_id})
        return await self._ask(Verb.CREATE, command, trigger_id)

    async def replace(
        self, trigger_id: str, fields: Any, actor: str, expected_version: int | None
    ) -> Outcome:
        # A definition that says nothing new may stay in the past, so only the scheduler
        # says whether its time has passed.
        now = self._clock.now()
        schedule_of(parse_definition(fields), now)
        return await self._update(trigger_id, expected_version, actor, now, definition=fields)

    async def patch(
        self, trigger_id: str, fields: Any, actor: str, expected_version: int | None
    ) -> Outcome:
        """What the result of merging is worth depends on the stored definition: the scheduler's."""
        if not isinstance(fields, dict):
            raise refused(Code.INVALID, "a merge patch must be a JSON object", pointer="")
        strange = {k: v for k, v in fields.items() if k not in Definition.model_fields}
        if strange:
            # Unknown whatever they are merged over; says so, or that pausing is not offered.
            parse_definition({"name": "patch", "type": "api", **strange})
        now = self._clock.now()
        return await self._update(trigger_id, expected_version, actor, now, patch=fields)

    async def delete(self, trigger_id: str, actor: str, expected_version: int | None) -> Outcome:
        command = DeleteTrigger(
            **self._envelope(self._new_id(), self._clock.now(), actor),
            trigger_id=trigger_id,
            expected_version=expected_version,
        )
        return await self._ask(Verb.DELETE, command, trigger_id)

    async def test(
        self, kind: Literal["scheduled", "api"], fields: Any, actor: str
    ) -> TestAccepted:
        """Fire a definition once without saving it. Its event id is known at once."""
        if not isinstance(fields, dict):
            raise refused(Code.INVALID, "must be a JSON object", pointer="")
        if fields.get("type", kind) != kind:
            raise refused(Code.INVALID, f"must be {kind!r} here, or absent", pointer="/type")
        if kind == "api" and "payload" not in fields:
            raise refused(Code.INVALID, "Field required", pointer="/payload")
        accepted_at, command_id = self._clock.now(), self._new_id()
        # As the scheduler will: a test without a name is called so.
        definition = parse_definition({"name": "test", **fields, "type": kind})
        command = TestTrigger.model_validate(
            {**fields, "type": kind, **self._envelope(command_id, accepted_at, actor)}
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
            event_id=event_id, fires_at=fires_at, next_fires=_recurrences(definition, accepted_at)
        )

    async def _claim_create(self, command_id: str, fields: Any, accepted_at: datetime) -> datetime:
        """When the first create under the key was accepted; raises ``Refused`` for another body."""
        mine = creates.claim_for(fields, accepted_at)
        value = await self._claims.claim(
            creates.store_key(command_id), mine.model_dump_json().encode()
        )
        first = creates.CreateClaim.model_validate_json(value)
        if first.body_hash != mine.body_hash:
            raise refused(
                Code.IDEMPOTENCY_MISMATCH, "this Idempotency-Key created another definition"
            )
        return first.accepted_at

    async def _update(
        self,
        trigger_id: str,
        expected_version: int | None,
        actor: str,
        now: datetime,
        **change: Any,
    ) -> Outcome:
        command = UpdateTrigger(
            **self._envelope(self._new_id(), now, actor),
            trigger_id=trigger_id,
            expected_version=expected_version,
            **change,
        )
        return await self._ask(Verb.UPDATE, command, trigger_id)

    async def _ask(
        self,
        verb: Verb,
        command: CreateTrigger | UpdateTrigger | DeleteTrigger,
        trigger_id: str,
    ) -> Outcome:
        # Each attempt has a message id of its own: the broker would swallow a keyed create's
        # repetition as a duplicate, and nobody would answer it.
        result = await self._commands.ask(verb, command, self._new_id())
        match result:
            case None:
                return Stored(trigger_id)
            case Problem():
                raise Refused(result)
            case CommandDone():
                self._definitions.forget(result.trigger_id)
                return Applied(result)

    @staticmethod
    def _envelope(command_id: str, accepted_at: datetime, actor: str) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "command_id": command_id,
            "accepted_at": accepted_at,
            "actor": actor,
        }


def _recurrences(definition: Definition, now: datetime) -> tuple[datetime, ...]:
    """What a recurring schedule would do if it were saved."""
    schedule = schedule_of(definition, now)
    if schedule is None or definition.interval is None:
        return ()
    return tuple(upcoming(schedule, now, trigger.PREVIEWED_FIRES))


def _check_create(fields: Any, now: datetime) -> None:
    """As the scheduler would decide; raises ``Refused``.

    The definition is parsed by itself first: a command's own fields are unknown in it.
    """
    parse_definition(fields)
    command = CreateTrigger.model_validate(fields)
    _decided(command, "preview", "preview", now)


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


class Fires:
    """Fire a trigger: the hot path. Answers with the event's id once the fire is durable."""

    def __init__(
        self,
        *,
        commands: Commands,
        claims: Claims,
        definitions: Definitions,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._commands = commands
        self._claims = claims
        self._definitions = definitions
        self._clock = clock
        self._new_id = new_id

    async def fire(self, fire: Fire) -> str:
        accepted_at = self._clock.now()
        command = FireTrigger(
            **fire.fields,
            schema_version=SCHEMA_VERSION,
            trigger_id=fire.trigger_id,
            is_test=fire.is_test,
            actor=fire.actor,
            accepted_at=accepted_at,
            command_id=self._new_id(),
        )
        if fire.key is not None:
            return await self._fire_keyed(command, fire.key, accepted_at)
        await self._check(command)
        command_id = command.command_id or ""
        await self._commands.store(Verb.FIRE, command, command_id)
        return str(fire_event_id(fire.trigger_id, command_id, accepted_at))

    async def _fire_keyed(self, command: FireTrigger, key: str, accepted_at: datetime) -> str:
        """Whoever fires under a key first decides its event; all others repeat that one.

        A fire that is refused here uses up no key. One that could not be checked, since the
        database is away, does: its id was promised, whatever the executor then finds.
        """
        store_key = idempotency.store_key(command.trigger_id, key)
        mine = idempotency.claim_for(command, key, accepted_at)
        found = await self._claims.find(store_key)
        if found is None:
            checked = await self._check(command)
            if checked is not None:
                mine = mine.model_copy(update={"change_seq": checked.change_seq})
            found = await self._claims.claim(store_key, mine.model_dump_json().encode())
        claim = Claim.model_validate_json(found)
        if claim.payload_hash != mine.payload_hash:
            raise refused(Code.IDEMPOTENCY_MISMATCH, "this Idempotency-Key fired another payload")
        command = command.model_copy(
            update={
                "key": key,
                "accepted_at": claim.accepted_at,
                "command_id": claim.event_id,
            }
        )
        await self._commands.store(Verb.FIRE, command, claim.event_id)
        return claim.event_id

    async def _check(self, command: FireTrigger) -> Trigger | None:
        """The version that ``command`` fires; None, unchecked, where the database is away.

        Raises ``Refused``; a refused payload is recorded first, so that the log can tell why.
        What is known here may be old, so a refusal is confirmed by what the view says now.
        """
        known = self._definitions.cached(command.trigger_id)
        if known is not None and refusal(known, command) is None:
            return known
        try:
            known = await self._definitions.load(command.trigger_id)
        except DatabaseUnavailable:
            return None
        found = refusal(known, command)
        if found is None:
            return known
        if found.code is Code.PAYLOAD_SCHEMA_MISMATCH:
            await self._record(command, found)
        raise Refused(found)

    async def _record(self, command: FireTrigger, found: Problem) -> None:
        """Without the payload, and without the key: a corrected retry may still use it."""
        refused_fire = FireTrigger(
            schema_version=SCHEMA_VERSION,
            command_id=command.command_id,
            accepted_at=command.accepted_at,
            actor=command.actor,
            trigger_id=command.trigger_id,
            is_test=command.is_test,
            refused=found.errors,
        )
        await self._commands.store(Verb.FIRE, refused_fire, command.command_id or self._new_id())
