"""What of the commands may be unsettled, and of the due log unrecorded, as the broker has it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from nats.errors import Error as NatsError

from trigger_contracts import strict_json, subjects, topology
from trigger_contracts.commands import (
    AnyCommand,
    CreateTarget,
    CreateTrigger,
    accepted_at,
    command_id,
    parse_command,
    target_id_of,
    trigger_id_of,
)
from trigger_contracts.errors import Refused
from trigger_contracts.subjects import Verb
from trigger_contracts.topology import EXECUTOR_DUES, SCHEDULER_COMMANDS, Consumer
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reader import StoredMessage, StreamReader
from trigger_runtime.process.errors import BrokerUnavailable, StreamMissing

_CREATES = subjects.command(Verb.CREATE)
_TARGET_CREATES = subjects.command(Verb.CREATE_TARGET)
_PAGE = 500
"""Creates read at once: a full batch of commands."""


class CommandBacklog:
    """Implements ``ports.Backlog``: the creates above the consumer's floor are read themselves.

    How many commands are unsettled says nothing: newer ones that are already delivered, and
    those in the hands of other replicas, would be waited for as well, and wait in turn.
    """

    def __init__(self, connection: Connection, *, timeout: timedelta) -> None:
        self._connection = connection
        self._timeout_s = timeout.total_seconds()
        self._reader = StreamReader(connection, topology.COMMANDS.name, timeout=timeout)
        self._arriving = StreamReader(connection, topology.INGRESS.name, timeout=timeout)

    async def unsettled_creates(self, before: Mapping[str, int]) -> set[str]:
        return await self._unsettled(_CREATES, _created, before)

    async def unsettled_targets(self, before: Mapping[str, int]) -> set[str]:
        return await self._unsettled(_TARGET_CREATES, _created_target, before)

    async def _unsettled(
        self,
        subject: str,
        created: Callable[[StoredMessage], str | None],
        before: Mapping[str, int],
    ) -> set[str]:
        seq = await self._floor()
        last = max(before.values())
        found: set[str] = set()
        while seq < last - 1:
            page = await self._reader.after(seq, subject, _PAGE)
            for message in page:
                its_id = created(message)
                if its_id is not None and message.seq < before.get(its_id, 0):
                    found.add(its_id)
            if len(page) < _PAGE:
                break
            seq = page[-1].seq
        return found

    async def oldest(self) -> timedelta | None:
        """Since when the first of all commands is stored that is not settled; None if all are."""
        found = await asyncio.gather(self._oldest_unsettled(), self._oldest_arriving())
        return max((age for age in found if age is not None), default=None)

    async def _oldest_arriving(self) -> timedelta | None:
        """Of those that external users published: the first that is not yet among the commands."""
        info = await _ask(
            self._connection, f"STREAM.INFO.{topology.COMMANDS.name}", self._timeout_s
        )
        (source,) = info["config"]["sources"]
        copied = info["sources"][0].get("seq", source.get("opt_start_seq", 1) - 1)
        try:
            following = await self._arriving.after(copied, subjects.ALL_INGRESS, 1)
        except BrokerUnavailable:
            if await self._is_ingress_there():
                raise
            return None  # Nobody answers for a stream that is not there, and nothing arrives.
        return _age(info, following[0]) if following else None

    async def _is_ingress_there(self) -> bool:
        try:
            await self._arriving.state()
        except StreamMissing:
            return False
        return True

    async def _oldest_unsettled(self) -> timedelta | None:
        info = await _consumer(self._connection, SCHEDULER_COMMANDS, self._timeout_s)
        if not info["num_pending"] and not info["num_ack_pending"]:
            return None
        floor: int = info["ack_floor"]["stream_seq"]
        following = await asyncio.gather(
            *(self._reader.after(floor, subject, 1) for subject in SCHEDULER_COMMANDS.filters)
        )
        first = min((m for found in following for m in found), key=lambda m: m.seq, default=None)
        return None if first is None else _age(info, first)

    async def _floor(self) -> int:
        """Every command up to here is settled."""
        info = await _consumer(self._connection, SCHEDULER_COMMANDS, self._timeout_s)
        floor: int = info["ack_floor"]["stream_seq"]
        return floor


class ExecutorBacklog:
    """Implements ``ports.DueBacklog``: what the executor's consumer has not acknowledged."""

    def __init__(self, connection: Connection, *, timeout: timedelta) -> None:
        self._connection = connection
        self._timeout_s = timeout.total_seconds()
        self._reader = StreamReader(connection, topology.DUE.name, timeout=timeout)

    async def oldest(self) -> timedelta:
        info = await _consumer(self._connection, EXECUTOR_DUES, self._timeout_s)
        if not info["num_pending"] and not info["num_ack_pending"]:
            return timedelta()
        first = await self._reader.after(info["ack_floor"]["stream_seq"], subjects.ALL_DUE, 1)
        return _age(info, first[0]) if first else timedelta()


def _age(info: Mapping[str, Any], message: StoredMessage) -> timedelta:
    """At the time of an answer: both are by the broker's clock, whatever ours shows."""
    return max(datetime.fromisoformat(info["ts"]) - message.stored_at, timedelta())


async def _consumer(connection: Connection, consumer: Consumer, timeout_s: float) -> dict[str, Any]:
    """What the broker says of a consumer."""
    what = f"CONSUMER.INFO.{consumer.stream.name}.{consumer.durable}"
    return await _ask(connection, what, timeout_s)


async def _ask(connection: Connection, what: str, timeout_s: float) -> dict[str, Any]:
    """An answer of JetStream's API. Raises BrokerUnavailable."""
    try:
        answer = await connection.client.request(f"$JS.API.{what}", b"", timeout=timeout_s)
    except (NatsError, OSError, TimeoutError) as error:
        raise BrokerUnavailable(f"not known: {what}: {error!r}") from error
    info: dict[str, Any] = json.loads(answer.data)
    return info


def _created(message: StoredMessage) -> str | None:
    """The id of the trigger that a create would make; None for what is no create."""
    command = _command(Verb.CREATE, message)
    if not isinstance(command, CreateTrigger):
        return None
    return trigger_id_of(command, _own_id(command, message), _accepted_at(command, message))


def _created_target(message: StoredMessage) -> str | None:
    """The same of a target."""
    command = _command(Verb.CREATE_TARGET, message)
    if not isinstance(command, CreateTarget):
        return None
    return target_id_of(command, _own_id(command, message), _accepted_at(command, message))


def _command(verb: Verb, message: StoredMessage) -> AnyCommand | None:
    try:
        return parse_command(verb, strict_json.parse(message.payload))
    except Refused:
        return None


def _own_id(command: AnyCommand, message: StoredMessage) -> str:
    return command_id(command, message.headers.get("Nats-Msg-Id"), message.seq, message.stored_at)


def _accepted_at(command: AnyCommand, message: StoredMessage) -> datetime:
    return accepted_at(command, message.stored_at)
