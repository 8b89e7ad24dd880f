"""A scheduler in a nutshell: decides by the contracts' own rules, and writes what the views show.

Enough to test the gateway against real servers without the scheduler's process. ``silent``
makes it leave commands unanswered, as a scheduler that is away would.
"""

import json
from datetime import UTC, datetime
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.support.servers import Broker, Database
from trigger_contracts import subjects, trigger
from trigger_contracts.commands import CommandDone, TestTrigger, parse_command
from trigger_contracts.events import TriggerChanged
from trigger_contracts.subjects import Verb

VERBS = (Verb.CREATE, Verb.UPDATE, Verb.DELETE, Verb.TEST)


class StandInScheduler:
    def __init__(self, broker: Broker, database: Database) -> None:
        self._broker = broker
        self._database = database
        self._client: Client
        self.silent = False
        self.problem: dict[str, Any] | None = None
        self.commands: list[dict[str, Any]] = []
        self.answers: dict[str, CommandDone] = {}
        self.states: dict[str, trigger.Trigger] = {}
        self.seq = 0

    async def start(self) -> None:
        self._client = await self._broker.connect()
        for verb in VERBS:
            await self._client.subscribe(subjects.command(verb), cb=self._on_command)
        await self._client.flush()

    async def stop(self) -> None:
        await self._client.close()

    async def _on_command(self, message: Msg) -> None:
        fields = json.loads(message.data)
        self.commands.append(fields)
        if self.silent:
            return
        if self.problem is not None:
            await self._reply(message, json.dumps(self.problem).encode())
            return
        result = self.answers.get(fields["command_id"])
        if result is None:
            outcome = await self._decide(Verb(message.subject.rsplit(".", 1)[1]), fields)
            if isinstance(outcome, trigger.Rejected):
                await self._reply(message, outcome.problem.model_dump_json().encode())
                return
            result = self.answers[fields["command_id"]] = outcome
        await self._reply(message, result.model_dump_json().encode())

    async def _reply(self, message: Msg, body: bytes) -> None:
        await self._client.publish((message.headers or {})[subjects.REPLY_TO_HEADER], body)

    async def _decide(self, verb: Verb, fields: dict[str, Any]) -> CommandDone | trigger.Rejected:
        command = parse_command(verb, fields)
        now = datetime.now(UTC)
        trigger_id = command.trigger_id
        assert trigger_id is not None
        assert command.command_id is not None
        old = self.states.get(trigger_id)
        moment = trigger.Moment(accepted_at=command.accepted_at or now, now=now)
        decision = trigger.decide(
            command, old, moment, trigger_id=trigger_id, command_id=command.command_id
        )
        if isinstance(decision, trigger.Rejected):
            return decision
        change = old.change if isinstance(decision, trigger.Unchanged) and old else decision.change
        if isinstance(decision, trigger.Changed):
            await self.record(change)
        fires_at = trigger.first_fire(change)
        is_test = isinstance(command, TestTrigger)
        return CommandDone(
            command_id=command.command_id,
            trigger_id=trigger_id,
            version=change.version,
            trigger=trigger.representation(change, fires_at),
            next_fires_before=trigger.next_fires(old.change, now) if old else None,
            next_fires_after=trigger.next_fires(change, now),
            event_id=str(trigger.event_id_at(change, fires_at)) if is_test and fires_at else None,
            fires_at=fires_at if is_test else None,
        )

    async def record(self, change: TriggerChanged, *, announce: bool = True) -> None:
        """Append to the projection, and tell whoever listens."""
        self.seq += 1
        self.states[change.trigger_id] = trigger.Trigger(change, self.seq)
        state = change.model_dump_json()
        async with self._database.connected() as admin, admin.transaction():
            await admin.execute(
                "INSERT INTO scheduler.change (change_seq, trigger_id, command_id, kind, version,"
                " status, is_test, actor, at, state) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
                self.seq, change.trigger_id, change.command_id, change.kind, change.version,
                change.status, change.is_test, change.actor, change.at, state,
            )  # fmt: skip
            await admin.execute(
                "DELETE FROM scheduler.trigger WHERE trigger_id = $1", change.trigger_id
            )
            await admin.execute(
                "INSERT INTO scheduler.trigger (trigger_id, creation_id, version, status, is_test,"
                " type, name, labels, change_seq, created_at, updated_at, next_fire_at, due_seq,"
                " needs_completion) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,0,false)",
                change.trigger_id, change.creation_id, change.version, change.status,
                change.is_test, change.definition.type, change.definition.name,
                list(change.definition.labels), self.seq, change.created_at, change.at,
                trigger.first_fire(change),
            )  # fmt: skip
        if announce:
            await self._client.publish(subjects.changed(change.trigger_id), state.encode())
            await self._client.flush()
