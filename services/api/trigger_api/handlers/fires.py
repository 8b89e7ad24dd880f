"""Fire a trigger: the hot path."""

from datetime import datetime

from trigger_api.domain.fires import Fire, refusal
from trigger_api.handlers.doors import Door
from trigger_contracts import idempotency
from trigger_contracts.commands import SCHEMA_VERSION, FireTrigger
from trigger_contracts.errors import Code, Problem, Refused, refused
from trigger_contracts.idempotency import Claim
from trigger_contracts.ids import fire_event_id
from trigger_contracts.subjects import Verb
from trigger_contracts.trigger import Trigger
from trigger_runtime.errors import DatabaseUnavailable


class Fires(Door):
    """Answers with the event's id once the fire is durable."""

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
