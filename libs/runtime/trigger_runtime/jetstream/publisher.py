"""Appends messages to one stream, durably, as cheaply as the load allows.

Many messages travel in one atomic batch and few of them one by one (``atomic_batch``), and what
is published at the same time travels together: group commit. Any number of messages may be
given; they are cut into batches here (``batches``). Invariant: a message is acknowledged to the
caller only after the broker acknowledged it. Nothing is retried behind the caller's back after an
unknown outcome: the caller retries with the same message id. One publisher per stream and
process, made by ``bootstrap``.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from trigger_runtime.process.errors import StaleExpectation

from .acknowledgement import PublishAck
from .atomic_batch import BATCH_FROM, Outcome, StreamWriter
from .batches import MAX_BATCH, MAX_BATCH_BYTES, cut
from .connection import Connection
from .message import Message, check

__all__ = ["JetStreamPublisher", "Message", "StagedMessages"]

MAX_GROUPS_IN_FLIGHT = 2
"""Group commits in flight: one being synced while the next gathers. More makes batches smaller."""

_T = TypeVar("_T")
_Waiting = tuple[Message, asyncio.Future[PublishAck]]


@dataclass(frozen=True, slots=True)
class StagedMessages:
    """Messages as they will be written, each batch with its id where the broker has begun it."""

    batches: Sequence[tuple[Sequence[Message], str | None]]


class JetStreamPublisher:
    """Appends to one stream; what is published at the same time travels together."""

    def __init__(self, connection: Connection, stream: str, *, timeout: timedelta) -> None:
        self._client = connection.client
        self._writer = StreamWriter(connection, stream, timeout=timeout)
        self._waiting: deque[_Waiting] = deque()
        self._group_tasks: set[asyncio.Task[None]] = set()
        self._scheduled = False

    async def publish(self, message: Message) -> PublishAck:
        """Append one message, in a batch with whatever else is being published right now.

        Raises StaleExpectation (also for a message id that is stored already, if its
        expectation is stale), PublishRefused, BrokerUnavailable.
        """
        check(message, self._client.max_payload)
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

        So far as they are one batch (``batches``): of more than that each batch is all or none,
        and when this raises, those before may be stored. A batch that repeats a stored message
        id cannot be atomic, nor can one that finds no place at the broker and expects nothing:
        its messages are then published one by one, which is safe since they are idempotent, and
        the repeated ones are acknowledged as duplicates. Raises as ``publish`` does, before
        anything is sent where it can be known; ValueError for two expectations on a subject.
        """
        self._check_all(messages)
        acks: list[PublishAck] = []
        for batch in cut(messages):
            acks += await _uncancelled(self._writer.write_all(batch))
        return acks

    async def publish_each(
        self, messages: Sequence[Message]
    ) -> list[PublishAck | StaleExpectation]:
        """Append each that is not overtaken; what became of each, in the order given.

        Raises BrokerUnavailable or PublishRefused if that is what became of any, and then some
        may be stored; ValueError as ``publish_batch`` does.
        """
        self._check_all(messages)
        return await self.publish_staged(StagedMessages([(batch, None) for batch in cut(messages)]))

    async def publish_staged(self, staged: StagedMessages) -> list[PublishAck | StaleExpectation]:
        """As ``publish_each``, for what ``stage`` returned."""
        told: list[PublishAck | StaleExpectation] = []
        for batch, batch_id in staged.batches:
            writing = self._writer.write_each(batch, batch_id)
            few = len(batch) < BATCH_FROM
            told += _told(await writing if few else await _uncancelled(writing))
        return told

    async def stage(self, messages: Sequence[Message]) -> StagedMessages:
        """Hand these to the broker ahead of ``publish_staged``, but for each batch's last.

        The broker keeps an unfinished batch aside and stores nothing of it; after ten seconds, or
        when it restarts, it forgets it, and then ``publish_staged`` sends all of it. Expectations
        count when it is finished. What is not sent as a batch waits here. Raises as
        ``publish_batch`` does.
        """
        self._check_all(messages)
        return StagedMessages([(batch, await self._writer.stage(batch)) for batch in cut(messages)])

    async def flush(self) -> None:
        """Wait until every ``publish`` so far has its outcome. For stopping."""
        while self._waiting or self._group_tasks:
            if self._group_tasks:
                await asyncio.wait(self._group_tasks)
            else:
                await asyncio.sleep(0)

    def _check_all(self, messages: Sequence[Message]) -> None:
        expecting = [m.subject for m in messages if m.expected_last_subject_seq is not None]
        if len(set(expecting)) < len(expecting):
            raise ValueError("two expectations on one subject")
        for message in messages:
            check(message, self._client.max_payload)

    def _start_groups(self) -> None:
        """Start group commits for what waits, as many as may be on their way."""
        self._scheduled = False
        while self._waiting and len(self._group_tasks) < MAX_GROUPS_IN_FLIGHT:
            commit = asyncio.ensure_future(self._commit_group(_next_group(self._waiting)))
            self._group_tasks.add(commit)
            commit.add_done_callback(self._group_done)

    def _group_done(self, commit: asyncio.Task[None]) -> None:
        self._group_tasks.discard(commit)
        self._start_groups()

    async def _commit_group(self, group: Sequence[_Waiting]) -> None:
        outcomes: Sequence[PublishAck | BaseException]
        try:
            outcomes = await self._writer.write_each([message for message, _ in group])
        except Exception as error:  # noqa: BLE001 - belongs to the callers, each gets it
            outcomes = [error] * len(group)
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


def _next_group(waiting: deque[_Waiting]) -> list[_Waiting]:
    """Take what waits, in order, up to a batch.

    No subject is expected twice (10164), no message id is there twice (10201): such ones wait on.
    """
    group: list[_Waiting] = []
    size = 0
    subjects: set[str] = set()
    ids: set[str] = set()
    put_off: list[_Waiting] = []
    while waiting and len(group) < MAX_BATCH:
        message, future = entry = waiting[0]
        if not future.cancelled() and group and size + len(message.payload) > MAX_BATCH_BYTES:
            break
        waiting.popleft()
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
        size += len(message.payload)
    waiting.extendleft(reversed(put_off))
    return group


async def _uncancelled(writing: Awaitable[_T]) -> _T:
    """In a task of its own: a cancelled caller must not leave half a batch at the broker."""
    return await asyncio.shield(asyncio.ensure_future(writing))


def _told(outcomes: Sequence[Outcome]) -> list[PublishAck | StaleExpectation]:
    """The outcomes of ``publish_each``; raises the first that is none."""
    told: list[PublishAck | StaleExpectation] = []
    for outcome in outcomes:
        if not isinstance(outcome, PublishAck | StaleExpectation):
            raise outcome
        told.append(outcome)
    return told
