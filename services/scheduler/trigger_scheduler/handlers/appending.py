"""Appends what a round's commands change, each after the version that it was decided on.

Whoever was overtaken takes the log's newest state and decides again. The log may also hold the
command's own change already: a crash came between append and commit.
"""

from collections.abc import Sequence
from datetime import datetime

from trigger_contracts.trigger import Changed, Trigger
from trigger_runtime.process.errors import StaleExpectation
from trigger_scheduler.domain.arming import decided_row
from trigger_scheduler.ports import ChangeLog, DueLog

from .command_cases import CommandCase, change_of, decide_case
from .fencing import count_race


class ChangeAppender:
    """Appends the changes of a round; who was overtaken has the newest state to decide on again."""

    def __init__(self, change_log: ChangeLog, due_log: DueLog) -> None:
        self._change_log = change_log
        self._due_log = due_log

    async def append(self, cases: Sequence[CommandCase], now: datetime) -> None:
        """Append the changes: all at once, or each on its own where one was overtaken."""
        changing = [
            case for case in cases if isinstance(case.decision, Changed) and not case.stored
        ]
        if not changing:
            return
        try:
            sequences = await self._change_log.append(
                [(change_of(case), case.expected_seq) for case in changing]
            )
        except StaleExpectation:
            for case in changing:
                await self._append_one(case, now)
            return
        for case, seq in zip(changing, sequences, strict=True):
            case.stored = Trigger(change_of(case), seq)

    async def _append_one(self, case: CommandCase, now: datetime) -> None:
        races = 0
        while isinstance(case.decision, Changed) and case.stored is None:
            try:
                (seq,) = await self._change_log.append([(change_of(case), case.expected_seq)])
                case.stored = Trigger(change_of(case), seq)
            except StaleExpectation as stale:
                races = count_race(races)
                latest = await self._change_log.last(case.request.trigger_id)
                known = 0 if case.trigger is None else case.trigger.change_seq
                case.log_seq = None
                if latest is not None and latest.change_seq > known:
                    await self.renew(case, latest, now)
                    continue
                # Nothing newer that can be read, and yet something stands there.
                case.log_seq = stale.last_seq
                if latest is None:
                    # Of what the index knew all was erased or has expired.
                    case.trigger = None
                    decide_case(case, now)

    async def renew(self, case: CommandCase, latest: Trigger, now: datetime) -> None:
        """The log is ahead of the index: take its state; find our own change if it is there."""
        known = 0 if case.trigger is None else case.trigger.change_seq
        newer = await self._change_log.of(case.request.trigger_id, known)
        if not newer or newer[-1].change_seq < latest.change_seq:
            newer = [*newer, latest]
        case.newer = tuple(newer)
        own = [one for one in newer if one.change.command_id == case.request.command_id]
        before = [case.trigger, *newer]
        case.trigger = newer[-1]
        if case.row is None and newer != own:
            # Others' changes that a crash left unprojected: fence them, too.
            last = (await self._due_log.last([case.request.trigger_id], now)).values()
            case.row = decided_row(case.trigger, next(iter(last), None), now)
        if own:
            case.stored = newer[-1]
            case.before = before[newer.index(own[0])]
            case.decision = Changed(own[0].change)
        else:
            decide_case(case, now)
