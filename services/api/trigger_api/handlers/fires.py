"""Fire a trigger: the hot path."""

from datetime import datetime, timedelta

from trigger_api.domain.encoding import too_large
from trigger_api.domain.triggers.fires import (
    FireRequest,
    command_of,
    event_id_of,
    life_left,
    refusal,
    refused_command,
    rejected_event_id,
)
from trigger_api.ports.targets import KnownTargets
from trigger_contracts import idempotency
from trigger_contracts.commands import FireTrigger
from trigger_contracts.errors import Code, Problem, Refused, refused
from trigger_contracts.idempotency import Claim
from trigger_contracts.subjects import Verb
from trigger_contracts.targets.target import missing_of, unknown_targets
from trigger_contracts.topology import LOG_LIFE
from trigger_contracts.trigger import Trigger
from trigger_runtime.process.errors import DatabaseUnavailable

from .command_ports import CommandPorts


class Fires:
    """Answers with the event's id once the fire is durable."""

    def __init__(
        self, ports: CommandPorts, targets: KnownTargets, *, kept_for: timedelta = LOG_LIFE
    ) -> None:
        """``kept_for``: how long a row of the log lives; its command lives no longer."""
        self._ports = ports
        self._targets = targets
        self._kept_for = kept_for

    def life_left(self, command: FireTrigger) -> timedelta | None:
        """How long its payload may be kept; None for as long as the stream keeps it."""
        return life_left(command, self._ports.clock.now(), self._kept_for)

    async def fire(self, fire: FireRequest) -> str:
        accepted_at = self._ports.clock.now()
        command_id, command = await self.prepare(fire, accepted_at)
        event_id = event_id_of(fire, command_id, accepted_at)
        trace = fire.trace
        if trace is not None and trace.becomes(event_id):
            trace.publishing_at = self._ports.clock.now()
        else:
            trace = None
        try:
            ttl = self.life_left(command)
            headers = None if trace is None else trace.headers
            await self._ports.commands.store(
                Verb.FIRE, command, command_id, ttl=ttl, headers=headers
            )
        except Refused as refusal:
            await self._record(fire, command, refusal.problem, command_id)
            raise
        if trace is not None:
            trace.published_at = self._ports.clock.now()
        return event_id

    async def refuse(self, fire: FireRequest, found: Problem) -> None:
        """Record that a request was refused which names a trigger and could not be read as a fire.

        A trigger that is not there has no log to say it in.
        """
        if await self._may_exist(fire.trigger_id):
            command_id = self._ports.new_id()
            command = command_of(fire, command_id, self._ports.clock.now())
            await self._record(fire, command, found, command_id)

    async def prepare(self, fire: FireRequest, accepted_at: datetime) -> tuple[str, FireTrigger]:
        """The command of a fire that is in order, and its id, to be stored under that id.

        Raises ``Refused``, and then what there is to record of it is stored.
        """
        command_id = self._ports.new_id()
        command = command_of(fire, command_id, accepted_at)
        if fire.key is None:
            await self._check(fire, command, command_id)
            return command_id, command
        if fire.trace is not None:
            fire.trace.claiming_at = self._ports.clock.now()
        claim = await self._hold(fire, fire.key, command, command_id, accepted_at)
        if fire.trace is not None:
            fire.trace.claimed_at = self._ports.clock.now()
        held = {"key": fire.key, "accepted_at": claim.accepted_at, "command_id": claim.event_id}
        return claim.event_id, command.model_copy(update=held)

    async def verdict(self, fire: FireRequest) -> Problem | None:
        """Why ``fire`` would be refused, or None; nothing is stored or claimed."""
        command = command_of(fire, self._ports.new_id(), self._ports.clock.now())
        _, found = await self._verdict(command)
        return found or too_large(command)

    async def _hold(
        self,
        fire: FireRequest,
        key: str,
        command: FireTrigger,
        command_id: str,
        accepted_at: datetime,
    ) -> Claim:
        """Whoever fires under a key first decides its event; all others repeat that one.

        A fire that is refused here uses up no key. One that could not be checked, since the
        database is away, does: its id was promised, whatever the executor then finds.
        """
        store_key = idempotency.store_key(command.trigger_id, key)
        mine = idempotency.claim_for(command, key, accepted_at)
        found = await self._ports.claims.find(store_key)
        if found is None:
            checked = await self._check(fire, command, command_id)
            if checked is not None:
                mine = mine.model_copy(update={"change_seq": checked.change_seq})
            found = await self._ports.claims.reserve(store_key, mine.model_dump_json().encode())
        claim = idempotency.read_claim(Claim, found)
        if claim.payload_hash != mine.payload_hash:
            raise refused(Code.IDEMPOTENCY_MISMATCH, "this Idempotency-Key fired another payload")
        if fire.trace is not None:
            fire.trace.is_repetition = claim.event_id != mine.event_id
        return claim

    async def _check(
        self, fire: FireRequest, command: FireTrigger, command_id: str
    ) -> Trigger | None:
        """The version that ``command`` fires; None, unchecked, where the database is away.

        Raises ``Refused``; a refused payload is recorded first, so that the log can tell why.
        """
        known, found = await self._verdict(command)
        if found is None:
            return known
        if found.code in (
            Code.PAYLOAD_SCHEMA_MISMATCH,
            Code.INVALID_SCHEMA,
            Code.UNKNOWN_TARGET,
        ):
            await self._record(fire, command, found, command_id)
        raise Refused(found)

    async def _record(
        self, fire: FireRequest, command: FireTrigger, found: Problem, command_id: str
    ) -> None:
        rejected = refused_command(command, found)
        headers = None
        if fire.trace is not None:
            fire.trace.is_rejected = True
            if (event_id := rejected_event_id(rejected)) and fire.trace.becomes(event_id):
                headers = fire.trace.headers
        await self._ports.commands.store(Verb.FIRE, rejected, command_id, headers=headers)

    async def _may_exist(self, trigger_id: str) -> bool:
        """Also where the database is away: the executor knows."""
        known = self._ports.definitions.cached(trigger_id)
        if known is None or not known.exists:
            try:
                known = await self._ports.definitions.load(trigger_id)
            except DatabaseUnavailable:
                return True
        return known is not None and known.exists

    async def _verdict(self, command: FireTrigger) -> tuple[Trigger | None, Problem | None]:
        """What is known here may be old: a refusal is confirmed by what the view says now."""
        known = self._ports.definitions.cached(command.trigger_id)
        await self._make_ready(known)
        if known is None or refusal(known, command) is not None:
            try:
                known = await self._ports.definitions.load(command.trigger_id)
            except DatabaseUnavailable:
                return None, None
            await self._make_ready(known)
            if (found := refusal(known, command)) is not None:
                return known, found
        return known, await self._unknown_targets(command)

    async def _unknown_targets(self, command: FireTrigger) -> Problem | None:
        """Of a test that names some. Where the database is away, the executor knows."""
        if not command.targets:
            return None
        try:
            existing = await self._targets.existing(command.targets)
        except DatabaseUnavailable:
            return None
        missing = missing_of(command.targets, existing)
        return unknown_targets(missing) if missing else None

    async def _make_ready(self, known: Trigger | None) -> None:
        """What is fired rarely may have its schema compiled anew: others do not wait for it."""
        if known is not None and known.change.definition.payload_schema is not None:
            definition = known.change.definition
            await self._ports.schemas.ready(definition.payload_schema, definition.schema_key)
