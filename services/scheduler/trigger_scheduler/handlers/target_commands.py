"""Commands about targets: decide each, append the change, project, answer.

As ``commands`` does it for triggers, without a schedule to fence. One round is one transaction
over distinct targets, their rows locked: so nobody comes to name a target while it is deleted.
A repeated command gets the same answer.
"""

from collections.abc import Sequence
from datetime import datetime

from trigger_contracts.commands import CreateTarget, TargetDone
from trigger_contracts.errors import Code, Problem
from trigger_contracts.targets.changes import TargetChangeKind
from trigger_contracts.targets.target import (
    MAX_TARGETS,
    ChangedTarget,
    Rules,
    Target,
    in_use,
    too_many,
    unknown_targets,
)
from trigger_contracts.trigger import Rejected, Unchanged
from trigger_runtime.process.errors import StaleExpectation
from trigger_scheduler.ports import Backlog, Index, TargetLog, TargetTransaction

from .fencing import count_race
from .target_adopting import TargetAdopter
from .target_cases import TargetCase, TargetRequest, alerts_of, done

_CONFIRMED_AT_THE_LEADER = frozenset({Code.NOT_FOUND, Code.VERSION_MISMATCH, Code.TARGET_EXISTS})


class TargetCommandHandler:
    """Decides commands about targets, makes what they change durable, and answers each."""

    def __init__(self, index: Index, log: TargetLog, backlog: Backlog, rules: Rules) -> None:
        self._index = index
        self._log = log
        self._adopter = TargetAdopter(log)
        self._backlog = backlog
        self._rules = rules

    async def answer(self, requests: Sequence[TargetRequest]) -> list[TargetDone | Problem | None]:
        """Answers in the order of the requests; None for what must come again."""
        answers: dict[int, TargetDone | Problem | None] = {}
        waiting = list(enumerate(requests))
        while waiting:
            part: list[tuple[int, TargetRequest]] = []
            later: list[tuple[int, TargetRequest]] = []
            targets: set[str] = set()
            commands: set[str] = set()
            for place, request in waiting:
                # What another one of this round names is to be there when it is looked for.
                mine = {request.target_id, alerts_of(request.command) or request.target_id}
                is_taken = mine & targets or request.command_id in commands
                (later if is_taken else part).append((place, request))
                targets |= mine
                commands.add(request.command_id)
            outcomes = await self._round([request for _, request in part])
            answers.update(zip((place for place, _ in part), outcomes, strict=True))
            waiting = later
        return [answers[place] for place in range(len(requests))]

    async def _round(self, requests: Sequence[TargetRequest]) -> list[TargetDone | Problem | None]:
        async with self._index.transaction() as transaction:
            targets = transaction.targets
            given = await targets.answers([request.command_id for request in requests])
            fresh = [request for request in requests if request.command_id not in given]
            named = {one for request in fresh if (one := alerts_of(request.command))}
            held = await targets.lock([*(request.target_id for request in fresh), *named])
            now = await transaction.now()
            cases = [TargetCase(request, held.get(request.target_id)) for request in fresh]
            for case in cases:
                await self._decide(case, now)
            await self._check_alerts(targets, cases, held)
            await self._check_deletes(targets, cases)
            await self._check_count(targets, cases)
            await self._defer(cases)
            await self._append(cases, now)
            await _store(targets, cases, now)
        repeated = {
            command_id: answer.problem
            if answer.target is None
            else done(command_id, answer.target.change)
            for command_id, answer in given.items()
        }
        decided = {case.request.command_id: case.answer() for case in cases}
        return [
            repeated.get(request.command_id) or decided[request.command_id] for request in requests
        ]

    async def _decide(self, case: TargetCase, now: datetime) -> None:
        case.decide(now, self._rules)
        if isinstance(case.decision, Unchanged) or (
            isinstance(case.decision, Rejected)
            and case.decision.problem.code in _CONFIRMED_AT_THE_LEADER
        ):
            await self._renew(case, now)

    async def _renew(self, case: TargetCase, now: datetime) -> bool:
        """Take the log's newer state, if there is any; find our own change if it is there."""
        newer = await self._adopter.newest(case.target, case.request.target_id)
        if not newer:
            return False
        case.newer = (*case.newer, *newer)
        case.target = newer[-1]
        own = [one for one in newer if one.change.command_id == case.request.command_id]
        if own:
            case.stored = own[0]
            case.decision = ChangedTarget(own[0].change)
        else:
            case.decide(now, self._rules)
        return True

    async def _check_alerts(
        self, targets: TargetTransaction, cases: Sequence[TargetCase], held: dict[str, Target]
    ) -> None:
        for case in cases:
            named = case.change.definition.alert_target if _is_new(case) else None
            if named is None or case.change.kind is TargetChangeKind.DELETED:
                continue
            known = held.get(named)
            if (known is not None and known.exists) or await self._adopter.adopt(targets, [named]):
                continue
            case.decision = Rejected(unknown_targets([("/alert_target", named)]))

    async def _check_deletes(self, targets: TargetTransaction, cases: Sequence[TargetCase]) -> None:
        deleting = [
            case for case in cases if _is_new(case) and case.change.kind is TargetChangeKind.DELETED
        ]
        if not deleting:
            return
        naming = await targets.named_by([case.request.target_id for case in deleting])
        for case in deleting:
            found = naming.get(case.request.target_id)
            if found is not None:
                case.decision = Rejected(in_use(case.request.target_id, found.names, found.count))

    async def _check_count(self, targets: TargetTransaction, cases: Sequence[TargetCase]) -> None:
        creating = [
            case for case in cases if _is_new(case) and case.change.kind is TargetChangeKind.CREATED
        ]
        if not creating:
            return
        room = max(0, MAX_TARGETS - await targets.count())
        for case in creating[room:]:
            case.decision = Rejected(too_many())

    async def _defer(self, cases: Sequence[TargetCase]) -> None:
        lost = [
            case
            for case in cases
            if case.request.deferrable
            and not isinstance(case.request.command, CreateTarget)
            and isinstance(case.decision, Rejected)
            and case.decision.problem.code is Code.NOT_FOUND
        ]
        if lost:
            before = {case.request.target_id: case.request.stream_seq for case in lost}
            put_off = await self._backlog.unsettled_targets(before)
            for case in lost:
                case.deferred = case.request.target_id in put_off

    async def _append(self, cases: Sequence[TargetCase], now: datetime) -> None:
        changing = [case for case in cases if _is_new(case)]
        if not changing:
            return
        try:
            sequences = await self._log.append(
                [(case.change, case.expected_seq) for case in changing]
            )
        except StaleExpectation:
            for case in changing:
                await self._append_alone(case, now)
            return
        for case, seq in zip(changing, sequences, strict=True):
            case.stored = Target(case.change, seq)

    async def _append_alone(self, case: TargetCase, now: datetime) -> None:
        races = 0
        while _is_new(case):
            try:
                (seq,) = await self._log.append([(case.change, case.expected_seq)])
                case.stored = Target(case.change, seq)
            except StaleExpectation as stale:
                races = count_race(races)
                case.log_seq = None
                if not await self._renew(case, now):
                    # Nothing newer that can be read, and yet something stands there.
                    case.log_seq = stale.last_seq


def _is_new(case: TargetCase) -> bool:
    """Whether it changes the target, and the log does not say so yet."""
    return isinstance(case.decision, ChangedTarget) and case.stored is None


async def _store(targets: TargetTransaction, cases: Sequence[TargetCase], now: datetime) -> None:
    projected: list[Target] = []
    settled: dict[str, tuple[int | None, Problem | None]] = {}
    for case in cases:
        projected += case.newer
        if case.stored is not None:
            projected += () if case.stored in case.newer else (case.stored,)
            continue
        if case.deferred:
            continue
        if isinstance(case.decision, Rejected):
            settled[case.request.command_id] = (None, case.decision.problem)
        elif case.target is not None:
            settled[case.request.command_id] = (case.target.change_seq, None)
    await targets.project(projected)
    await targets.remember(settled, now)
