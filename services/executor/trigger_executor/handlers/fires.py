"""What was asked to fire, as rows of the log and answers to whoever asked."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from trigger_contracts import commands, schema_time, topology
from trigger_contracts.commands import FireDone
from trigger_contracts.errors import Code, Problem, Refused, problem
from trigger_contracts.events import LogEntry
from trigger_contracts.idempotency import Claim, claim_for
from trigger_contracts.results import ResultSender, inbox_of
from trigger_contracts.tracing import TRACEPARENT
from trigger_contracts.trigger import Trigger
from trigger_executor.domain.fire import (
    Decision,
    Fired,
    RecordedFire,
    RejectedFire,
    RequestedFire,
    UnreadableFire,
    decide_fire,
    destinations_of,
    parse_fire,
    recorded_event_id,
    refuse_key,
    repeat_fire,
    repeats_key,
)
from trigger_executor.domain.planning import Destinations
from trigger_executor.ports import (
    Clock,
    Incoming,
    KeyReservations,
    RecordedFires,
    Targets,
    Triggers,
)
from trigger_runtime.process.errors import PublishRefused

from .recording import MAX_DELIVERIES, PlanRefused, Recorder
from .repetitions import Repetitions
from .tracing import UNTRACED, BatchTraces, DecisionTraces

SLICE_S = 0.1
"""Of a batch, for compiling payload schemas that take long; what needs more comes again."""

MESSAGE_ID_HEADER = "Nats-Msg-Id"

_Message = TypeVar("_Message", bound=Incoming)
_Answer = tuple[Incoming, str, Decision | Problem]
"""Whom it is for, to which command, and what became of that."""


@dataclass(frozen=True, slots=True)
class _KeyHolder:
    """A claimed key, and the version of the trigger that its first fire was held to."""

    claim: Claim
    trigger: Trigger


class RecordFires:
    """Turns fire commands into fired and rejected rows, and answers them."""

    stream = topology.EXECUTOR_FIRES.stream.name

    def __init__(
        self,
        triggers: Triggers,
        claims: KeyReservations,
        recorded: RecordedFires,
        targets: Targets,
        recorder: Recorder,
        results: ResultSender,
        clock: Clock,
        *,
        monotonic: Callable[[], float],
        traces: DecisionTraces = UNTRACED,
    ) -> None:
        """``clock`` and ``monotonic`` tell how long something takes; never what a row says."""
        self._repetitions = Repetitions(recorded, clock)
        self._monotonic = monotonic
        self._traces = traces
        self._triggers = triggers
        self._claims = claims
        self._recorded = recorded
        self._targets = targets
        self._recorder = recorder
        self._results = results

    async def __call__(self, batch: Sequence[_Message]) -> Sequence[_Message]:
        everything = [(message, _read(message)) for message in batch]
        states = await self._triggers.current(
            {fire.command.trigger_id for _, fire in everything if isinstance(fire, RequestedFire)}
        )
        late = await self._made_ready(states)
        later = [message for message, fire in everything if _trigger_of(fire) in late]
        now = [(message, fire) for message, fire in everything if _trigger_of(fire) not in late]
        return later + await self._record(now, states)

    async def _record(
        self,
        handled: Sequence[tuple[_Message, RequestedFire | UnreadableFire]],
        states: Mapping[str, Trigger],
    ) -> list[_Message]:
        """Record and answer them; those that cannot be dead-lettered now come again, unanswered."""
        tracing = self._traces.begin(topology.EXECUTOR_FIRES, len(handled))
        batch = [message for message, _ in handled]
        read = [fire for _, fire in handled]
        before = await self._repetitions.recorded_before(handled, states)
        unknown = await self._unknown_targets(read)
        decisions = iter(
            await self._decide(
                [fire for fire in read if isinstance(fire, RequestedFire)], states, before, unknown
            )
        )
        entries: list[LogEntry] = []
        dead: list[tuple[_Message, str]] = []
        answers: list[_Answer] = []
        for message, fire in zip(batch, read, strict=True):
            if isinstance(fire, UnreadableFire):
                dead.append((message, fire.problem.detail))
                answers.append((message, _command_id(message), fire.problem))
                continue
            if fire.invalid is not None:
                dead.append((message, fire.invalid.detail))
            decision = next(decisions)
            if decision.entry is not None and not _is_recorded(decision):
                entries.append(decision.entry)
                # What the gateway published it has begun a trace of.
                began_at = None if fire.by_gateway else message.stored_at
                tracing.decided(decision.entry, began_at, message.headers.get(TRACEPARENT))
            answers.append((message, fire.command_id, decision))
        told, hopeless = await self._store(handled, entries, answers, tracing)
        dead = hopeless or dead
        left = await self._recorder.dead_letter_each(self.stream, dead)
        again = {id(message) for message in left}
        for asked, command_id, outcome in told:
            if id(asked) not in again:
                await self._answer(asked, command_id, outcome)
        return left

    async def _store(
        self,
        handled: Sequence[tuple[_Message, RequestedFire | UnreadableFire]],
        entries: Sequence[LogEntry],
        answers: Sequence[_Answer],
        tracing: BatchTraces,
    ) -> tuple[Sequence[_Answer], list[tuple[_Message, str]]]:
        """Record, and plan: the answers as the log has them, and what is never taken by it."""
        destinations = {
            outcome.entry.event_id: outcome.destinations
            for _, _, outcome in answers
            if isinstance(outcome, Fired) and outcome.destinations and not outcome.is_recorded
        }
        otherwise: dict[str, Decision] = {}

        async def as_recorded(there: Mapping[str, int]) -> Mapping[str, Destinations]:
            # Anew: who was stopped with these in hand has missed what others met meanwhile.
            newest = await self._triggers.current(
                {entry.trigger_id for entry in entries if entry.event_id in there}
            )
            otherwise.update(
                await self._repetitions.recorded_otherwise(handled, newest, entries, there)
            )
            return {event_id: destinations_of(one) for event_id, one in otherwise.items()}

        batch = [message for message, _ in handled]
        try:
            await self._recorder.record(entries, destinations, tracing.asked_for, as_recorded)
        except PublishRefused as refusal:
            if not _is_hopeless(refusal, batch):
                raise
            if not isinstance(refusal, PlanRefused):
                reason = f"its row cannot be recorded: {refusal}"
                told = [(asked, command_id, _unrecorded()) for asked, command_id, _ in answers]
                return told, [(message, reason) for message in batch]
            # It fired: whoever asked is told so. The letter is redriven for the plan alone.
            dead = [(message, str(refusal)) for message in batch]
        else:
            dead = []
        tracing.recorded()
        return [(asked, by, _as_recorded(one, otherwise)) for asked, by, one in answers], dead

    async def _made_ready(self, states: Mapping[str, Trigger]) -> set[str]:
        """Compile what the batch needs, for a slice of time; the triggers that come again then.

        Whoever fires many triggers with schemas that take long makes each compile anew. All
        fires of such a trigger come again, so that those under a key keep their order.
        """
        spent = 0.0
        late: set[str] = set()
        for trigger_id, trigger in states.items():
            definition = trigger.change.definition
            if definition.payload_schema is None:
                continue
            if not schema_time.takes_long(definition.payload_schema, definition.schema_key):
                continue
            if spent > SLICE_S:
                late.add(trigger_id)
                continue
            spent += schema_time.make_ready(definition.payload_schema, self._monotonic)
            await asyncio.sleep(0)
        return late

    async def give_up(self, message: Incoming, reason: str) -> None:
        """Dead-letter a fire that fails by itself, and tell whoever waits for its result."""
        await self._recorder.dead_letter(self.stream, message, reason)
        fire = _read(message)
        command_id = fire.command_id if isinstance(fire, RequestedFire) else _command_id(message)
        await self._answer(message, command_id, _unrecorded())

    async def _unknown_targets(
        self, fires: Sequence[RequestedFire | UnreadableFire]
    ) -> Collection[str]:
        """Targets that tests name and that there are not."""
        named = {
            target_id
            for fire in fires
            if isinstance(fire, RequestedFire)
            for target_id in fire.command.targets or ()
        }
        return await self._targets.unknown(named) if named else ()

    async def _decide(
        self,
        fires: Sequence[RequestedFire],
        triggers: Mapping[str, Trigger],
        before: Mapping[str, RecordedFire],
        unknown: Collection[str],
    ) -> list[Decision]:
        """Decide each, those under one key in the order in which they were stored."""
        decisions: dict[int, Decision] = {}
        keyed: dict[tuple[str, str], list[int]] = {}
        for index, fire in enumerate(fires):
            trigger = triggers.get(fire.command.trigger_id)
            if fire.claims_key is not None and trigger is not None:
                keyed.setdefault((fire.command.trigger_id, fire.claims_key), []).append(index)
            else:
                recorded = before.get(recorded_event_id(fire)) if before else None
                if recorded is not None:
                    decisions[index] = repeat_fire(fire, recorded)
                else:
                    state = trigger.change if trigger else None
                    decisions[index] = decide_fire(fire, state, None, unknown)
                await _turn(trigger)

        async def decide_under(trigger_id: str, key: str, indexes: list[int]) -> None:
            current = triggers[trigger_id]
            try:
                claim = await self._claims.find(trigger_id, key)
                held = None if claim is None else await self._held(claim, current)
                repeated = await self._recorded_repetitions(claim, trigger_id, fires, indexes)
                for index in indexes:
                    decision, held = await self._decide_keyed(
                        fires[index], key, current, held, before, unknown
                    )
                    if index in repeated and isinstance(decision, Fired):
                        decision = replace(decision, is_recorded=True)
                    decisions[index] = decision
                    await _turn(current)
            except Refused as refusal:
                for index in indexes:
                    decisions[index] = refuse_key(fires[index], current.change, refusal.problem)

        await asyncio.gather(*(decide_under(*key, indexes) for key, indexes in keyed.items()))
        return [decisions[index] for index in range(len(fires))]

    async def _decide_keyed(
        self,
        fire: RequestedFire,
        key: str,
        current: Trigger,
        held: _KeyHolder | None,
        before: Mapping[str, RecordedFire],
        unknown: Collection[str],
    ) -> tuple[Decision, _KeyHolder | None]:
        """Decide under what the key holds; a fire that goes through takes a free key first.

        One that was rejected before stays so, and leaves the key free.
        """
        if held is None:
            recorded = before.get(recorded_event_id(fire)) if before else None
            if recorded is not None and not recorded.has_fired:
                return repeat_fire(fire, recorded), None
            decision = decide_fire(fire, current.change, None, unknown)
            if not isinstance(decision, Fired):
                return decision, None
            own = claim_for(fire.command, key, fire.accepted_at, current.change_seq)
            claim = await self._claims.reserve(fire.command.trigger_id, key, own)
            held = await self._held(claim, current)
            if claim == own:
                return decision, held
        return decide_fire(fire, held.trigger.change, held.claim, unknown), held

    async def _recorded_repetitions(
        self,
        claim: Claim | None,
        trigger_id: str,
        fires: Sequence[RequestedFire],
        indexes: Sequence[int],
    ) -> Collection[int]:
        """Those that repeat a fire under their key which has its row already: they add nothing.

        The plan of its deliveries is made by whoever appended that row, and not acknowledged
        before.
        """
        if claim is None:
            return ()
        repeated = [index for index in indexes if repeats_key(fires[index], claim)]
        if not repeated:
            return ()
        before = await self._recorded.find(trigger_id, {claim.event_id}, claim.accepted_at)
        is_there = claim.event_id in before and before[claim.event_id].has_fired
        return repeated if is_there else ()

    async def _held(self, claim: Claim, current: Trigger) -> _KeyHolder:
        """With the version that the claim names; the current one where that is erased."""
        if claim.change_seq is None or claim.change_seq == current.change_seq:
            return _KeyHolder(claim, current)
        named = await self._triggers.at(current.change.trigger_id, claim.change_seq)
        return _KeyHolder(claim, named or current)

    async def _answer(
        self, message: Incoming, command_id: str, outcome: Decision | Problem
    ) -> None:
        """Tell whoever asked, if it asked to be told under an inbox that is a caller's."""
        subject = inbox_of(message.headers)
        if subject is None:
            return
        result: FireDone | Problem
        if isinstance(outcome, Fired):
            entry = outcome.entry
            result = FireDone(
                command_id=command_id, trigger_id=entry.trigger_id, event_id=entry.event_id
            )
        else:
            why = outcome.problem if isinstance(outcome, RejectedFire) else outcome
            result = why.model_copy(update={"request_id": command_id})
        await self._results.send(subject, result.model_dump_json().encode())


