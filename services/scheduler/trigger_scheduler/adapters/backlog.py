"""What of the commands is unsettled, as the broker has it."""

import json
from typing import Any

from nats.errors import Error as NatsError

from trigger_contracts.topology import SCHEDULER_COMMANDS
from trigger_runtime.errors import BrokerUnavailable
from trigger_runtime.nats import Connection

_TIMEOUT_S = 2.0
_INFO = f"$JS.API.CONSUMER.INFO.{SCHEDULER_COMMANDS.stream.name}.{SCHEDULER_COMMANDS.durable}"


class CommandBacklog:
    """Implements ``ports.Backlog`` by asking the broker about the consumer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def older_unsettled(self, oldest_seq: int, in_hand: int) -> bool:
        try:
            answer = await self._connection.client.request(_INFO, b"", timeout=_TIMEOUT_S)
        except (NatsError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(f"consumer not known: {error!r}") from error
        info: dict[str, Any] = json.loads(answer.data)
        # The floor lies below the oldest unsettled command; fires, which others consume, lie
        # between commands, so only the number of the unsettled ones decides.
        floor: int = info["ack_floor"]["stream_seq"]
        unsettled: int = info["num_ack_pending"]
        return floor < oldest_seq - 1 and unsettled > in_hand
