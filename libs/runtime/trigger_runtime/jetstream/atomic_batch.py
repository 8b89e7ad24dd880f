"""Writes messages to one stream: one by one, or as an atomic batch (ADR-50).

With ``sync_interval: always`` an ordinary publish costs an fsync, and an atomic batch as much
as a dozen of them, whatever its size. Knows what one write is and nothing of who waits for it:
``publisher``, which alone uses it, decides what is written together. Invariant: what it says is
stored, the broker acknowledged.
"""

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

from nats.errors import Error as NatsError

from trigger_runtime.process.errors import BrokerUnavailable, PublishRefused, StaleExpectation
from trigger_runtime.process.ids import new_id
from trigger_runtime.process.metrics import (
    PUBLISH_BATCHES,
    PUBLISH_FAILURES,
    PUBLISH_SECONDS,
    PUBLISHED,
)

from . import acknowledgement
from .acknowledgement import PublishAck
from .connection import Connection
from .message import Message, finishing_frame, single_frame, unfinished_frames
from .reply_inbox import Replies

BATCH_FROM = 14
"""Messages from which on a batch is cheaper than one by one (decision 0021)."""
MAX_SINGLE = 100
"""Messages on their way one by one; more would only queue at the broker, past their deadline."""
MAX_IN_FLIGHT = 2
"""Batches in flight per writer: one being synced while the next arrives. More gain nothing, and the
broker drops what exceeds 1,000 messages that wait at a stream (decision 43)."""
RETRY_PAUSE_S = 0.02
"""At least, and at most twice as long, between tries of a batch that the broker dropped unread:
too many were in flight, or too many messages waited. Not all at once again."""
BATCH_TRIES = 10
"""Then its messages go one by one: somebody may hold all of a stream's batches unfinished."""

Outcome = PublishAck | Exception
"""What became of one message."""


