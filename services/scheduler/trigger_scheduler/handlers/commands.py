"""Commands: decide each against its trigger, append the change, fence, project, answer.

One round is one transaction on the due index, over distinct triggers, their rows locked.
The order within it is what makes an edit exact: what is already due is published under
the old version, the change is appended, then a fence on the due subject; only then does
the transaction commit and the caller get an answer. A replica that was stopped in between
and resumes cannot publish anything old, since its expected sequence is behind the fence.
Called by the command subscriber of every replica; a repeated command gets the same answer.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from trigger_contracts.commands import CommandDone, CreateTrigger, TestTrigger
from trigger_contracts.errors import Code, Problem
from trigger_contracts.events import ChangeKind, Status
from trigger_contracts.targets.target import Rules, unknown_targets
from trigger_contracts.trigger import Changed, Rejected, Trigger, Unchanged
from trigger_scheduler.domain.arming import armed_row
from trigger_scheduler.domain.planning import DueRow, Step, reconcile
from trigger_scheduler.domain.quotas import Quotas, Usage
from trigger_scheduler.domain.results import done, unchanged
from trigger_scheduler.ports import (
    Backlog,
    ChangeLog,
    DueLog,
    Index,
    IndexTransaction,
    StoredAnswer,
)

from .appending import ChangeAppender
from .command_cases import (
    CommandCase,
    Request,
    answer_of,
    brings_schema,
    case_of,
    decide_case,
    refuse_target,
)
from .fencing import count_race, fence_all
from .projecting import project_in_order
from .target_adopting import TargetAdopter

MAX_SCHEMAS = 50
"""Payload schemas compiled in one round: its rows are locked meanwhile, for 2 s at the most."""

TURN_AFTER = 10
"""Commands decided at a stretch: some milliseconds, in which nothing that is due is published."""

_CONFIRMED_AT_THE_LEADER = frozenset({Code.NOT_FOUND, Code.VERSION_MISMATCH, Code.TRIGGER_EXISTS})


class CommandHandler:
    """Decides commands, makes what they change durable, and says how each was answered."""

    def __init__(
        self,
        index: Index,
        change_log: ChangeLog,
        due_log: DueLog,
        backlog: Backlog,
        adopter: TargetAdopter,
        *,
        grace: timedelta,
        quotas: Quotas,
        rules: Rules,
        on_armed: Callable[[datetime, datetime], None],
        on_published: Callable[[Sequence[tuple[DueRow, Step]], datetime, datetime], None],
    ) -> None:
        """``rules``: of targets that are written out for a test. ``on_published``: as
        ``claims.Claimer`` says it.
        """
        self._index = index
        self._change_log = change_log
        self._due_log = due_log
        self._appender = ChangeAppender(change_log, due_log)
        self._backlog = backlog
        self._adopter = adopter
        self._grace = grace
        self._quotas = quotas
        self._rules = rules
        self._on_armed = on_armed
        self._on_published = on_published

    async def answer(self, requests: Sequence[Request]) -> list[CommandDone | Problem | None]:
        """Answers in the order of the requests; nothing is answered that is not durable.

        None for a request that must come again: it names a trigger that is not there, and a
        crash has put off commands before it, its create perhaps among them.
        """
        answers: dict[int, CommandDone | Problem | None] = {}
        waiting = list(enumerate(requests))
        while waiting:
            part: list[tuple[int, Request]] = []
            later: list[tuple[int, Request]] = []
            triggers: set[str] = set()
            commands: set[str] = set()
            schemas = 0
            for place, request in waiting:
                taken = request.trigger_id in triggers or request.command_id in commands
                taken = taken or schemas == MAX_SCHEMAS
                schemas += not taken and brings_schema(request.command)
                (later if taken else part).append((place, request))
                triggers.add(request.trigger_id)
                commands.add(request.command_id)
            outcomes = await self._round([request for _, request in part])
            answers.update(zip((place for place, _ in part), outcomes, strict=True))
            waiting = later
        return [answers[place] for place in range(len(requests))]

    async def _round(self, requests: Sequence[Request]) -> list[CommandDone | Problem | None]:
        async with self._index.transaction() as transaction:
            given = await transaction.answers([request.command_id for request in requests])
            fresh = [request for request in requests if request.command_id not in given]
            held = await transaction.lock([request.trigger_id for request in fresh])
            now = await transaction.now()
            cases = [case_of(request, held.get(request.trigger_id)) for request in fresh]
            await self._settle(cases, now)
            for place, case in enumerate(cases, 1):
                await self._decide(case, now)
                if brings_schema(case.request.command) or place % TURN_AFTER == 0:
                    await asyncio.sleep(0)  # What is due meanwhile is not to wait for them all.
            await self._find_targets(transaction, cases)
            await self._admit(transaction, cases)
            await self._defer(cases)
            await self._appender.append(cases, now)
            await self._fence(cases, now)
            await _store(transaction, cases, now)
            repeated = {
                command_id: await _repeated(transaction, command_id, answer)
                for command_id, answer in given.items()
            }
        for case in cases:
            if case.row is not None and case.row.next_fire_at is not None:
                self._on_armed(case.row.next_fire_at, now)
        fresh_answers = {case.request.command_id: answer_of(case, now) for case in cases}
        return [
            repeated.get(request.command_id) or fresh_answers[request.command_id]
            for request in requests
        ]

    async def _settle(self, cases: Sequence[CommandCase], now: datetime) -> None:
        """Publish what is due under the versions that the commands find, all rows together."""
        waiting = [case for case in cases if case.step(now, self._grace)]
        while waiting:
            steps = [(case, step) for case in waiting if (step := case.step(now, self._grace))]
            sequences = await self._due_log.append(
                [(step.record(row, now), row.expected_seq(now)) for row, step in _rows(steps)]
            )
            stored = [pair for pair, seq in zip(_rows(steps), sequences, strict=True) if seq]
            self._on_published(stored, now, now)
            overtaken: list[CommandCase] = []
            for (case, step), seq in zip(steps, sequences, strict=True):
                if seq is None:
                    overtaken.append(case)
                else:
                    case.advance(step, seq, now)
            if overtaken:
                await self._settle_reconciled(overtaken, now)
            waiting = [case for case, _ in steps if case.step(now, self._grace)]

    async def _settle_reconciled(self, cases: Sequence[CommandCase], now: datetime) -> None:
        """Somebody appended first: go on from the last records."""
        last = await self._due_log.last([case.request.trigger_id for case in cases], now)
        for case in cases:
            case.races = count_race(case.races)
            if case.row is None:
                continue
            known = reconcile(case.row, last.get(case.row.trigger_id))
            # A newer definition was fenced already: the append of the change will meet it.
            case.outdated = known is None
            case.row = known or case.row
            case.settled = True

    async def _decide(self, case: CommandCase, now: datetime) -> None:
        decide_case(case, now)
        refuse_target(case, self._rules)
        if _is_to_be_confirmed(case):
            latest = await self._change_log.last(case.request.trigger_id)
            known = 0 if case.trigger is None else case.trigger.change_seq
            if latest is not None and latest.change_seq > known:
                await self._appender.renew(case, latest, now)

    async def _find_targets(
        self, transaction: IndexTransaction, cases: Sequence[CommandCase]
    ) -> None:
        """Refuse what names targets that there are not. Whoever is found stays until the commit."""
        naming = [
            (case, targets)
            for case in cases
            if isinstance(case.decision, Changed)
            and case.stored is None
            and case.decision.change.status is not Status.DELETED
            and (targets := case.decision.change.definition.targets)
        ]
        if not naming:
            return
        wanted = {target_id for _, targets in naming for target_id in targets}
        known = await transaction.targets.lock_named(sorted(wanted))
        if wanted - known:
            known |= await self._adopter.adopt(transaction.targets, wanted - known)
        for case, targets in naming:
            missing = [
                (_place_of_target(case, place), target_id)
                for place, target_id in enumerate(targets)
                if target_id not in known
            ]
            if missing:
                case.decision = Rejected(unknown_targets(missing))
                case.unknown_targets = frozenset(target_id for _, target_id in missing)

    async def _admit(self, transaction: IndexTransaction, cases: Sequence[CommandCase]) -> None:
        """Refuse what the quotas do not allow. A change that is in the log already stays."""
        usage: Usage | None = None
        for case in cases:
            if not isinstance(case.decision, Changed) or case.stored is not None:
                continue
            if usage is None:
                usage = Usage(self._quotas, *await transaction.usage())
            before = None if case.trigger is None else case.trigger.change
            exceeded = usage.admit(before, case.decision.change)
            if exceeded is not None:
                case.decision = Rejected(exceeded)

    async def _defer(self, cases: Sequence[CommandCase]) -> None:
        lost = [
            case
            for case in cases
            if case.request.deferrable
            and not isinstance(case.request.command, CreateTrigger)
            and isinstance(case.decision, Rejected)
            and case.decision.problem.code is Code.NOT_FOUND
        ]
        if lost:
            before = {case.request.trigger_id: case.request.stream_seq for case in lost}
            put_off = await self._backlog.unsettled_creates(before)
            for case in lost:
                case.deferred = case.request.trigger_id in put_off
        naming = [case for case in cases if case.unknown_targets and case.request.deferrable]
        if naming:
            targets = {
                target_id: case.request.stream_seq
                for case in naming
                for target_id in case.unknown_targets
            }
            put_off = await self._backlog.unsettled_targets(targets)
            for case in naming:
                case.deferred = not case.unknown_targets.isdisjoint(put_off)

    async def _fence(self, cases: Sequence[CommandCase], now: datetime) -> None:
        """Fence whatever is about to be projected: our changes, and others that a crash left."""
        changed = [
            (case, case.row, newest)
            for case in cases
            if case.row is not None and (newest := case.newest) is not None
        ]
        rows = await fence_all(self._due_log, [(row, newest) for _, row, newest in changed], now)
        for (case, _, _), row in zip(changed, rows, strict=True):
            case.row = row


def _is_to_be_confirmed(case: CommandCase) -> bool:
    """Whether only the log's leader can tell that it is so: no append will meet what is newer."""
    match case.decision:
        case Unchanged():
            return True
        case Rejected(found):
            return found.code in _CONFIRMED_AT_THE_LEADER
        case Changed(change):
            # On a subject of its own.
            return change.test_target is not None
        case None:
            return False


