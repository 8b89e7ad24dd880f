"""What a write would do: decided by the contracts' own rules, on the trigger as the view has it.

Nothing is published or reserved. What only the scheduler knows when it decides is left to it: the
quotas, and what somebody else is about to write.
"""

from datetime import datetime
from typing import Any

from trigger_api.domain.schemas import DryRun, InWords, NextOccurrences
from trigger_api.domain.triggers import creates
from trigger_api.domain.triggers.local import local_text
from trigger_api.handlers.schemas import SchemaTurns
from trigger_api.ports.process import Clock
from trigger_api.ports.targets import KnownTargets
from trigger_api.ports.triggers import DefinitionCache, Describe, Scheduled, TriggerViews
from trigger_contracts import payloads
from trigger_contracts.commands import DeleteTrigger, UpdateTrigger
from trigger_contracts.errors import Refused
from trigger_contracts.events import Status, TriggerChanged
from trigger_contracts.preview import Preview
from trigger_contracts.schedule_fields import schedule_of
from trigger_contracts.targets.target import missing_of, unknown_targets
from trigger_contracts.trigger import (
    Changed,
    Moment,
    Rejected,
    Trigger,
    decide,
    first_fire,
    representation,
)

from .previews import to_come
from .triggers import must_be_a_patch, schema_in

SHOWN = 10
"""Occurrences before and after."""

_ID = "dry-run"
"""Of the command, the actor and, for a create, the trigger: none of them is shown."""

_NOTHING = Preview((), (), more=False)


class DryRuns:
    """Create, replace, patch and delete; every method raises ``Refused`` as the write would."""

    def __init__(
        self,
        *,
        views: TriggerViews,
        definitions: DefinitionCache,
        schemas: SchemaTurns,
        clock: Clock,
        describe: Describe,
        targets: KnownTargets,
    ) -> None:
        self._targets = targets
        self._views = views
        self._definitions = definitions
        self._schemas = schemas
        self._clock = clock
        self._describe = describe

    async def create(self, fields: Any) -> DryRun:
        await self._schemas.ready(schema_in(fields))
        now = self._clock.now()
        command = creates.checked(fields, command_id=_ID, accepted_at=now, actor=_ID)
        change = self._decided(command, None, now, fires=0)
        await self._check_targets(change)
        # Where it has jitter, by how much is known once it has an id.
        change = change.model_copy(update={"schedule": schedule_of(change.definition, now)})
        shown = self._shown(None, change, None, now)
        return shown.model_copy(update={"id": None})

    async def replace(self, trigger_id: str, fields: Any, expected_version: int | None) -> DryRun:
        await self._schemas.ready(schema_in(fields))
        return await self._updated(trigger_id, expected_version, definition=fields)

    async def patch(self, trigger_id: str, fields: Any, expected_version: int | None) -> DryRun:
        must_be_a_patch(fields)
        stored = await self._definitions.load(trigger_id)
        if stored is not None:
            definition = stored.change.definition.model_dump(exclude_defaults=True)
            await self._schemas.ready(schema_in(payloads.merge(definition, fields)))
        return await self._updated(trigger_id, expected_version, patch=fields)

    async def delete(self, trigger_id: str, expected_version: int | None) -> DryRun:
        command = DeleteTrigger(
            command_id=_ID, trigger_id=trigger_id, expected_version=expected_version
        )
        return await self._dry(command, trigger_id)

    async def _updated(
        self, trigger_id: str, expected_version: int | None, **change: Any
    ) -> DryRun:
        command = UpdateTrigger(
            command_id=_ID, trigger_id=trigger_id, expected_version=expected_version, **change
        )
        return await self._dry(command, trigger_id)

    async def _dry(self, command: UpdateTrigger | DeleteTrigger, trigger_id: str) -> DryRun:
        # Read, not remembered: whoever saved a moment ago sees that.
        self._definitions.forget(trigger_id)
        stored = await self._definitions.load(trigger_id)
        known = await self._views.scheduled(trigger_id)
        now = self._clock.now()
        change = self._decided(command, stored, now, 0 if known is None else known.fires)
        if isinstance(command, UpdateTrigger):
            await self._check_targets(change)
        return self._shown(None if stored is None else stored.change, change, known, now)

    async def _check_targets(self, change: TriggerChanged) -> None:
        named = change.definition.targets
        missing = missing_of(named, await self._targets.existing(named))
        if missing:
            raise Refused(unknown_targets(missing))

    @staticmethod
    def _decided(command: Any, stored: Trigger | None, now: datetime, fires: int) -> TriggerChanged:
        trigger_id = command.trigger_id or _ID
        moment = Moment(accepted_at=now, now=now, fires=fires)
        decision = decide(command, stored, moment, trigger_id=trigger_id, command_id=_ID)
        if isinstance(decision, Rejected):
            raise Refused(decision.problem)
        if isinstance(decision, Changed):
            return decision.change
        if stored is None:
            raise TypeError("only what exists can be left unchanged")
        return stored.change

    def _shown(
        self,
        old: TriggerChanged | None,
        change: TriggerChanged,
        known: Scheduled | None,
        now: datetime,
    ) -> DryRun:
        before = _NOTHING if known is None else _to_come(known, now)
        is_kept = old is not None and known is not None and change.schedule == old.schedule
        first = known.next_fire_at if is_kept and known is not None else first_fire(change)
        if change.status is not Status.ACTIVE:
            first = None
        fires = change.fires if known is None or not is_kept else known.fires
        then = Scheduled(change.definition, change.schedule, first, fires)
        after = _to_come(then, now)
        return DryRun(
            **representation(change, first, fires),
            next_fire_local=local_text(first, change.definition.timezone),
            next_occurrences=NextOccurrences(before=before.occurrences, after=after.occurrences),
            in_words=InWords(
                before=None if known is None else self._words(known), after=self._words(then)
            ),
            clock_changes=after.clock_changes,
        )

    def _words(self, known: Scheduled) -> str | None:
        if known.schedule is None or known.next_fire_at is None:
            return None
        return self._describe(known.schedule, known.definition)


def _to_come(known: Scheduled, now: datetime) -> Preview:
    if known.schedule is None or known.next_fire_at is None:
        return _NOTHING
    return to_come(known, known.schedule, known.next_fire_at, now, count=SHOWN)
