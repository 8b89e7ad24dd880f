"""The use cases against fakes: what is settled, what is buried, what is left to be redelivered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.retention.factories import body, make_entry
from tests.unit.retention.records import make_records, record_message
from trigger_contracts.dead_letters import Delivered
from trigger_contracts.events import EntryStatus, Swept
from trigger_retention.domain.deliveries import RecordRows
from trigger_retention.domain.lifetime import Lifetime
from trigger_retention.domain.rows import LogRow
from trigger_retention.handlers import (
    HourCloser,
    Indexer,
    LogMeasuring,
    Projector,
    RecordProjector,
    RedriveProjector,
    Sweeper,
)
from trigger_retention.handlers.indexing import BEHIND, LONGEST_POSTPONED_S
from trigger_retention.ports import Erased, Inserted, LogMeasures, RowsRefused
from trigger_runtime.process.errors import BrokerUnavailable, DatabaseNotProvisioned

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIFE = Lifetime(timedelta(hours=2), timedelta(hours=48))
EVERY = timedelta(seconds=1)


@dataclass
class Stored:
    payload: bytes
    stream_seq: int
    subject: str = "trigger.fired.trigger-1"
    headers: Mapping[str, str] = field(default_factory=dict)
    stored_at: datetime = NOW


class FakeClock:
    """Goes on when it is told to."""

    seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class FakeLog:
    """Keeps rows in a dict; refuses rows of the triggers it is told to."""

    def __init__(
        self,
        *,
        refuses: str = "",
        erases: Sequence[Erased | Exception | None] = (),
        closes: Sequence[bool] = (),
        indexes: Sequence[int] = (),
    ) -> None:
        self.clock = FakeClock()
        self.rows: dict[str, LogRow] = {}
        self.records: list[RecordRows] = []
        self.inserts = 0
        self.lives: list[Lifetime] = []
        self.said: list[str] = []
        self._refuses = refuses
        self._erases = list(erases)
        self._closes = list(closes)
        self._indexes = list(indexes)

    async def insert(self, rows: Sequence[LogRow]) -> Inserted:
        self.inserts += 1
        if any(row.trigger_id == self._refuses for row in rows):
            raise RowsRefused("no")
        new = {row.event_id: row for row in rows if row.event_id not in self.rows}
        self.rows |= new
        return Inserted(len(new), len(rows) - len(new))

    async def insert_records(self, records: Sequence[RecordRows]) -> Inserted:
        if any(one.delivery.trigger_id == self._refuses for one in records):
            raise RowsRefused("no")
        self.records += records
        return Inserted(len(records))

    async def erase(self) -> Erased | None:
        self.said.append("erase")
        found = self._erases.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def close_hour(self) -> bool:
        return self._closes.pop(0)

    async def index_words(self) -> int:
        self.clock.seconds += 1.5
        return self._indexes.pop(0)

    async def measures(self) -> LogMeasures:
        return LogMeasures(timedelta(seconds=3), len(self.rows), 2)

    async def set_lifetime(self, life: Lifetime) -> None:
        self.said.append("life")
        self.lives.append(life)


class FakeDeadLetters:
    def __init__(self, *, away: bool = False) -> None:
        self.letters: list[tuple[int, str]] = []
        self._away = away

    async def dead_letter(self, stream: str, delivery: Delivered, reason: str) -> None:
        if self._away:
            raise BrokerUnavailable("away")
        self.letters.append((delivery.stream_seq, reason))


class FakeNotices:
    def __init__(self) -> None:
        self.notices: list[Swept] = []

    async def swept(self, notice: Swept) -> None:
        self.notices.append(notice)


class Tally:
    """What ``on_projected`` is told, added up."""

    def __init__(self) -> None:
        self.inserted = Inserted(stored=0)
        self.dead = 0

    def __call__(self, inserted: Inserted, dead: int, _lag: timedelta) -> None:
        self.inserted += inserted
        self.dead += dead


def projector_of(
    log: FakeLog,
    dead: FakeDeadLetters | None = None,
    tally: Tally | None = None,
    latencies: list[timedelta] | None = None,
) -> Projector:
    logged = [] if latencies is None else latencies
    return Projector(log, dead or FakeDeadLetters(), log.clock, tally or Tally(), logged.extend)


def messages(
    count: int, *, poison: Sequence[int] = (), refused: Sequence[int] = ()
) -> list[Stored]:
    return [
        Stored(
            b"poison"
            if seq in poison
            else body(make_entry(NOW, trigger_id="bad" if seq in refused else "good")),
            seq,
        )
        for seq in range(1, count + 1)
    ]


async def test_poison_is_buried_and_the_rest_of_the_batch_goes_through() -> None:
    log, dead, tally = FakeLog(), FakeDeadLetters(), Tally()
    assert not await projector_of(log, dead, tally)(messages(10, poison=[1, 5, 10]))
    assert (tally.inserted.stored, tally.dead) == (7, 3)
    assert [seq for seq, _ in dead.letters] == [1, 5, 10]
    assert log.inserts == 1


@pytest.mark.parametrize("refused", [[1], [8], [3, 4], [1, 2, 3, 4, 5, 6, 7, 8]])
async def test_a_row_that_the_database_refuses_is_found_and_buried(refused: list[int]) -> None:
    log, dead, tally = FakeLog(refuses="bad"), FakeDeadLetters(), Tally()
    await projector_of(log, dead, tally)(messages(8, refused=refused))
    assert (tally.inserted.stored, tally.dead) == (8 - len(refused), len(refused))
    assert sorted(seq for seq, _ in dead.letters) == refused


async def test_a_batch_again_is_all_repetition() -> None:
    tally = Tally()
    projector = projector_of(FakeLog(), tally=tally)
    batch = messages(5)
    await projector(batch)
    await projector(batch)
    assert tally.inserted == Inserted(stored=5, repeated=5)


async def test_a_row_is_timed_once_from_its_firing_to_its_commit() -> None:
    """Of a batch that comes again with newer rows, these alone; a missed occurrence never fired."""
    log, latencies = FakeLog(), list[timedelta]()
    projector = projector_of(log, latencies=latencies)
    batch = messages(2)
    log.clock.seconds = 1.5
    await projector(batch)
    assert latencies == [timedelta(seconds=1.5)] * 2
    missed = Stored(body(make_entry(NOW, status=EntryStatus.MISSED, fired_at=None)), 4)
    log.clock.seconds = 40.0
    await projector([*batch, *messages(1), missed])
    assert latencies[2:] == [timedelta(seconds=40)]


def records(*triggers: str) -> list[Stored]:
    """One plan of each trigger's event, in a message; of the trigger named poison none."""
    found = []
    for seq, trigger_id in enumerate(triggers, 1):
        [plan] = make_records(make_entry(NOW, trigger_id=trigger_id), "erp")
        subject, content = record_message(plan)
        found.append(Stored(b"{" if trigger_id == "poison" else content, seq, subject))
    return found