def _place_of_target(case: CommandCase, place: int) -> str:
    command = case.request.command
    by_itself = isinstance(command, TestTrigger) and command.target is not None
    return "/target" if by_itself else f"/targets/{place}"


def _rows(steps: Sequence[tuple[CommandCase, Step]]) -> list[tuple[DueRow, Step]]:
    return [(case.row, step) for case, step in steps if case.row is not None]


async def _store(
    transaction: IndexTransaction, cases: Sequence[CommandCase], now: datetime
) -> None:
    projected: list[tuple[Trigger, DueRow]] = []
    refused: dict[str, tuple[int | None, Problem | None]] = {}
    settled: list[DueRow] = []
    for case in cases:
        ours = () if case.stored is None else (case.stored,)
        projected.extend(
            (trigger, armed_row(trigger, case.row)) for trigger in (*case.newer, *ours)
        )
        if case.stored is not None:
            case.row = projected[-1][1]
            continue
        if case.settled and case.row is not None and not case.newer:
            settled.append(case.row)
        if case.deferred:
            continue
        if isinstance(case.decision, Rejected):
            refused[case.request.command_id] = (None, case.decision.problem)
        elif case.trigger is not None:
            refused[case.request.command_id] = (case.trigger.change_seq, None)
    await project_in_order(transaction, projected)
    if settled:
        await transaction.advance(settled)
    await transaction.remember(refused, now)


async def _repeated(
    transaction: IndexTransaction, command_id: str, answer: StoredAnswer
) -> CommandDone | Problem:
    if answer.problem is not None:
        return answer.problem
    if answer.trigger is None:
        raise TypeError("an answer is a change or a problem")
    if answer.unchanged_at is not None:
        return unchanged(command_id, answer.trigger, answer.unchanged_at)
    change = answer.trigger.change
    before = None
    if change.kind is ChangeKind.UPDATED:
        before = await transaction.previous(change.trigger_id, answer.trigger.change_seq)
    return done(command_id, change, before)
