"""Where commands go, and the keys under which they are repeated."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

from trigger_contracts.commands import AnyCommand, CommandDone, TargetDone
from trigger_contracts.errors import Problem
from trigger_contracts.subjects import Verb
from trigger_runtime.process.errors import BrokerUnavailable

Done = TypeVar("Done", CommandDone, TargetDone)


class PartlyStored(BrokerUnavailable):
    """The broker went away in the middle of many commands; ``count`` or more of them are stored."""

    def __init__(self, count: int) -> None:
        super().__init__(f"only {count} are certainly stored")
        self.count = count


class Commands(Protocol):
    """Where commands go. All raise ``BrokerUnavailable`` when the broker did not store it."""

    async def store(
        self,
        verb: Verb,
        command: AnyCommand,
        message_id: str,
        *,
        ttl: timedelta | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Publish durably, to be kept for 48 h or ``ttl``; the result is not asked for."""
        ...

    async def ask(
        self, verb: Verb, command: AnyCommand, message_id: str, done: type[Done]
    ) -> Done | Problem | None:
        """Publish durably and wait a moment for the result, which is read as ``done``; None where
        none came in time.
        """
        ...

    async def ask_each(
        self, verb: Verb, commands: Sequence[bytes], attempt: str
    ) -> list[CommandDone | Problem | None]:
        """As ``ask``, for many at once, encoded, in their order. ``attempt`` is unique.

        Waits as long as results keep coming. Raises ``PartlyStored``.
        """
        ...

    async def store_each(
        self, verb: Verb, commands: Sequence[tuple[str, bytes]], *, ttl: timedelta | None = None
    ) -> None:
        """As ``store``, for many at once, in their order: message ids and encoded commands.

        Raises ``PartlyStored``.
        """
        ...


class IdempotencyKeys(Protocol):
    """The create-only store of idempotency keys; raises ``BrokerUnavailable``."""

    async def find(self, key: str) -> bytes | None: ...

    async def reserve(self, key: str, value: bytes) -> bytes: ...
