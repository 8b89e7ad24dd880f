"""Commands to TRIGGER_COMMANDS, and their results back to this process's own inbox.

Publishing is durable before it returns; concurrent commands share an atomic batch. Each
question has a reply subject of its own under one subscription, so that two requests for the
same command are both answered. A result nobody waits for any more is dropped: the command was
answered 202, and its effect is in the views.
"""

import asyncio
import json
from datetime import timedelta

from nats.aio.msg import Msg
from pydantic import ValidationError

from trigger_contracts import subjects
from trigger_contracts.commands import AnyCommand, CommandDone
from trigger_contracts.errors import Code, Problem, refused
from trigger_contracts.subjects import Service, Verb
from trigger_contracts.topology import MAX_COMMAND_BYTES
from trigger_runtime.logs import get_logger
from trigger_runtime.nats import Connection
from trigger_runtime.publisher import JetStreamPublisher, Message

log = get_logger(__name__)


class JetStreamCommands:
    """See ``ports.Commands``. ``open`` must have been called for results to be heard."""

    def __init__(
        self,
        connection: Connection,
        publisher: JetStreamPublisher,
        *,
        instance: str,
        timeout: timedelta,
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._inbox = f"{subjects.inbox_prefix(Service.API)}.{instance}"
        self._timeout_s = timeout.total_seconds()
        self._waiting: dict[str, asyncio.Future[CommandDone | Problem]] = {}

    async def open(self) -> None:
        """Listen for results; the subscription outlives reconnects."""
        await self._connection.client.subscribe(f"{self._inbox}.*", cb=self._answered)

    async def store(self, verb: Verb, command: AnyCommand, message_id: str) -> None:
        await self._publisher.publish(
            Message(subjects.command(verb), _body(command), message_id=message_id)
        )

    async def ask(
        self, verb: Verb, command: AnyCommand, message_id: str
    ) -> CommandDone | Problem | None:
        reply_to = f"{self._inbox}.{message_id}"
        message = Message(
            subjects.command(verb),
            _body(command),
            message_id=message_id,
            headers={subjects.REPLY_TO_HEADER: reply_to},
        )
        result: asyncio.Future[CommandDone | Problem] = asyncio.get_running_loop().create_future()
        self._waiting[reply_to] = result
        try:
            await self._publisher.publish(message)
            async with asyncio.timeout(self._timeout_s):
                return await result
        except TimeoutError:
            return None
        finally:
            del self._waiting[reply_to]

    async def _answered(self, message: Msg) -> None:
        result = self._waiting.get(message.subject)
        if result is None or result.done():
            return
        try:
            result.set_result(_parse(message.data))
        except (ValueError, ValidationError) as error:
            log.warning("a result cannot be read", error=repr(error))


def _body(command: AnyCommand) -> bytes:
    """Only what was given: whether a payload was is part of a fire's meaning."""
    body = command.model_dump_json(exclude_unset=True).encode()
    if len(body) > MAX_COMMAND_BYTES:
        raise refused(Code.BODY_TOO_LARGE, f"larger than {MAX_COMMAND_BYTES} bytes as a command")
    return body


def _parse(payload: bytes) -> CommandDone | Problem:
    fields = json.loads(payload)
    if isinstance(fields, dict) and "code" in fields:
        return Problem.model_validate(fields)
    return CommandDone.model_validate(fields)