def _as_recorded(
    outcome: Decision | Problem, otherwise: Mapping[str, Decision]
) -> Decision | Problem:
    """``outcome``, or what the log had of its event already."""
    if isinstance(outcome, Problem) or outcome.entry is None:
        return outcome
    return otherwise.get(outcome.entry.event_id, outcome)


async def _turn(trigger: Trigger | None) -> None:
    """Let others go on: holding a payload to a schema may take 0.1 s, and a batch has hundreds."""
    if trigger is not None and trigger.change.definition.payload_schema is not None:
        await asyncio.sleep(0)


def _is_recorded(decision: Decision) -> bool:
    return isinstance(decision, Fired) and decision.is_recorded


def _trigger_of(fire: RequestedFire | UnreadableFire) -> str | None:
    return fire.command.trigger_id if isinstance(fire, RequestedFire) else None


def _read(message: Incoming) -> RequestedFire | UnreadableFire:
    return parse_fire(
        message.payload,
        message_id=message.headers.get(MESSAGE_ID_HEADER),
        stream_seq=message.stream_seq,
        stored_at=message.stored_at,
    )


def _is_hopeless(refusal: PublishRefused, batch: Sequence[Incoming]) -> bool:
    """Whether the row of the one message in ``batch`` will never be stored.

    What a batch is refused for may be any of its rows: its messages come one by one then. A
    row that is too large stays so; what else the broker refuses it may take later.
    """
    return len(batch) == 1 and (refusal.code is None or batch[0].delivered_count >= MAX_DELIVERIES)


def _unrecorded() -> Problem:
    return problem(Code.INTERNAL, "the fire cannot be recorded, so it did not happen")


def _command_id(message: Incoming) -> str:
    """The id of a command that could not be read."""
    message_id = message.headers.get(MESSAGE_ID_HEADER)
    return commands.command_id(None, message_id, message.stream_seq, message.stored_at)
