"""Commands to TRIGGER_COMMANDS, and their results back to this process's own inbox.

Publishing is durable before it returns; concurrent commands share an atomic batch. Each
question has a reply subject of its own under one subscription, so that two requests for the
same command are both answered. A result nobody waits for any more is dropped: the command was
answered 202, and its effect is in the views.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from nats.aio.msg import Msg
from pydantic import ValidationError

from trigger_api.domain.encoding import encoded
from trigger_api.ports.commands import Done, PartlyStored
from trigger_contracts import subjects
from trigger_contracts.commands import AnyCommand, CommandDone
from trigger_contracts.errors import Problem
from trigger_contracts.subjects import Service, Verb
from trigger_runtime.jetstream.batches import BatchLimits, cut
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.publisher import JetStreamPublisher, Message
from trigger_runtime.process.errors import BrokerUnavailable
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

AT_ONCE = BatchLimits(messages=100, payload_bytes=2 * 1024 * 1024)
"""Commands of one request that are published at once: what else happens in the process waits 1 ms
for so many to be written, and with more bytes a publish waits for nats-py's socket."""
AHEAD = 200
"""Commands of one request that the scheduler has not answered: the edits of others queue behind no
more, which is 0.2 s, however many it has. As long as it answers at all."""
SILENT_TIMEOUTS = 3
"""Times as long as for one result, for the next of many: a round of large ones takes longer."""
LONGEST_WAIT_S = 30.0
"""For the results of many commands, however steadily they come: a client may not wait longer."""

Result = CommandDone | Problem


class JetStreamCommands:
    """``ports.commands.Commands`` over JetStream.

    ``open`` must have been called for results to be heard.
    """

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
        self._waiting: dict[str, Callable[[Any], None]] = {}
        self._is_open = False

    async def open(self) -> None:
        """Listen for results; the subscription outlives reconnects."""
        await self._connection.client.subscribe(f"{self._inbox}.*", cb=self._answered)
        self._is_open = True

    async def ping(self) -> None:
        """A round trip to the broker, which knows by then that results are listened for.

        Raises ``BrokerUnavailable``. For readiness: a write before that would be answered 202.
        """
        if not self._is_open:
            raise BrokerUnavailable("results are not listened for yet")
        await self._connection.ping()

    async def store(
        self,
        verb: Verb,
        command: AnyCommand,
        message_id: str,
        *,
        ttl: timedelta | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        await self._publisher.publish(
            Message(
                subjects.command(verb),
                encoded(command),
                message_id=message_id,
                ttl=ttl,
                headers=headers,
            )
        )

    async def ask(
        self, verb: Verb, command: AnyCommand, message_id: str, done: type[Done]
    ) -> Done | Problem | None:
        reply_to = f"{self._inbox}.{message_id}"
        message = self._question(verb, encoded(command), message_id)
        result: asyncio.Future[Done | Problem] = asyncio.get_running_loop().create_future()
        self._waiting[reply_to] = partial(_settle, result, done)
        try:
            await self._publisher.publish(message)
            async with asyncio.timeout(self._timeout_s):
                return await result
        except TimeoutError:
            return None
        finally:
            del self._waiting[reply_to]

    async def ask_each(
        self, verb: Verb, commands: Sequence[bytes], attempt: str
    ) -> list[Result | None]:
        results = _Results(len(commands))
        asked: list[str] = []
        try:
            is_answering = True
            # Made as they are sent: ten thousand at once would take their time.
            messages = (
                self._question(verb, body, f"{attempt}-{place}")
                for place, body in enumerate(commands)
            )
            for batch in cut(messages, AT_ONCE):
                room = AHEAD - len(batch)
                is_answering = is_answering and await results.pending(
                    len(asked), room, SILENT_TIMEOUTS * self._timeout_s
                )
                for message in batch:
                    reply_to = f"{self._inbox}.{message.message_id}"
                    self._waiting[reply_to] = partial(results.put, len(asked))
                    asked.append(reply_to)
                try:
                    await self._publisher.publish_batch(batch)
                except BrokerUnavailable as error:
                    raise PartlyStored(len(asked) - len(batch)) from error
            return await results.complete(SILENT_TIMEOUTS * self._timeout_s)
        finally:
            for reply_to in asked:
                del self._waiting[reply_to]

    async def store_each(
        self, verb: Verb, commands: Sequence[tuple[str, bytes]], *, ttl: timedelta | None = None
    ) -> None:
        subject, stored = subjects.command(verb), 0
        messages = (Message(subject, body, message_id=one, ttl=ttl) for one, body in commands)
        for batch in cut(messages, AT_ONCE):
            try:
                await self._publisher.publish_batch(batch)
            except BrokerUnavailable as error:
                raise PartlyStored(stored) from error
            stored += len(batch)

    def _question(self, verb: Verb, body: bytes, message_id: str) -> Message:
        headers = {subjects.REPLY_TO_HEADER: f"{self._inbox}.{message_id}"}
        return Message(subjects.command(verb), body, message_id=message_id, headers=headers)

    async def _answered(self, message: Msg) -> None:
        take = self._waiting.get(message.subject)
        if take is None:
            return
        try:
            take(json.loads(message.data))
        except (ValueError, ValidationError) as error:
            log.warning("a result cannot be read", error=type(error).__name__)


class _Results:
    """The results of many commands, in their order."""

    def __init__(self, count: int) -> None:
        self._results: list[Result | None] = [None] * count
        self._missing = count
        self._complete = asyncio.Event()
        self._arrived = asyncio.Event()

    def put(self, place: int, fields: Any) -> None:
        if self._results[place] is None:
            if isinstance(fields, dict):
                # Of ten thousand triggers nobody wants to see each again.
                fields.pop("trigger", None)
            self._results[place] = _result(fields, CommandDone)
            self._missing -= 1
            self._arrived.set()
            if not self._missing:
                self._complete.set()

    async def pending(self, asked: int, limit: int, silence_s: float) -> bool:
        """Wait until at most so many of those ``asked`` are missing.

        False once none came for a whole ``silence_s``: nobody answers, and waiting is no use.
        """
        while asked - (len(self._results) - self._missing) > limit:
            self._arrived.clear()
            try:
                async with asyncio.timeout(silence_s):
                    await self._arrived.wait()
            except TimeoutError:
                return False
        return True

    async def complete(self, silence_s: float) -> list[Result | None]:
        """All, or those that are there when none came for a whole ``silence_s``."""
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST_WAIT_S
        before = self._missing + 1
        while 0 < self._missing < before and (now := loop.time()) < end:
            before = self._missing
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(end, now + silence_s)):
                    await self._complete.wait()
        return self._results


def _settle(future: asyncio.Future[Done | Problem], done: type[Done], fields: Any) -> None:
    if not future.done():
        future.set_result(_result(fields, done))


def _result(fields: Any, done: type[Done]) -> Done | Problem:
    if isinstance(fields, dict) and "code" in fields:
        return Problem.model_validate(fields)
    return done.model_validate(fields)