async def test_of_records_each_that_is_none_or_refused_is_buried_alone() -> None:
    log, dead, told = FakeLog(refuses="bad"), FakeDeadLetters(), list[tuple[Inserted, int]]()
    projector = RecordProjector(log, dead, lambda *one: told.append(one))
    assert not await projector(records("a", "poison", "b", "bad", "c"))
    assert [one.delivery.trigger_id for one in log.records] == ["a", "b", "c"]
    assert [seq for seq, _ in dead.letters] == [2, 4]
    assert told == [(Inserted(3), 2)]


async def test_records_whose_letters_cannot_be_written_come_again() -> None:
    log = FakeLog()
    projector = RecordProjector(log, FakeDeadLetters(away=True), lambda *_: None)
    left = await projector(records("a", "poison"))
    assert [one.stream_seq for one in left] == [2]
    assert len(log.records) == 1


async def test_what_is_redriven_goes_where_its_subject_says() -> None:
    log = FakeLog()
    redrive = RedriveProjector(
        projector_of(log), RecordProjector(log, FakeDeadLetters(), lambda *_: None)
    )
    assert not await redrive([*records("a"), *messages(2)])
    assert (len(log.records), len(log.rows)) == (1, 2)


async def test_what_is_in_the_log_is_looked_at_and_told() -> None:
    told: list[LogMeasures] = []
    measuring = LogMeasuring(FakeLog(), told.append, every=EVERY)
    assert await measuring.look() == EVERY
    assert told == [LogMeasures(timedelta(seconds=3), 0, 2)]


