"""Claims, edits, crashes and stopped replicas in any order, over a log with expected sequences.

The machine plays the protocol of the handlers with the domain's own functions: a claim takes a
row and plans, later appends with what it then expected, later commits, and may be stopped or
killed anywhere in between, its lock lost to others meanwhile. An edit settles, appends its
change, fences, commits and is acknowledged, and may be killed anywhere as well. What must hold
is decided from the log alone.
"""

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.scheduler.factories import GRACE, HOUR, MINUTE, NOON, SECOND
from trigger_contracts.commands import CreateTrigger, DeleteTrigger, UpdateTrigger
from trigger_contracts.events import Due, Fence, Missed, TriggerChanged
from trigger_contracts.schedule import following, max_fires_of
from trigger_contracts.topology import LOG_LIFE
from trigger_contracts.trigger import Changed, Moment, StateCommand, Trigger, complete, decide
from trigger_scheduler.domain.arming import armed_row, fence
from trigger_scheduler.domain.planning import DueRow, Step, advanced, plan, reconcile

Record = Due | Missed | Fence

AHEAD = timedelta(milliseconds=100)
"""How far ahead of time rows are taken."""

CREATE = CreateTrigger.model_validate({"name": "x", "type": "scheduled", "interval": 60})
NO_SCHEDULE = {"interval": None, "schedule_time": None, "cron": None}
EDITS: list[StateCommand] = [
    *(
        UpdateTrigger(trigger_id="t1", patch=patch)
        for patch in (
            {"name": "y"},
            {"payload": 1},
            {**NO_SCHEDULE, "interval": 7},
            {**NO_SCHEDULE, "interval": 3600},
            {**NO_SCHEDULE, "cron": "*/7 * * * *"},
            {"ends_at": "2027-01-26T13:00:00Z"},
            {"ends_at": None, "exclude": None},
            {"starts_at": "2027-01-26T12:00:30Z"},
            {"exclude": ["2027-01-27"]},
            {"misfire": {"policy": "none", "max_count": 2}},
            {"misfire": {"policy": "all", "max_count": 2}},
            {"misfire": {"policy": "all", "max_age": 1800}},
            {"max_fires": 2},
            {"max_fires": 5},
            {"max_fires": None, "misfire": None},
        )
    ),
    *(
        UpdateTrigger(
            trigger_id="t1",
            patch={**NO_SCHEDULE, "ends_at": None, "starts_at": None, "schedule_time": time},
        )
        for time in ("2027-01-26T12:10:00Z", "2027-01-26T13:00:00Z", "2027-01-27T00:00:00Z")
    ),
    DeleteTrigger(trigger_id="t1"),
    CREATE,
]


class Stale(Exception):  # noqa: N818
    """The broker's error 10071."""


class Killed(Exception):  # noqa: N818
    """The process ends here."""


@dataclass(eq=False)
class Claim:
    """A replica somewhere between taking its row and committing."""

    row: DueRow
    step: Step | None = None
    record: Record | None = None
    expected: int = 0
    appended_at: int | None = None

    def encode(self, now: datetime) -> None:
        """What it will ask of the broker, from the row that it holds."""
        self.step = plan(self.row, now, GRACE)
        assert self.step is not None
        self.record = self.step.record(self.row, now)
        self.expected = self.row.expected_seq(now)


