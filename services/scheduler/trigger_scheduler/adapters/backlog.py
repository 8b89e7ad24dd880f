"""What of the commands may be unsettled, as the broker has it."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from nats.errors import Error as NatsError

from trigger_contracts import strict_json, subjects, topology
from trigger_contracts.commands import (
    CreateTrigger,
    accepted_at,
    command_id,
    parse_command,
    trigger_id_of,
)
from trigger_contracts.errors import Refused
from trigger_contracts.subjects import Verb
from trigger_contracts.topology import SCHEDULER_COMMANDS
from trigger_runtime.errors import BrokerUnavailable
from trigger_runtime.nats import Connection
from trigger_runtime.reader import StoredMessage, StreamReader

_INFO = f"$JS.API.CONSUMER.INFO.{SCHEDULER_COMMANDS.stream.name}.{SCHEDULER_COMMANDS.durable}"
_CREATES = subjects.command(Verb.CREATE)
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

    async def unsettled_creates(self, before: Mapping[str, int]) -> set[str]:
        seq = await self._floor()
        last = max(before.values())
        found: set[str] = set()
        while seq < last - 1:
            page = await self._reader.after(seq, _CREATES, _PAGE)
            for message in page:
                trigger_id = _created(message)
                if trigger_id is not None and message.seq < before.get(trigger_id, 0):
                    found.add(trigger_id)
            if len(page) < _PAGE:
                break
            seq = page[-1].seq
        return found

    async def _floor(self) -> int:
        """Every command up to here is settled."""
        try:
            answer = await self._connection.client.request(_INFO, b"", timeout=self._timeout_s)
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(f"consumer not known: {error!r}") from error
        info: dict[str, Any] = json.loads(answer.data)
        floor: int = info["ack_floor"]["stream_seq"]
        return floor


def _created(message: StoredMessage) -> str | None:
    """The id of the trigger that a create would make; None for what is no create."""
    try:
        command = parse_command(Verb.CREATE, strict_json.parse(message.payload))
    except Refused:
        return None
    if not isinstance(command, CreateTrigger):
        return None
    message_id = message.headers.get("Nats-Msg-Id")
    own_id = command_id(command, message_id, message.seq, message.stored_at)
    return trigger_id_of(command, own_id, accepted_at(command, message.stored_at))
