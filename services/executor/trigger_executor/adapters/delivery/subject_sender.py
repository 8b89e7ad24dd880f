"""One attempt to deliver an event to a subject of the user's, by the platform's own broker.

Where a target is ``durable``, a stream has stored the event; else the broker has taken it, which
one round trip of the connection shows for all that was published before. The broker being away is
nobody's failure but ours.

A subject that the operator's list does not allow (any more) is ``blocked``, as an address is. One
that the list allows and the broker refuses is a failure, and tried again: the permission is made of
the same list by ``etp provision``, and is missing until that has run.

A broker knows a repetition by its id on all subjects of a stream, so of two targets on subjects of
one stream it would store the event once. What it calls a duplicate is therefore published again
under an id of this target: at worst, after an acknowledgement was lost, the stream has it twice.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome
from trigger_contracts.errors import Refused
from trigger_contracts.targets.nats_subjects import check_subject
from trigger_executor.domain.delivery.attempt import (
    Attempt,
    Attempted,
    Cause,
    NotAttempted,
    SendResult,
)
from trigger_executor.domain.delivery.request import MESSAGE_ID, SubjectMessage, subject_message
from trigger_runtime.jetstream import acknowledgement
from trigger_runtime.jetstream.client import frame
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.jetstream.reply_inbox import Replies
from trigger_runtime.process.clock import Clock
from trigger_runtime.process.errors import BrokerUnavailable, PublishRefused

_NOT_FOR_US = "the broker does not let this user publish there"


class _BrokerAway(Exception):  # noqa: N818 - a state
    """Whether the message arrived is unknown."""


class _SubjectRefused(Exception):  # noqa: N818
    """The broker refused it: nothing was published."""


class SubjectSender:
    """Implements ``Sender`` for NATS targets, over the process's one connection."""

    def __init__(self, connection: Connection, allowed: Sequence[str], clock: Clock) -> None:
        """``allowed`` are the subjects that the operator's setting lists."""
        self._connection = connection
        self._client = connection.client
        self._allowed = tuple(allowed)
        self._clock = clock
        self._replies = Replies(connection)
        self._round_trips = _RoundTrips(connection)
        self._waiting: dict[str, set[asyncio.Future[Any]]] = defaultdict(set)
        connection.on_refused_publish(self._refused)
        connection.on_disconnect(self._disconnected)

    async def send(self, attempt: Attempt) -> SendResult:
        loop = asyncio.get_running_loop()
        now = self._clock.now()
        started = loop.time()
        definition = attempt.definition

        def told(outcome: Outcome, code: FailureCode | None, final: Final | None) -> Attempted:
            ms = round((loop.time() - started) * 1000)
            return Attempted(
                started_at=now,
                duration_ms=ms,
                outcome=outcome,
                origin=definition.subject or "",
                code=code,
                first_byte_ms=ms if outcome is Outcome.DELIVERED else None,
                final=final,
            )

        try:
            check_subject(definition.subject or "", self._allowed)
            message = subject_message(attempt, now)
            async with asyncio.timeout_at(started + definition.timeout_s):
                failure = await self._publish(attempt, message)
        except Refused:
            return told(Outcome.BLOCKED, FailureCode.BLOCKED, Final.BLOCKED)
        except _BrokerAway:
            return NotAttempted(Cause.BROKER)
        except TimeoutError:
            # Only a stream may take its time: a broker that does is away.
            if not (definition.durable and self._client.is_connected):
                return NotAttempted(Cause.BROKER)
            failure = FailureCode.TIMEOUT
        except ValueError:
            failure = FailureCode.PROTOCOL
        if failure is None:
            return told(Outcome.DELIVERED, None, Final.DELIVERED)
        return told(Outcome.FAILED, failure, None)

    async def _publish(self, attempt: Attempt, message: SubjectMessage) -> FailureCode | None:
        """Why the message was not taken; None where it was. Raises _BrokerAway."""
        if not self._client.is_connected:
            raise _BrokerAway
        try:
            if not attempt.definition.durable:
                await self._hand_over(message)
                return None
            ack = await self._store(message)
            if ack.duplicate:
                own = f"{attempt.event_id}/{attempt.target_id}"
                headers = {**message.headers, MESSAGE_ID: own}
                await self._store(SubjectMessage(message.subject, headers, message.body))
        except NoRespondersError:
            return FailureCode.NO_STREAM
        except _SubjectRefused:
            return FailureCode.REFUSED
        except PublishRefused as error:
            return FailureCode.PROTOCOL if error.code is None else FailureCode.REFUSED
        except BrokerUnavailable:
            # The stream's: it has no leader, or no room.
            return FailureCode.REFUSED
        except (NatsError, OSError) as error:
            raise _BrokerAway from error
        return None

    async def _hand_over(self, message: SubjectMessage) -> None:
        async with self._outcome(message.subject) as refused:
            await self._client.send([self._frame(message, "")])
            arrived = asyncio.ensure_future(self._round_trips.one_from_now())
            try:
                await asyncio.wait({arrived, refused}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                arrived.cancel()
            if refused.done():
                refused.result()
            await arrived

    async def _store(self, message: SubjectMessage) -> acknowledgement.PublishAck:
        await self._replies.open()
        reply, answer = self._replies.expect()
        try:
            async with self._outcome(message.subject) as refused:
                await self._client.send([self._frame(message, reply)])
                await asyncio.wait({answer, refused}, return_when=asyncio.FIRST_COMPLETED)
                if refused.done():
                    refused.result()
                (ack,) = acknowledgement.parse(answer.result(), 1)
                return ack
        finally:
            self._replies.forget([reply])
            answer.cancel()

    def _frame(self, message: SubjectMessage, reply: str) -> bytes:
        framed = frame(message.subject, reply, message.body, message.headers)
        # Beyond it the broker would close the connection, of which this is a bound from above.
        if len(framed) > self._client.max_payload:
            raise PublishRefused("larger than the broker takes")
        return framed

    @asynccontextmanager
    async def _outcome(self, subject: str) -> AsyncIterator[asyncio.Future[Any]]:
        """Fails with what the broker, or the end of the connection, says of this subject."""
        refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[subject]
        waiting.add(refused)
        try:
            yield refused
        finally:
            waiting.discard(refused)
            if not waiting:
                self._waiting.pop(subject, None)
            if refused.done() and not refused.cancelled():
                refused.exception()  # or Python complains that nobody has asked for it

    def _refused(self, subject: str) -> None:
        for one in self._waiting.get(subject, ()):
            if not one.done():
                one.set_exception(_SubjectRefused(_NOT_FOR_US))

    def _disconnected(self) -> None:
        for waiting in self._waiting.values():
            for one in waiting:
                if not one.done():
                    one.set_exception(_BrokerAway())


class _RoundTrips:
    """Round trips to the broker, each for all who asked for one before it began."""

    def __init__(self, connection: Connection) -> None:
        self._client = connection.client
        self._current: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def one_from_now(self) -> None:
        """Return once the broker has all that was sent before this call. Raises NatsError."""
        if self._next is None:
            self._next = asyncio.create_task(self._make(self._current), name="nats round trip")
            self._next.add_done_callback(_asked_for)
        await asyncio.shield(self._next)

    async def _make(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        self._current, self._next = self._next, None
        await self._client.flush()


def _asked_for(trip: asyncio.Task[None]) -> None:
    """Or Python complains of an error where all who waited have gone."""
    if not trip.cancelled():
        trip.exception()
