"""Writes messages to one stream, durably, as cheaply as the load allows.

With ``sync_interval: always`` an ordinary publish costs an fsync, and an atomic batch as much
as a dozen of them, whatever its size; so many messages travel in one batch and few of them one
by one, and what is published at the same time travels together (group commit). Invariant: a
message is acknowledged to the caller only after the broker acknowledged it. Nothing is retried
behind the caller's back after an unknown outcome: the caller retries with the same message id.
One publisher per stream and process, made by ``bootstrap``.
"""

import asyncio
import contextlib
import math
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from .connection import Connection, frame
from .reply_inbox import Replies

MAX_BATCH = 1000
"""The broker's limit on messages in an atomic batch (ADR-50)."""
BATCH_FROM = 14
"""Messages from which on a batch is cheaper than one by one. Of nats-server 2.15 a batch takes 2 ms
of CPU and 0.01 ms a message, a single one 0.13 ms; so do the times on the disk compare."""
MAX_SINGLE = 100
"""Messages on their way one by one; more would only queue at the broker, past their deadline."""
MAX_IN_FLIGHT = 16
"""Batches in flight per publisher; the broker allows a stream 50, shared by all processes."""
MAX_GROUPS_IN_FLIGHT = 2
"""Group commits in flight: one being synced while the next gathers. More makes batches smaller."""
HEADER_ROOM = 512
"""Bytes kept free under the broker's payload limit for the headers added here: exceeding it
closes the connection."""
RETRY_PAUSE_S = 0.02
"""Between tries of a batch that the broker dropped unread because too many were in flight."""
BATCH_TRIES = 3
"""Then its messages go one by one: somebody may hold all of a stream's batches unfinished."""

_SUBJECT = re.compile(r"[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_=$-]+)*")


@dataclass(frozen=True, slots=True)
class Message:
    """One message to append.

    ``expected_last_subject_seq`` 0 means that the subject must have no message.
    ``message_id`` must depend on the subject too: the broker answers ``duplicate`` for the
    same id on another subject and stores nothing.
    """

    subject: str
    payload: bytes
    message_id: str | None = None
    expected_last_subject_seq: int | None = None
    ttl: timedelta | None = None
    headers: Mapping[str, str] | None = None