async def test_only_what_is_newer_than_everything_says_how_far_the_log_is_behind() -> None:
    """A message that is redriven is old: the log is no further behind for it."""
    log = FakeLog()
    projector = projector_of(log)
    (new, newer, old) = messages(3)
    new.stored_at = NOW - timedelta(seconds=2)
    old.stored_at = NOW - timedelta(hours=40)
    await projector([new])
    assert projector.lag == timedelta(seconds=2)
    await projector([old])
    assert projector.lag == timedelta(seconds=2)
    log.clock.seconds = 0.5
    await projector([newer])
    assert projector.lag == timedelta(seconds=0.5)
    newer.stored_at = NOW + timedelta(seconds=9)
    await projector([newer])
    assert projector.lag == timedelta(), "the broker's clock is ahead"


async def test_a_dead_letter_that_cannot_be_written_holds_up_nobody_else() -> None:
    """Its message alone comes again."""
    log, batch = FakeLog(), messages(3, poison=[2])
    left = await projector_of(log, FakeDeadLetters(away=True))(batch)
    assert len(log.rows) == 2
    assert [batch.index(message) for message in left] == [1]


def erased(rows: int, *, partitions: tuple[str, ...] = (), more: bool = False) -> Erased:
    return Erased(NOW, NOW - LIFE.kept_for, rows, partitions, more)


async def test_a_sweep_goes_on_at_once_while_there_is_more_and_tells_what_it_erased() -> None:
    log = FakeLog(erases=[erased(10, more=True), erased(0, partitions=("event_2026",)), erased(0)])
    notices = FakeNotices()
    told: list[int] = []
    sweeper = Sweeper(log, notices, told.append, lifetime=LIFE, every=EVERY)
    assert [await sweeper.sweep() for _ in range(3)] == [timedelta(), EVERY, EVERY]
    assert told == [10, 0, 0]
    assert [(n.rows, n.partitions) for n in notices.notices] == [(10, ()), (0, ("event_2026",))]
    assert log.lives == [LIFE]


async def test_a_life_is_told_before_and_after_the_erasing_that_follows_a_failure() -> None:
    """The tables may be replaced between the two: those that were erased in know it, too."""
    log = FakeLog(erases=[DatabaseNotProvisioned(), erased(0), erased(0)])
    sweeper = Sweeper(log, FakeNotices(), lambda _: None, lifetime=LIFE, every=EVERY)
    with pytest.raises(DatabaseNotProvisioned):
        await sweeper.sweep()
    assert log.said == ["life", "erase"]
    await sweeper.sweep()
    assert log.said[2:] == ["life", "erase", "life"]
    await sweeper.sweep()
    assert log.said[5:] == ["erase"]


async def test_a_sweep_leaves_it_to_another_replica() -> None:
    notices = FakeNotices()
    told: list[int] = []
    sweeper = Sweeper(FakeLog(erases=[None]), notices, told.append, lifetime=LIFE, every=EVERY)
    assert await sweeper.sweep() == EVERY
    assert not notices.notices
    assert not told


async def test_hours_are_closed_one_after_the_other_until_none_is_left() -> None:
    closer = HourCloser(FakeLog(closes=[True, False]), every=EVERY)
    assert await closer.close() == timedelta()
    assert await closer.close() == EVERY


async def test_words_are_indexed_a_quarter_of_the_time_at_most() -> None:
    log = FakeLog(indexes=[20_000, 0])
    indexer = Indexer(log, log.clock, every=EVERY, lag=timedelta)
    assert await indexer.index() == timedelta(seconds=4.5)
    assert await indexer.index() == EVERY


async def test_a_log_that_is_behind_goes_first_but_not_for_ever() -> None:
    log, projector = FakeLog(indexes=[1, 1, 1, 0]), projector_of(FakeLog())
    indexer = Indexer(log, log.clock, every=EVERY, lag=lambda: projector.lag)
    projector.lag = BEHIND
    for _ in range(2):
        assert await indexer.index() == EVERY
        log.clock.seconds += LONGEST_POSTPONED_S / 2
    assert await indexer.index() > EVERY
    projector.lag = timedelta()
    assert await indexer.index() > EVERY
    projector.lag = BEHIND
    assert await indexer.index() == EVERY, "it is behind anew"
    projector.lag = timedelta()
    assert await indexer.index() > EVERY