class StreamWriter:
    """Writes to one stream, one by one or as an atomic batch. Each call is one batch at most."""

    def __init__(self, connection: Connection, stream: str, *, timeout: timedelta) -> None:
        self._connection = connection
        self._client = connection.client
        self._replies = Replies(connection)
        self._stream = stream
        self._timeout_s = timeout.total_seconds()
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._published = PUBLISHED.labels(stream)
        self._batches = PUBLISH_BATCHES.labels(stream)
        self._seconds = PUBLISH_SECONDS.labels(stream)

    async def write_all(self, messages: Sequence[Message]) -> list[PublishAck]:
        """All or none, but where that cannot be: see ``JetStreamPublisher.publish_batch``."""
        expecting = any(m.expected_last_subject_seq is not None for m in messages)
        try:
            return await self._write_batch(messages, tries=math.inf if expecting else BATCH_TRIES)
        except (acknowledgement.DuplicateInBatch, acknowledgement.BatchDropped):
            outcomes = await self.write_singly(messages)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, PublishAck)]

    async def write_each(
        self, messages: Sequence[Message], staged: str | None = None
    ) -> Sequence[Outcome]:
        """The cheapest write; what became of each message. Raises what concerns them all."""
        if len(messages) < BATCH_FROM:
            return await self.write_singly(messages)
        try:
            return await self._write_batch(messages, staged)
        except (PublishRefused, acknowledgement.BatchDropped):
            # One message spoils a batch: singly, only the guilty one gets the error.
            return await self.write_singly(messages)

    async def write_singly(self, messages: Sequence[Message]) -> list[Outcome]:
        """Each by itself, so many at once as the broker answers in time."""
        outcomes: list[Outcome] = []
        for start in range(0, len(messages), MAX_SINGLE):
            outcomes += await self._write_some(messages[start : start + MAX_SINGLE])
        return outcomes

    async def stage(self, messages: Sequence[Message]) -> str | None:
        """Begin a batch: send all of it but the last message. None for too few for a batch."""
        if len(messages) < BATCH_FROM:
            return None
        batch_id = new_id()
        with self._counted():
            async with asyncio.timeout(self._timeout_s):
                await self._connection.wait_connected(self._timeout_s)
                await self._client.send(unfinished_frames(messages, batch_id))
        return batch_id

    async def _write_batch(
        self, messages: Sequence[Message], staged: str | None = None, tries: float = BATCH_TRIES
    ) -> list[PublishAck]:
        """Raises BatchDropped if the broker had no place for it at each of the tries."""
        if len(messages) == 1:
            (outcome,) = await self.write_singly(messages)
            if isinstance(outcome, Exception):
                raise outcome
            return [outcome]
        with self._counted():
            async with self._in_time(), self._in_flight:
                while True:
                    try:
                        acks = await self._send_batch(messages, staged)
                        break
                    except acknowledgement.BatchDropped:
                        tries -= 1
                        if tries <= 0:
                            raise
                        if staged is None:
                            await asyncio.sleep(RETRY_PAUSE_S * random.uniform(1, 2))  # noqa: S311
                        staged = None
        self._batches.inc()
        self._published.inc(len(messages))
        return acks

    async def _write_some(self, messages: Sequence[Message]) -> list[Outcome]:
        """Each message by itself, all on their way at once."""
        try:
            with self._counted():
                async with self._in_time():
                    answers = await self._send_each(messages)
        except (BrokerUnavailable, PublishRefused) as error:
            return [error] * len(messages)
        outcomes: list[Outcome] = []
        for answer in answers:
            try:
                with self._counted():
                    outcomes += acknowledgement.parse(answer.result(), 1)
            except (BrokerUnavailable, PublishRefused) as error:
                outcomes.append(error)
        stored = sum(isinstance(outcome, PublishAck) for outcome in outcomes)
        self._batches.inc(stored)
        self._published.inc(stored)
        return outcomes

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """A client that is connected and hears answers, within the writer's timeout."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with asyncio.timeout_at(started + self._timeout_s):
            await self._connection.wait_connected(self._timeout_s)
            await self._replies.open()
            yield
        self._seconds.observe(loop.time() - started)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        """Failures as our errors, each counted by its kind."""
        try:
            yield
        except (TimeoutError, NatsError, OSError) as error:
            PUBLISH_FAILURES.labels(self._stream, "unavailable").inc()
            text = str(error) or type(error).__name__
            raise BrokerUnavailable(f"no acknowledgement for {self._stream}: {text}") from error
        except BrokerUnavailable:
            PUBLISH_FAILURES.labels(self._stream, "unavailable").inc()
            raise
        except StaleExpectation:
            PUBLISH_FAILURES.labels(self._stream, "stale").inc()
            raise
        except PublishRefused:
            PUBLISH_FAILURES.labels(self._stream, "refused").inc()
            raise

    async def _send_batch(
        self, messages: Sequence[Message], staged: str | None
    ) -> list[PublishAck]:
        batch_id = staged or new_id()
        reply, answer = self._replies.expect()
        frames = [] if staged else unfinished_frames(messages, batch_id)
        frames.append(finishing_frame(messages, batch_id, reply))
        try:
            await self._client.send(frames)
            return acknowledgement.parse(await answer, len(messages))
        finally:
            self._replies.forget([reply])

    async def _send_each(self, messages: Sequence[Message]) -> list[asyncio.Future[bytes]]:
        expected = [self._replies.expect() for _ in messages]
        frames = [
            single_frame(message, reply)
            for message, (reply, _) in zip(messages, expected, strict=True)
        ]
        answers = [answer for _, answer in expected]
        try:
            await self._client.send(frames)
            for answer in answers:
                with contextlib.suppress(NatsError):  # for the caller, who asks each again
                    await answer
        finally:
            self._replies.forget([reply for reply, _ in expected])
            for answer in answers:
                if answer.done() and not answer.cancelled():
                    answer.exception()  # or Python complains that nobody has asked for it
        return answers
