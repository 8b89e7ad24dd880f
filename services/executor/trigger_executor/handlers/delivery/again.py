"""Redeliveries and cancellations: commands become records, or make what waits due, and answers.

Any replica decides them, beside whoever serves the lane. What it decides by is no older than the
command: the index has every record by then that was in the log when the command was read. What an
attempt comes to meanwhile is for the fold of the records to settle: delivered beats cancelled, and
a plan of a round that has begun begins none.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

from trigger_contracts import topology
from trigger_contracts.commands import CancelDelivery, DeliveryDone, Redeliver
from trigger_contracts.dead_letters import DeadLetterSink
from trigger_contracts.deliveries.outcomes import DeliveryChange
from trigger_contracts.deliveries.records import message_of
from trigger_contracts.errors import Code, Problem, Refused, problem
from trigger_contracts.results import ResultSender, inbox_of
from trigger_executor.domain.delivery.again import (
    DeliveryDecision,
    FiredEvent,
    RequestedChange,
    UnreadableChange,
    decide_ended,
    decide_pending,
    decide_redelivery,
    no_such_target,
    parse_change,
)
from trigger_executor.domain.delivery.due import PendingDelivery
from trigger_executor.ports import Clock, Incoming, Targets
from trigger_executor.ports.again import (
    FiredEvents,
    LaneHints,
    TargetsOfTests,
    WaitingDeliveries,
)
from trigger_executor.ports.lanes import RecordLog
from trigger_runtime.dead_letters.each import dead_letter_each
from trigger_runtime.process.errors import DatabaseUnavailable

PROJECTED_WITHIN_S = 5.0
"""For the index to have what was in the log: with somebody who projects it takes milliseconds."""
LOOK_AGAIN_S = 0.01
MESSAGE_ID_HEADER = "Nats-Msg-Id"

_Message = TypeVar("_Message", bound=Incoming)
_Outcome = DeliveryDecision | Problem


class ChangeDeliveries:
    """Redelivers and cancels, and answers whoever asked."""

    stream = topology.EXECUTOR_DELIVERIES.stream.name

    def __init__(
        self,
        index: WaitingDeliveries,
        log: RecordLog,
        events: FiredEvents,
        targets: Targets,
        tests: TargetsOfTests,
        hints: LaneHints,
        results: ResultSender,
        dead_letters: DeadLetterSink,
        clock: Clock,
        *,
        monotonic: Callable[[], float],
        kept_for: timedelta,
    ) -> None:
        """``kept_for``: how long events live."""
        self._index = index
        self._log = log
        self._events = events
        self._targets = targets
        self._tests = tests
        self._hints = hints
        self._results = results
        self._dead_letters = dead_letters
        self._clock = clock
        self._monotonic = monotonic
        self._kept_for = kept_for

    async def __call__(self, batch: Sequence[_Message]) -> Sequence[_Message]:
        read = [(message, _read(message)) for message in batch]
        asked = [one for _, one in read if isinstance(one, RequestedChange)]
        outcomes = await self._decide(asked)
        await self._apply(asked, outcomes)
        dead = [
            (message, one.problem.detail)
            for message, one in read
            if isinstance(one, UnreadableChange)
        ]
        left = await dead_letter_each(partial(self._dead_letters.dead_letter, self.stream), dead)
        again = {id(message) for message in left}
        decided = iter(outcomes)
        for message, one in read:
            outcome = one.problem if isinstance(one, UnreadableChange) else next(decided)
            if id(message) not in again:
                await self._answer(message, one, outcome)
        return left

    async def give_up(self, message: Incoming, reason: str) -> None:
        """Dead-letter a command that fails by itself, and tell whoever waits for its result."""
        await self._dead_letters.dead_letter(self.stream, message, reason)
        failed = problem(Code.INTERNAL, "the command cannot be carried out, so nothing was done")
        await self._answer(message, _read(message), failed)

    async def _decide(self, asked: Sequence[RequestedChange]) -> list[_Outcome]:
        if not asked:
            return []
        pending = await self._pending({one.delivery_id for one in asked})
        rest = [
            one
            for one in asked
            if one.delivery_id not in pending and isinstance(one.command, Redeliver)
        ]
        events = await self._found(rest)
        places = await self._places(rest)
        return [self._decided(one, pending, events, places) for one in asked]

    def _decided(
        self,
        one: RequestedChange,
        pending: Mapping[str, PendingDelivery],
        events: Mapping[str, FiredEvent],
        places: Mapping[tuple[str, str], int | None],
    ) -> _Outcome:
        command, now = one.command, self._clock.now()
        waits = pending.get(one.delivery_id)
        if waits is not None:
            return decide_pending(one, waits, now)
        if isinstance(command, CancelDelivery):
            return decide_ended(command)
        place = (command.trigger_id, command.target_id)
        if place not in places:
            return no_such_target(command)
        try:
            return decide_redelivery(
                one, events.get(command.event_id), places[place], now, self._kept_for
            )
        except Refused as refusal:
            return refusal.problem

    async def _pending(self, delivery_ids: Collection[str]) -> Mapping[str, PendingDelivery]:
        """Where they stand, no earlier than now."""
        return await self._as_of(await self._log.newest(), delivery_ids)

    async def _as_of(
        self, seq: int, delivery_ids: Collection[str]
    ) -> Mapping[str, PendingDelivery]:
        """Where they stand once the index has the record at ``seq``."""
        until = self._monotonic() + PROJECTED_WITHIN_S
        while True:
            position, found = await self._index.waiting(delivery_ids)
            if position >= seq:
                return found
            if self._monotonic() >= until:
                raise DatabaseUnavailable("the index of deliveries is behind their records")
            self._hints.appended()
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _found(self, asked: Sequence[RequestedChange]) -> Mapping[str, FiredEvent]:
        """Events by their ids; under another trigger's name there is none."""
        by_trigger: dict[str, set[str]] = {}
        for one in asked:
            by_trigger.setdefault(one.command.trigger_id, set()).add(one.command.event_id)
        found: dict[str, FiredEvent] = {}
        for trigger_id, event_ids in by_trigger.items():
            found |= await self._events.find(trigger_id, event_ids)
        return found

    async def _places(
        self, asked: Sequence[RequestedChange]
    ) -> Mapping[tuple[str, str], int | None]:
        """By trigger and target those targets that there are, with the change of a test's own."""
        named = {(one.command.trigger_id, one.command.target_id) for one in asked}
        if not named:
            return {}
        unknown = await self._targets.unknown({target_id for _, target_id in named})
        found: dict[tuple[str, str], int | None] = {}
        for place in named:
            if place[1] not in unknown:
                found[place] = None
            elif (change_seq := await self._tests.change_of(*place)) is not None:
                found[place] = change_seq
        return found

    async def _apply(self, asked: Sequence[RequestedChange], outcomes: Sequence[_Outcome]) -> None:
        """Records first: what is due now is a matter of the index alone."""
        now = self._clock.now()
        messages = [
            message
            for outcome in outcomes
            if isinstance(outcome, DeliveryDecision)
            and outcome.record is not None
            and outcome.expires_at is not None
            and (message := message_of(outcome.record, expires_at=outcome.expires_at, now=now))
        ]
        appended = await asyncio.gather(*(self._log.append(message) for message in messages))
        due: list[tuple[str, int]] = []
        touched: dict[DeliveryChange, set[str]] = {change: set() for change in DeliveryChange}
        for one, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, DeliveryDecision):
                touched[outcome.change].add(one.command.target_id)
                if outcome.change is DeliveryChange.DUE_NOW:
                    due.append((one.delivery_id, outcome.round))
        if due:
            await self._index.make_due(due)
        if cancelled := touched[DeliveryChange.CANCELLED]:
            # What lanes read from now on knows of it, and what they have read is of use for a
            # second: nothing of it begins later than that after the answer.
            await self._as_of(max(appended, default=0), ())
            # Where order is kept, the next one waited for what was cancelled.
            await self._index.wake(cancelled)
        if waiting := touched[DeliveryChange.DUE_NOW] | cancelled:
            self._hints.waiting(waiting)

    async def _answer(
        self, message: Incoming, one: RequestedChange | UnreadableChange, outcome: _Outcome
    ) -> None:
        """Tell whoever asked, if it asked to be told under an inbox that is a caller's."""
        subject = inbox_of(message.headers)
        if subject is None:
            return
        result: DeliveryDone | Problem
        if isinstance(outcome, DeliveryDecision) and isinstance(one, RequestedChange):
            result = DeliveryDone(
                command_id=one.command_id,
                delivery_id=one.delivery_id,
                event_id=one.command.event_id,
                target_id=one.command.target_id,
                round=outcome.round,
                change=outcome.change,
            )
        elif isinstance(outcome, Problem):
            result = outcome.model_copy(update={"request_id": one.command_id})
        await self._results.send(subject, result.model_dump_json().encode())


def _read(message: Incoming) -> RequestedChange | UnreadableChange:
    return parse_change(
        message.subject,
        message.payload,
        message_id=message.headers.get(MESSAGE_ID_HEADER),
        stream_seq=message.stream_seq,
        stored_at=message.stored_at,
    )