class JetStreamPublisher:
    """Appends to one stream; see the module's docstring."""

    def __init__(self, connection: Connection, stream: str, *, timeout: timedelta) -> None:
        self._connection = connection
        self._client = connection.client
        self._replies = Replies(connection)
        self._stream = stream
        self._timeout_s = timeout.total_seconds()
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._waiting: deque[tuple[Message, asyncio.Future[PublishAck]]] = deque()
        self._group_tasks: set[asyncio.Task[None]] = set()
        self._scheduled = False
        self._published = PUBLISHED.labels(stream)
        self._batches = PUBLISH_BATCHES.labels(stream)
        self._seconds = PUBLISH_SECONDS.labels(stream)

    async def publish(self, message: Message) -> PublishAck:
        """Append one message, in a batch with whatever else is being published right now.

        Raises StaleExpectation (also for a message id that is stored already, if its
        expectation is stale), PublishRefused, BrokerUnavailable.
        """
        self._check(message)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[PublishAck] = loop.create_future()
        self._waiting.append((message, future))
        if not self._scheduled:
            self._scheduled = True
            # After this tick, so that its publishes travel together.
            loop.call_soon(self._start_groups)
        return await future

    async def publish_batch(self, messages: Sequence[Message]) -> list[PublishAck]:
        """Append all or none, at contiguous sequences; acks in the order given.

        A batch that repeats a stored message id cannot be atomic, nor can one that finds no
        place at the broker and expects nothing: its messages are then published one by one,
        which is safe since they are idempotent, and the repeated ones are acknowledged as
        duplicates. Raises as ``publish`` does; ValueError for more than ``MAX_BATCH`` messages
        or two expectations on a subject.
        """
        self._check_batch(messages)
        # A task of its own: a cancelled caller must not leave half a batch at the broker.
        return await asyncio.shield(asyncio.ensure_future(self._publish_batch(messages)))

    async def publish_each(
        self, messages: Sequence[Message], staged: str | None = None
    ) -> list[PublishAck | StaleExpectation]:
        """Append each that is not overtaken; what became of each, in the order given.

        ``staged`` is what ``stage`` returned for the same messages. Raises BrokerUnavailable or
        PublishRefused if that is what became of any, and then some may be stored; ValueError as
        ``publish_batch`` does.
        """
        self._check_batch(messages)
        if len(messages) < BATCH_FROM:
            return _told(await self._write_singly(messages))
        return _told(await asyncio.shield(asyncio.ensure_future(self._write(messages, staged))))

    async def stage(self, messages: Sequence[Message]) -> str | None:
        """Hand these to the broker ahead of ``publish_each``, but for the last of them.

        The broker keeps an unfinished batch aside and stores nothing of it; after ten seconds, or
        when it restarts, it forgets it, and then ``publish_each`` sends all of it. Expectations
        count when it is finished. Returns the batch's id; None where so few messages are not sent
        as a batch. Raises as ``publish_batch`` does.
        """
        self._check_batch(messages)
        if len(messages) < BATCH_FROM:
            return None
        batch_id = new_id()
        with self._counted():
            async with asyncio.timeout(self._timeout_s):
                await self._connection.wait_connected(self._timeout_s)
                await self._client.send(_unfinished(messages, batch_id))
        return batch_id

    async def flush(self) -> None:
        """Wait until every ``publish`` so far has its outcome. For stopping."""
        while self._waiting or self._group_tasks:
            if self._group_tasks:
                await asyncio.wait(self._group_tasks)
            else:
                await asyncio.sleep(0)

    async def _publish_batch(self, messages: Sequence[Message]) -> list[PublishAck]:
        expecting = any(m.expected_last_subject_seq is not None for m in messages)
        try:
            return await self._write_batch(messages, tries=math.inf if expecting else BATCH_TRIES)
        except (acknowledgement.DuplicateInBatch, acknowledgement.BatchDropped):
            outcomes = await self._write_singly(messages)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, PublishAck)]

    def _check_batch(self, messages: Sequence[Message]) -> None:
        if len(messages) > MAX_BATCH:
            raise ValueError(f"{len(messages)} messages; a batch holds {MAX_BATCH}")
        expecting = [m.subject for m in messages if m.expected_last_subject_seq is not None]
        if len(set(expecting)) < len(expecting):
            raise ValueError("two expectations on one subject in a batch")
        for message in messages:
            self._check(message)

    def _check(self, message: Message) -> None:
        """Defence in depth: subjects are built from validated ids, yet none may escape."""
        if not _SUBJECT.fullmatch(message.subject):
            raise PublishRefused(f"not a subject to publish to: {message.subject!r}")
        size = len(message.payload) + HEADER_ROOM
        if message.headers:
            size += sum(4 + len(k) + 4 * len(v) for k, v in message.headers.items())
        if size > self._client.max_payload:
            raise PublishRefused(f"{len(message.payload)} bytes exceed the broker's limit")

    def _start_groups(self) -> None:
        """Start group commits for what waits, as far as the flights allow."""
        self._scheduled = False
        while self._waiting and len(self._group_tasks) < MAX_GROUPS_IN_FLIGHT:
            flight = asyncio.ensure_future(self._commit_group(self._next_group()))
            self._group_tasks.add(flight)
            flight.add_done_callback(self._group_done)

    def _group_done(self, flight: asyncio.Task[None]) -> None:
        self._group_tasks.discard(flight)
        self._start_groups()

    def _next_group(self) -> list[tuple[Message, asyncio.Future[PublishAck]]]:
        """What waits, in order; no subject expected twice (10164), no message id twice (10201)."""
        group: list[tuple[Message, asyncio.Future[PublishAck]]] = []
        subjects: set[str] = set()
        ids: set[str] = set()
        put_off: list[tuple[Message, asyncio.Future[PublishAck]]] = []
        while self._waiting and len(group) < MAX_BATCH:
            entry = self._waiting.popleft()
            message, future = entry
            if future.cancelled():
                continue
            if message.message_id in ids or (
                message.expected_last_subject_seq is not None and message.subject in subjects
            ):
                put_off.append(entry)
                continue
            subjects.add(message.subject)
            if message.message_id is not None:
                ids.add(message.message_id)
            group.append(entry)
        self._waiting.extendleft(reversed(put_off))
        return group

    async def _commit_group(self, group: list[tuple[Message, asyncio.Future[PublishAck]]]) -> None:
        outcomes: Sequence[PublishAck | BaseException]
        try:
            outcomes = await self._write([message for message, _ in group])
        except Exception as error:  # noqa: BLE001 - belongs to the callers, each gets it
            outcomes = [error] * len(group)
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    async def _write(
        self, messages: Sequence[Message], staged: str | None = None
    ) -> Sequence[PublishAck | Exception]:
        """The cheapest write; what became of each message. Raises what concerns them all."""
        if len(messages) < BATCH_FROM:
            return await self._write_singly(messages)
        try:
            return await self._write_batch(messages, staged)
        except (PublishRefused, acknowledgement.BatchDropped):
            # One message spoils a batch: singly, only the guilty one gets the error.
            return await self._write_singly(messages)

    async def _write_batch(
        self, messages: Sequence[Message], staged: str | None = None, tries: float = BATCH_TRIES
    ) -> list[PublishAck]:
        """Raises BatchDropped if the broker had no place for it at each of the tries."""
        if len(messages) == 1:
            (outcome,) = await self._write_singly(messages)
            if isinstance(outcome, Exception):
                raise outcome
            return [outcome]
        if not messages:
            return []
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
                            await asyncio.sleep(RETRY_PAUSE_S)
                        staged = None
        self._batches.inc()
        self._published.inc(len(messages))
        return acks

    async def _write_singly(self, messages: Sequence[Message]) -> list[PublishAck | Exception]:
        outcomes: list[PublishAck | Exception] = []
        for start in range(0, len(messages), MAX_SINGLE):
            outcomes += await self._write_some(messages[start : start + MAX_SINGLE])
        return outcomes

    async def _write_some(self, messages: Sequence[Message]) -> list[PublishAck | Exception]:
        """Each message by itself, all on their way at once."""
        try:
            with self._counted():
                async with self._in_time():
                    answers = await self._send_each(messages)
        except (BrokerUnavailable, PublishRefused) as error:
            return [error] * len(messages)
        outcomes: list[PublishAck | Exception] = []
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
        """A client that is connected and hears answers, within the publisher's timeout."""
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
        frames = [] if staged else _unfinished(messages, batch_id)
        frames.append(_batch_frame(messages[-1], batch_id, len(messages), commit_to=reply))
        try:
            await self._client.send(frames)
            return acknowledgement.parse(await answer, len(messages))
        finally:
            self._replies.forget([reply])

    async def _send_each(self, messages: Sequence[Message]) -> list[asyncio.Future[bytes]]:
        expected = [self._replies.expect() for _ in messages]
        frames = [
            frame(message.subject, reply, message.payload, _headers(message))
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


def _told(
    outcomes: Sequence[PublishAck | Exception],
) -> list[PublishAck | StaleExpectation]:
    """The outcomes of ``publish_each``; raises the first that is none."""
    told: list[PublishAck | StaleExpectation] = []
    for outcome in outcomes:
        if not isinstance(outcome, PublishAck | StaleExpectation):
            raise outcome
        told.append(outcome)
    return told


def _unfinished(messages: Sequence[Message], batch_id: str) -> list[bytes]:
    """All of a batch but its last message, which finishes it."""
    return [
        _batch_frame(message, batch_id, position)
        for position, message in enumerate(messages[:-1], 1)
    ]


def _batch_frame(message: Message, batch_id: str, position: int, commit_to: str = "") -> bytes:
    headers = _headers(message)
    headers["Nats-Batch-Id"] = batch_id
    headers["Nats-Batch-Sequence"] = str(position)
    if commit_to:
        headers["Nats-Batch-Commit"] = "1"
    return frame(message.subject, commit_to, message.payload, headers)


def _headers(message: Message) -> dict[str, str]:
    headers = dict(message.headers) if message.headers else {}
    if message.message_id is not None:
        headers["Nats-Msg-Id"] = message.message_id
    if message.expected_last_subject_seq is not None:
        headers["Nats-Expected-Last-Subject-Sequence"] = str(message.expected_last_subject_seq)
    if message.ttl is not None:
        # Whole seconds, at least one: the broker refuses less.
        headers["Nats-TTL"] = f"{max(1, math.ceil(message.ttl.total_seconds()))}s"
    return headers
