"""The gateway's ports in memory. ``FakeClaims`` passes the same suite as the runtime's store."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from trigger_api.ports.commands import Done, PartlyStored
from trigger_contracts.commands import (
    AnyCommand,
    CommandDone,
    CreateTrigger,
    TargetDone,
    parse_command,
)
from trigger_contracts.definition import parse_definition
from trigger_contracts.errors import Problem
from trigger_contracts.events import ChangeKind, Status, TriggerChanged
from trigger_contracts.subjects import Verb
from trigger_contracts.trigger import Trigger
from trigger_runtime.process.errors import BrokerUnavailable, DatabaseUnavailable

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)


class FakeClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def advance(self, by: timedelta) -> None:
        self.at += by


def ids() -> Callable[[], str]:
    made = iter(range(1, 1_000_000))
    return lambda: f"id{next(made)}"


class FakeClaims:
    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    async def find(self, key: str) -> bytes | None:
        return self.values.get(key)

    async def reserve(self, key: str, value: bytes) -> bytes:
        return self.values.setdefault(key, value)


class FakeCommands:
    """Remembers what is published; answers ``ask`` with ``result``."""

    def __init__(self) -> None:
        self.published: list[tuple[Verb, AnyCommand, str]] = []
        self.ttls: list[timedelta | None] = []
        self.headers: list[Mapping[str, str] | None] = []
        self.result: CommandDone | TargetDone | Problem | None = None
        self.away = False
        self.breaks_after: int | None = None

    async def store(
        self,
        verb: Verb,
        command: AnyCommand,
        message_id: str,
        *,
        ttl: timedelta | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if self.away:
            raise BrokerUnavailable
        self.headers.append(headers)
        self.published.append((verb, command, message_id))
        self.ttls.append(ttl)

    async def ask(
        self, verb: Verb, command: AnyCommand, message_id: str, done: type[Done]
    ) -> Done | Problem | None:
        await self.store(verb, command, message_id)
        assert isinstance(self.result, done | Problem | None)
        return self.result

    async def ask_each(
        self, verb: Verb, commands: Sequence[bytes], attempt: str
    ) -> list[CommandDone | Problem | None]:
        """Answers each with ``results``."""
        if self.away:
            raise PartlyStored(0)
        parsed = [CreateTrigger.model_validate_json(body) for body in commands]
        self.published += [(verb, one, f"{attempt}-{n}") for n, one in enumerate(parsed)]
        return [self.results(one) for one in parsed]

    async def store_each(
        self, verb: Verb, commands: Sequence[tuple[str, bytes]], *, ttl: timedelta | None = None
    ) -> None:
        """Breaks off once ``breaks_after`` commands are stored in all."""
        for stored, (message_id, body) in enumerate(commands):
            if self.breaks_after is not None and len(self.published) >= self.breaks_after:
                raise PartlyStored(stored)
            await self.store(verb, parse_command(verb, json.loads(body)), message_id, ttl=ttl)

    @staticmethod
    def results(command: CreateTrigger) -> CommandDone | Problem | None:
        return CommandDone(
            command_id=command.command_id or "", trigger_id=command.trigger_id or "", version=1
        )


class FakeDefinitions:
    """``remembered`` may be older than ``stored``, as a cache may."""

    def __init__(self) -> None:
        self.remembered: dict[str, TriggerChanged] = {}
        self.stored: dict[str, TriggerChanged] = {}
        self.change_seq = 1
        self.away = False
        self.loads = 0

    def cached(self, trigger_id: str) -> Trigger | None:
        return self._trigger(self.remembered.get(trigger_id))

    async def load(self, trigger_id: str) -> Trigger | None:
        self.loads += 1
        if self.away:
            raise DatabaseUnavailable
        return self._trigger(self.stored.get(trigger_id))

    def _trigger(self, change: TriggerChanged | None) -> Trigger | None:
        return None if change is None else Trigger(change, self.change_seq)

    def forget(self, trigger_id: str) -> None:
        self.remembered.pop(trigger_id, None)


class FakeTargets:
    """Of ``ports.targets.TargetViews`` what is asked in advance."""

    def __init__(self, *ids: str) -> None:
        self.ids: set[str] = set(ids)
        self.asked: list[set[str]] = []
        self.away = False

    async def existing(self, target_ids: Collection[str]) -> set[str]:
        if self.away:
            raise DatabaseUnavailable
        self.asked.append(set(target_ids))
        return self.ids & set(target_ids)


def make_change(
    trigger_id: str = "t", status: Status = Status.ACTIVE, **fields: object
) -> TriggerChanged:
    definition = parse_definition({"name": "n", "type": "api", **fields})
    return TriggerChanged(
        kind=ChangeKind.CREATED,
        trigger_id=trigger_id,
        creation_id="c",
        command_id="c",
        version=1,
        status=status,
        definition=definition,
        schedule=None,
        armed_from=NOW,
        actor="test",
        at=NOW,
        created_at=NOW,
    )
