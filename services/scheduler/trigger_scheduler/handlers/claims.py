"""Claiming: take due rows under lock, publish their records, store how far they are.

One claim is one transaction. Rows are taken a little ahead of time but published no
earlier than due; the transaction commits after the broker acknowledged. A crash anywhere
is mended by the expected sequence: the next claimer's append fails, it reads the last
record and goes on from there. Called by the claim loops of every replica.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from trigger_contracts.events import AnyDueRecord
from trigger_runtime.process.alarm import Alarm
from trigger_runtime.process.record_clock import ClockOfRecord
from trigger_scheduler.domain.planning import DueRow, Step, advanced, plan, reconcile
from trigger_scheduler.ports import DueLog, Index, Staged

STUCK_PAUSE = timedelta(milliseconds=50)
"""Before rows that could not be advanced are claimed again."""
BURST_SIZE = 14
"""So many rows that share an instant have their records staged. Fewer are made in a fraction
of a millisecond, and so say to the microsecond when they are published."""
MAKING_FROM = timedelta(milliseconds=1)
MAKING_EACH = timedelta(microseconds=15)
"""Time that must be left to make records ahead: to begin with, and for each."""
STAGED_VALID_FOR = timedelta(milliseconds=10)
"""A staged record says that it is published when it is due, and is made anew if that comes
so late."""


@dataclass(frozen=True, slots=True)
class ClaimLimits:
    """How a replica claims; see the settings of the same names."""

    ahead: timedelta
    batch: int
    poll: timedelta
    grace: timedelta


class Claimer:
    """Takes rows that are due under lock, publishes their records, stores how far they are."""

    def __init__(
        self,
        index: Index,
        due_log: DueLog,
        clock: ClockOfRecord,
        limits: ClaimLimits,
        *,
        on_full: Callable[[], None],
        on_completed: Callable[[], None],
        on_outdated: Callable[[], None],
        on_published: Callable[[Sequence[tuple[DueRow, Step]], datetime, datetime], None],
        on_unplanned: Callable[[DueRow, Exception], None],
    ) -> None:
        """``on_published`` is told rows and their steps once the broker has the records, when
        these were handed to it, and when the rows were claimed.
        """
        self._index = index
        self._due_log = due_log
        self._clock = clock
        self._limits = limits
        self._on_full = on_full
        self._on_completed = on_completed
        self._on_outdated = on_outdated
        self._on_published = on_published
        self._on_unplanned = on_unplanned
        self._completed = False
        self._claimed_at: datetime | None = None
        """Of the claim in hand: a claimer has one at a time."""

    async def one_pass(self) -> timedelta:
        """Claim once; returns how long nothing more will be due."""
        pause = await self.claim_once()
        if pause is not None:
            return pause
        sent = self._clock.monotonic()
        now, earliest = await self._index.earliest(self._limits.ahead)
        self._clock.observe(now, sent, self._clock.monotonic())
        if earliest is None:
            return self._limits.poll
        return max(min(earliest - now - self._limits.ahead, self._limits.poll), timedelta())

    async def claim_once(self) -> timedelta | None:
        """Claim once beside the others; returns None, for until it is called, if all is taken."""
        claimed, stored = await self._claim()
        if claimed:
            return timedelta() if stored else STUCK_PAUSE
        if self._completed:
            # Only now: completions must not compete with what is due.
            self._completed = False
            self._on_completed()
        return None

    async def _claim(self) -> tuple[int, int]:
        """Rows claimed, and rows whose decision was stored."""
        limits = self._limits
        async with self._index.transaction(durable=False) as transaction:
            sent = self._clock.monotonic()
            claimed = await transaction.claim(limits.ahead, limits.batch)
            if claimed.taken_at is None:
                return 0, 0
            self._claimed_at = claimed.taken_at
            self._clock.observe(claimed.taken_at, sent, self._clock.monotonic())
            if len(claimed.rows) == limits.batch:
                self._on_full()
            with Alarm() as alarm:
                rows = await self._publish(claimed.rows, alarm)
            if rows:
                await transaction.advance(rows)
        self._completed = self._completed or any(row.next_fire_at is None for row in rows)
        return len(claimed.rows), len(rows)

    async def _publish(self, rows: Sequence[DueRow], alarm: Alarm) -> list[DueRow]:
        """Append each row's record as it becomes due; returns the rows as they are then."""
        waiting = deque(rows)
        stored: list[DueRow] = []
        made: _Prepared | None = None
        while waiting:
            now = self._clock.now()
            remaining = (waiting[0].next_fire_at or now) - now
            if remaining > 2 * self._limits.ahead:
                # The clock of record was set back under us: these rows are not ours to hold.
                break
            if remaining > timedelta():
                if made is None:
                    made = await self._stage_burst(waiting, remaining)
                else:
                    # The clock can be set meanwhile: it is asked again.
                    await alarm.sleep(remaining.total_seconds())
                continue
            # One append after the other: what becomes due while one is synced goes with the next,
            # in fewer and larger batches. Several at once only queued for the same disk.
            if made is None or not made.holds(now):
                made = self._make(_due(waiting, now), now)
            else:
                for _ in made.steps:
                    waiting.popleft()
            stored += await self._append(made, now)
            made = None
        return stored

    async def _stage_burst(self, waiting: Sequence[DueRow], remaining: timedelta) -> "_Prepared":
        """The records of those that become due first, if these are a burst and there is time."""
        instant = waiting[0].next_fire_at or self._clock.now()
        first = list(takewhile(lambda row: row.next_fire_at == instant, waiting))
        if len(first) < BURST_SIZE or remaining < MAKING_FROM + MAKING_EACH * len(first):
            return _Prepared(instant, [], [])
        made = self._make(first, instant)
        return replace(made, staged=await self._due_log.stage(made.records))

    def _make(self, rows: Sequence[DueRow], now: datetime) -> "_Prepared":
        steps = [(row, step) for row in rows if (step := self._plan(row, now))]
        records = [(step.record(row, now), row.expected_seq(now)) for row, step in steps]
        return _Prepared(now, steps, records)

    def _plan(self, row: DueRow, now: datetime) -> Step | None:
        try:
            return plan(row, now, self._limits.grace)
        except Exception as error:  # noqa: BLE001 - its own trigger's matter: others are due
            self._on_unplanned(row, error)
            return None

    async def _append(self, made: "_Prepared", now: datetime) -> list[DueRow]:
        stored = await self._record(made, now)
        if len(stored) == len(made.steps):
            return stored
        known = {row.trigger_id for row in stored}
        overtaken = [row for row, _ in made.steps if row.trigger_id not in known]
        return stored + await self._append_reconciled(overtaken)

    async def _record(self, made: "_Prepared", now: datetime) -> list[DueRow]:
        """Append the records; the rows of those that were not overtaken."""
        sequences = await self._due_log.append(made.records, made.staged)
        appended = [
            (row, step, seq)
            for (row, step), seq in zip(made.steps, sequences, strict=True)
            if seq is not None
        ]
        steps = [(row, step) for row, step, _ in appended]
        self._on_published(steps, now, self._claimed_at or now)
        # Stored as the record says, so that a rebuild from the records makes the same rows.
        return [advanced(row, step, seq, made.instant) for row, step, seq in appended]

    async def _append_reconciled(self, rows: Sequence[DueRow]) -> list[DueRow]:
        """Somebody appended first, or crashed after appending: go on from the last records."""
        last = await self._due_log.last([row.trigger_id for row in rows], self._clock.now())
        now = self._clock.now()
        learned: dict[str, DueRow] = {}
        due: list[DueRow] = []
        for row in rows:
            known = reconcile(row, last.get(row.trigger_id))
            if known is None:
                self._on_outdated()
                continue
            if known != row:
                learned[row.trigger_id] = known
            if known.next_fire_at is not None and known.next_fire_at <= now:
                due.append(known)
        for row in await self._record(self._make(due, now), now):
            learned[row.trigger_id] = row
        return list(learned.values())


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Steps and their records as of an instant, which may still be to come."""

    instant: datetime
    steps: Sequence[tuple[DueRow, Step]]
    records: Sequence[tuple[AnyDueRecord, int]]
    staged: Staged | None = None

    def holds(self, now: datetime) -> bool:
        """Whether they still say truly when they are published."""
        return bool(self.steps) and now - self.instant <= STAGED_VALID_FOR


def _due(waiting: deque[DueRow], now: datetime) -> list[DueRow]:
    """Remove and return the rows that are due."""
    due: list[DueRow] = []
    while waiting and (waiting[0].next_fire_at is None or waiting[0].next_fire_at <= now):
        due.append(waiting.popleft())
    return due