class ExactlyOnce(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.log: list[tuple[int, Record, datetime]] = []
        self.changes: list[Trigger] = []
        self.seq = 0
        # The index: the committed row and change, and who holds the row's lock.
        self.row: DueRow | None = None
        self.known: Trigger | None = None
        self.locked_by: Claim | None = None
        self.claims: list[Claim] = []
        self.acknowledged: list[tuple[int, int]] = []
        """Where in the log an edit was acknowledged, and its change's sequence."""
        self.commands = 0

    # The two logs.

    def append(self, record: Record, expected: int) -> int:
        last = self.last()
        if expected != (0 if last is None else last[1]):
            raise Stale
        self.seq += 1
        self.log.append((self.seq, record, self.now))
        return self.seq

    def last(self) -> tuple[Record, int] | None:
        """The newest record, for as long as the broker keeps it."""
        if not self.log or self.now - self.log[-1][2] > LOG_LIFE:
            return None
        return self.log[-1][1], self.log[-1][0]

    def decide(
        self, command: StateCommand, state: Trigger | None, row: DueRow | None
    ) -> Trigger | None:
        self.commands += 1
        decision = decide(
            command,
            state,
            Moment(self.now, self.now) if row is None else self.moment(row),
            trigger_id="t1",
            command_id=f"c{self.commands}",
        )
        if not isinstance(decision, Changed):
            return None
        self.seq += 1
        made = Trigger(decision.change, self.seq)
        self.changes.append(made)
        return made

    def moment(self, row: DueRow) -> Moment:
        return Moment(self.now, self.now, row.cursor, row.fires)

    # The rules.

    @initialize()
    def create(self) -> None:
        made = self.decide(CREATE, None, None)
        assert made is not None
        self.commit(made, armed_row(made, None))

    def commit(self, trigger: Trigger, row: DueRow) -> None:
        self.known, self.row, self.locked_by = trigger, row, None

    @rule(step=st.sampled_from([timedelta(milliseconds=1), SECOND, 20 * SECOND, MINUTE, HOUR]))
    def time_passes(self, step: timedelta) -> None:
        self.now += step

    @rule()
    def days_pass(self) -> None:
        """Records expire. No request on its way is as old: the broker hung up long before."""
        for claim in list(self.claims):
            self.finish(claim, None)
        self.now += timedelta(hours=60)

    @property
    def is_due(self) -> bool:
        return (
            self.row is not None
            and self.locked_by is None
            and self.row.next_fire_at is not None
            and self.row.next_fire_at <= self.now + AHEAD
        )

    @precondition(lambda self: self.row is not None and self.row.next_fire_at is not None)
    @rule()
    def it_is_almost_time(self) -> None:
        self.now = max(self.now, self.row.next_fire_at - AHEAD / 2)

    @precondition(lambda self: self.is_due)
    @rule(stopped=st.booleans())
    def claim(self, *, stopped: bool) -> None:
        """A replica takes the row; one that is stopped soon loses its lock to the others."""
        assert self.row is not None
        made = Claim(self.row)
        self.claims.append(made)
        self.locked_by = None if stopped else made

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_claim_waits_until_it_is_time(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        if claim.record is None and claim.row.next_fire_at <= self.now:
            claim.encode(self.now)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_claim_appends(self, data: st.DataObject) -> None:
        """However long it was stopped: what it asks for was encoded before."""
        claim = data.draw(st.sampled_from(self.claims))
        if claim.record is None or claim.appended_at is not None:
            return
        try:
            claim.appended_at = self.append(claim.record, claim.expected)
        except Stale:
            known = reconcile(claim.row, self.last())
            if known is None or known.next_fire_at is None or known.next_fire_at > self.now:
                self.finish(claim, known)
                return
            claim.row = known
            claim.encode(self.now)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_claim_commits(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        if claim.appended_at is None:
            return
        stored_at = next(at for seq, _, at in self.log if seq == claim.appended_at)
        self.finish(claim, advanced(claim.row, claim.step, claim.appended_at, stored_at))

    def finish(self, claim: Claim, row: DueRow | None) -> None:
        self.claims.remove(claim)
        if self.locked_by is claim:  # Else the database has ended its transaction.
            self.locked_by = None
            if row is not None:
                self.row = row

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_claim_is_killed(self, data: st.DataObject) -> None:
        self.finish(data.draw(st.sampled_from(self.claims)), None)

    @precondition(lambda self: self.locked_by is not None)
    @rule()
    def a_stopped_claim_loses_its_lock(self) -> None:
        self.locked_by = None

    @precondition(lambda self: self.locked_by is None)
    @rule(command=st.sampled_from(EDITS), killed_at=st.none() | st.integers(0, 4))
    def edit(self, command: StateCommand, killed_at: int | None) -> None:
        steps = iter(range(5))

        def survive() -> None:
            if next(steps) == killed_at:
                raise Killed

        with contextlib.suppress(Killed):
            self.run_edit(command, survive)

    def run_edit(self, command: StateCommand, survive) -> None:
        self.repair()
        row = self.settled(self.row)
        assert row is not None
        survive()
        made = self.decide(command, self.known, row)
        if made is None:
            self.row = row
            return
        survive()
        assert row.next_fire_at is None or row.next_fire_at > self.now, "due, and dropped"
        row = self.fenced(row, made)
        survive()
        self.commit(made, armed_row(made, row))
        survive()
        self.acknowledged.append((len(self.log), made.change_seq))

    @precondition(lambda self: self.locked_by is None)
    @rule()
    def repair(self) -> None:
        """Adopt what a crash left between append and projection."""
        newer = [one for one in self.changes if one.change_seq > self.known.change_seq]
        if newer:
            row = self.fenced(self.row, newer[-1])
            for one in newer:
                self.commit(one, armed_row(one, row))

    @precondition(
        lambda self: (
            self.row is not None
            and self.locked_by is None
            and self.row.next_fire_at is None
            and self.known.change.status == "active"
            and self.known is self.changes[-1]
        )
    )
    @rule()
    def complete(self) -> None:
        self.seq += 1
        made = Trigger(complete(self.known, self.now, self.row.fires), self.seq)
        self.changes.append(made)
        self.commit(made, armed_row(made, self.row))

    def settled(self, row: DueRow | None) -> DueRow | None:
        while row is not None and row.next_fire_at is not None and row.next_fire_at <= self.now:
            step = plan(row, self.now, GRACE)
            assert step is not None
            try:
                seq = self.append(step.record(row, self.now), row.expected_seq(self.now))
                row = advanced(row, step, seq, self.now)
            except Stale:
                known = reconcile(row, self.last())
                if known is None:
                    break
                row = known
        return row

    def fenced(self, row: DueRow, trigger: Trigger) -> DueRow:
        while True:
            try:
                seq = self.append(fence(row, trigger, self.now), row.expected_seq(self.now))
            except Stale:
                last = self.last()
                if last is not None and last[0].change_seq >= trigger.change_seq:
                    renewed = DueRow(**{**_fields(row), "change_seq": last[0].change_seq})
                    return reconcile(renewed, last) or row
                row = reconcile(row, last) or row
            else:
                return DueRow(**{**_fields(row), "due_seq": seq, "due_stored_at": self.now})

    # What must hold, from the log alone.

    @invariant()
    def each_occurrence_fires_at_most_once_and_never_early(self) -> None:
        fired = [
            (record.creation_id, record.scheduled_for)
            for _, record, _ in self.log
            if isinstance(record, Due)
        ]
        assert len(fired) == len(set(fired))
        for _, record, stored_at in self.log:
            assert isinstance(record, Fence) or record.cursor <= stored_at, "early"

    @invariant()
    def nothing_old_follows_an_acknowledged_edit(self) -> None:
        for place, change_seq in self.acknowledged:
            for _, record, _ in self.log[place:]:
                assert record.change_seq >= change_seq

    @invariant()
    def each_occurrence_is_decided_once_and_none_is_skipped(self) -> None:
        """The records follow each other as the occurrences do, edits and crashes or not.

        Only where a crash lost what a record says and the record expired, with its row of the
        event log, before anybody read it, are its occurrences called missed once more.
        """
        versions = {one.change_seq: one.change for one in self.changes}
        decided: dict[str, tuple[datetime, datetime]] = {}
        for _, record, stored_at in self.log:
            if isinstance(record, Fence):
                continue
            change = versions[record.change_seq]
            assert change.schedule is not None
            cursor, before = decided.get(record.creation_id, (change.armed_from, stored_at))
            expected = change.schedule.next_after(max(cursor, change.armed_from))
            assert isinstance(record, Missed) or not is_over(change, record.fires - 1)
            first = record.scheduled_for if isinstance(record, Due) else record.first
            if first != expected:
                assert stored_at - before > LOG_LIFE, "decided before, or skipped"
                assert isinstance(record, Missed)
                assert expected is None or first < expected
            if isinstance(record, Missed):
                assert record.count == change.schedule.count(record.first, record.last)
            decided[record.creation_id] = (record.cursor, stored_at)

    @invariant()
    def a_limited_schedule_counts_its_fires(self) -> None:
        """Only where a record was lost in a crash and expired unread is its fire not counted."""
        versions = {one.change_seq: one.change for one in self.changes}
        before: dict[str, tuple[Record, datetime]] = {}
        for _, record, stored_at in self.log:
            last, last_stored_at = before.get(record.creation_id, (None, stored_at))
            before[record.creation_id] = record, stored_at
            fired = int(isinstance(record, Due))
            if max_fires_of(versions[record.change_seq].schedule) is None:
                assert record.fires == 0
            elif stored_at - last_stored_at > LOG_LIFE:
                assert record.fires >= fired
            elif last is None or self.was_unlimited(last, record):
                assert record.fires == fired
            else:
                assert record.fires == last.fires + fired

    def was_unlimited(self, first: Record, last: Record) -> bool:
        """Whether a version from one record's to the other's had no limit to count for."""
        return any(
            max_fires_of(one.change.schedule) is None
            for one in self.changes
            if one.change.creation_id == first.creation_id
            and first.change_seq <= one.change_seq <= last.change_seq
        )

    def teardown(self) -> None:
        """After the faults everything that is due gets decided, without anybody's help."""
        for claim in list(self.claims):
            self.finish(claim, None)
        self.locked_by = None
        if self.known is None:
            return
        self.repair()
        self.row = self.settled(self.row)
        assert self.row is not None
        assert self.row.next_fire_at is None or self.row.next_fire_at > self.now
        self.each_occurrence_fires_at_most_once_and_never_early()
        self.nothing_old_follows_an_acknowledged_edit()
        self.each_occurrence_is_decided_once_and_none_is_skipped()
        self.a_limited_schedule_counts_its_fires()
        schedule = self.known.change.schedule
        cursor, armed_from = self.row.cursor, self.known.change.armed_from
        if schedule is not None and self.known.change.status == "active":
            after = max(cursor or armed_from, armed_from)
            assert following(schedule, after, self.row.fires) == self.row.next_fire_at


def is_over(change: TriggerChanged, fires: int) -> bool:
    limit = max_fires_of(change.schedule)
    return limit is not None and fires >= limit


def _fields(row: DueRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in DueRow.__slots__}


ExactlyOnce.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestExactlyOnce = ExactlyOnce.TestCase
