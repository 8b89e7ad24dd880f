"""Decides from a recorded history whether every delivery kept its promises through the faults.

Pure. ``DeliveryHistory`` is what was set up, done and received, by the clock of the machine;
``DeliveryEvidence`` is what the streams, the tables and the index hold afterwards. ``violations``
compares them. It has a fold of records of its own, and trusts neither the platform's nor its
views. What was in flight at a fault may come twice, and nothing else may.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal

from tests.chaos.checker import Violation

CLOCKS = timedelta(milliseconds=250)
"""What two replicas differ by when they tell the time of the clock of record: a look at it took so
long at the most. One replica by itself is exact."""
ROUNDED = timedelta(milliseconds=2)
"""Of durations, which are whole milliseconds."""
LONGER = 1.2
"""A delay is made up to a fifth longer."""
RESUMED = timedelta(seconds=1)
"""For what a stopped process had in hand to end, once it goes on."""
HEARD = timedelta(seconds=2)
"""Until the owner of a lane has heard that a delivery was ended by somebody else."""
RECOVERED = timedelta(seconds=10)
"""After a fault, until lanes have passed on and what waited meanwhile is sent."""
PROMPT = timedelta(seconds=10)
"""From the plan to the request at an endpoint that is well, on a machine of two busy cores."""

FaultKind = Literal["kill", "stop", "lose"]

Pair = tuple[str, str]
"""An event and a target."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was killed, stopped or lost, from then until it was back.

    ``hit``: it was seen to be dead or stopped.
    """

    name: str
    kind: FaultKind
    begun_at: datetime
    over_at: datetime
    hit: bool = True

    def is_during(self, begun_at: datetime, ended_at: datetime) -> bool:
        return self.begun_at <= ended_at and begun_at <= self.over_at + RESUMED


@dataclass(frozen=True, slots=True)
class Target:
    """A target as the run set it up, and what may become of a delivery to it."""

    target_id: str
    kind: Literal["webhook", "durable", "core"] = "webhook"
    delays: tuple[timedelta, ...] = ()
    is_ordered: bool = False
    is_forbidden: bool = False
    """Whoever delivers may not connect to its address."""
    is_well: bool = False
    """Its endpoint answers everything, at once and with 2xx."""
    may_end: frozenset[str] = frozenset()
    """Reasons for which its deliveries may end dead."""
    addresses: frozenset[str] = frozenset()
    """What may be connected to."""

    @property
    def most_attempts(self) -> int:
        return len(self.delays) + 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """A request, or a message, that came in whole.

    ``is_answered``: at least one byte was sent back, or there is nothing to answer. ``is_right``:
    its signature and its body are those of the event in its headers.
    """

    target_id: str
    event_id: str
    attempt: int
    at: datetime
    is_answered: bool = True
    is_right: bool = True


@dataclass(frozen=True, slots=True)
class Version:
    """Which targets a version of a trigger names."""

    trigger_id: str
    version: int
    targets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fired:
    """An event of the log."""

    event_id: str
    trigger_id: str
    version: int
    seq: int


@dataclass(frozen=True, slots=True)
class _Record:
    seq: int
    stored_at: datetime
    delivery_id: str
    event_id: str
    target_id: str
    round: int

    @property
    def pair(self) -> Pair:
        return self.event_id, self.target_id


@dataclass(frozen=True, slots=True)
class Planned(_Record):
    event_seq: int


@dataclass(frozen=True, slots=True)
class Attempted(_Record):
    attempt: int
    epoch: int
    started_at: datetime
    ended_at: datetime
    outcome: str = "delivered"
    final: str | None = None
    reason: str | None = None
    address: str | None = None
    next_attempt_at: datetime | None = None
    retry_after: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Ended(_Record):
    reason: str


Record = Planned | Attempted | Ended


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the view of deliveries."""

    event_id: str
    target_id: str
    round: int
    state: str
    attempts: int


@dataclass(frozen=True, slots=True)
class DeliveryHistory:
    """What the run did and saw.

    ``accepted`` are fires that were acknowledged; ``redelivered`` are deliveries of which one more
    round was asked for; ``forbidden`` counts connections where none may be.
    """

    targets: tuple[Target, ...]
    faults: tuple[Fault, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    accepted: frozenset[str] = frozenset()
    redelivered: frozenset[Pair] = frozenset()
    forbidden: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryEvidence:
    """What is stored. ``attempts`` are rows of the view of attempts: event, target, round, number
    and epoch; ``waiting`` are deliveries of the index.
    """

    versions: tuple[Version, ...] = ()
    fired: tuple[Fired, ...] = ()
    records: tuple[Record, ...] = ()
    shown: tuple[Shown, ...] = ()
    attempts: frozenset[tuple[str, str, int, int, int]] = frozenset()
    waiting: frozenset[Pair] = frozenset()


def violations(history: DeliveryHistory, evidence: DeliveryEvidence) -> list[Violation]:
    """Everything that is wrong once all is quiet; nothing, if every promise was kept."""
    return _Check(history, evidence).run()


def states(evidence: DeliveryEvidence) -> Counter[str]:
    """How many deliveries stand where, by their records."""
    return Counter(one.state for one in _deliveries(evidence.records).values())


def repeated(history: DeliveryHistory) -> int:
    """How many attempts came more than once: what was in flight at a fault."""
    came = Counter(
        (one.event_id, one.target_id, one.attempt)
        for one in history.receipts
        if one.is_answered and (one.event_id, one.target_id) not in history.redelivered
    )
    return sum(count > 1 for count in came.values())


@dataclass(slots=True)
class _Round:
    """The records of one round, as they are stored."""

    planned: Planned | None = None
    attempts: list[Attempted] = field(default_factory=list)
    endings: list[Ended] = field(default_factory=list)

    @property
    def finals(self) -> list[tuple[Attempted | Ended, str]]:
        """What ends it, the earliest first, and as what."""
        found: list[tuple[Attempted | Ended, str]] = [(one, "dead") for one in self.endings]
        found += [(one, one.final) for one in self.attempts if one.final is not None]
        return sorted(found, key=lambda each: each[0].seq)

    @property
    def state(self) -> str:
        ends = [end for _, end in self.finals]
        return "delivered" if "delivered" in ends else ends[0] if ends else "pending"

    @property
    def numbers(self) -> Mapping[int, Sequence[Attempted]]:
        by_number: dict[int, list[Attempted]] = defaultdict(list)
        for one in self.attempts:
            by_number[one.attempt].append(one)
        return by_number


@dataclass(slots=True)
class _Delivery:
    ids: set[str] = field(default_factory=set)
    rounds: dict[int, _Round] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The newest round that was planned."""
        return max((number for number, one in self.rounds.items() if one.planned), default=0)

    @property
    def state(self) -> str:
        return self.rounds[self.newest].state if self.newest else "unplanned"

    @property
    def attempts(self) -> list[Attempted]:
        return [one for each in self.rounds.values() for one in each.attempts]


def _deliveries(records: Iterable[Record]) -> dict[Pair, _Delivery]:
    found: dict[Pair, _Delivery] = defaultdict(_Delivery)
    for record in sorted(records, key=lambda one: one.seq):
        delivery = found[record.pair]
        delivery.ids.add(record.delivery_id)
        stretch = delivery.rounds.setdefault(record.round, _Round())
        match record:
            case Planned():
                stretch.planned = stretch.planned or record
            case Attempted():
                stretch.attempts.append(record)
            case Ended():
                stretch.endings.append(record)
    return dict(found)


def _apart(one: Attempted, other: Attempted) -> timedelta:
    """What the clocks differ by that these were recorded with: a lane's owner has one."""
    return ROUNDED if one.epoch == other.epoch else CLOCKS


def _is_before(attempt: Attempted, final: Attempted | Ended) -> bool:
    """Whether it began before a delivery was over."""
    if isinstance(final, Ended):
        return attempt.started_at < final.stored_at - CLOCKS
    return attempt.started_at < final.ended_at - _apart(final, attempt)


@dataclass
class _Check:
    history: DeliveryHistory
    evidence: DeliveryEvidence
    found: list[Violation] = field(default_factory=list)

    def run(self) -> list[Violation]:
        self._faults()
        self._plans()
        for pair, delivery in self.deliveries.items():
            target = self.targets.get(pair[1])
            if target is None:
                self._report("a delivery to a target that nobody made", pair)
                continue
            if pair in self.history.redelivered and delivery.newest < 2:
                self._report("a round that was asked for did not begin", pair)
            for number, one in delivery.rounds.items():
                self._round(pair, target, number, one)
                self._numbers(target, one)
                for attempt in one.attempts:
                    self._attempt(target, attempt)
            self._receipts(pair, target, delivery)
        self._strays()
        self._order()
        self._views()
        return self.found

    @cached_property
    def deliveries(self) -> dict[Pair, _Delivery]:
        return _deliveries(self.evidence.records)

    @cached_property
    def targets(self) -> dict[str, Target]:
        return {one.target_id: one for one in self.history.targets}

    @cached_property
    def events(self) -> dict[str, Fired]:
        return {one.event_id: one for one in self.evidence.fired}

    @cached_property
    def received(self) -> dict[Pair, list[Receipt]]:
        """In the order in which they came."""
        found: dict[Pair, list[Receipt]] = defaultdict(list)
        for one in sorted(self.history.receipts, key=lambda each: each.at):
            found[one.event_id, one.target_id].append(one)
        return found

    def _report(self, rule: str, about: object) -> None:
        self.found.append(Violation(rule, str(about)))

    def _at_a_fault(self, begun_at: datetime, ended_at: datetime | None, only: str = "") -> bool:
        """Whether something was hit in that time; without an end, since then."""
        last = ended_at or datetime.max.replace(tzinfo=UTC)
        return any(
            one.is_during(begun_at, last)
            for one in self.history.faults
            if one.name.startswith(only)
        )

    def _faults(self) -> None:
        for one in self.history.faults:
            if not one.hit:
                self._report("a fault that never hit", one)
        if self.history.forbidden:
            self._report("a connection to a forbidden address", self.history.forbidden)

    def _plans(self) -> None:
        """One plan for each target of the version that fired, and no other."""
        versions = {(v.trigger_id, v.version): v.targets for v in self.evidence.versions}
        plans = [one for one in self.evidence.records if isinstance(one, Planned)]
        for event_id in self.history.accepted - self.events.keys():
            self._report("an accepted fire has no event", event_id)
        first: dict[str, set[str]] = defaultdict(set)
        for one in plans:
            if one.round == 1:
                first[one.event_id].add(one.target_id)
        for event in self.evidence.fired:
            named = versions.get((event.trigger_id, event.version))
            if named is None:
                self._report("an event of no version", event)
                continue
            for target_id in named - first[event.event_id]:
                self._report("a target has no plan", (event, target_id))
            for target_id in first[event.event_id] - named:
                self._report("planned for a target that is not named", (event, target_id))
        for plan in plans:
            event_of = self.events.get(plan.event_id)
            if event_of is None:
                self._report("planned for what did not fire", plan)
            elif plan.event_seq != event_of.seq:
                self._report("a plan names another event", plan)
        for (pair, number), count in Counter((one.pair, one.round) for one in plans).items():
            if count > 1:
                self._report("planned twice", (pair, number))
        ids = Counter(each for one in self.deliveries.values() for each in one.ids)
        for delivery_id, count in ids.items():
            if count > 1:
                self._report("one id, two deliveries", delivery_id)
        for pair, delivery in self.deliveries.items():
            if len(delivery.ids) > 1:
                self._report("one delivery, two ids", (pair, delivery.ids))

    def _round(self, pair: Pair, target: Target, number: int, one: _Round) -> None:
        """It was planned, and it ended, for a reason that was given."""
        if one.planned is None:
            self._report("a record without its plan", (pair, number))
        asked = 1 + (pair in self.history.redelivered)
        if number > asked:
            self._report("a round that nobody asked for", (pair, number))
        if one.state == "pending":
            self._report("a delivery is still pending", pair)
        for final, end in one.finals:
            if end == "dead" and final.reason not in target.may_end:
                self._report("dead without a reason", final)
            has_more = isinstance(final, Attempted) and final.attempt < target.most_attempts
            if final.reason == "exhausted" and has_more:
                self._report("given up too early", final)
        if not one.finals:
            return
        over, _ = one.finals[0]
        for attempt in one.attempts:
            late = attempt.started_at > over.stored_at + HEARD
            if late and not self._at_a_fault(over.stored_at, attempt.started_at):
                self._report("tried after its end", attempt)

    def _numbers(self, target: Target, one: _Round) -> None:
        """Attempts are numbered without a gap, are no more than promised, and none is early."""
        numbers = one.numbers
        for number, attempts in sorted(numbers.items()):
            if number > target.most_attempts:
                self._report("more attempts than promised", attempts[0])
            if number == 1:
                continue
            before = numbers.get(number - 1)
            if before is None:
                self._report("an attempt is not recorded", attempts[0])
                continue
            if attempts[0].seq < before[0].seq:
                self._report("attempts are recorded out of order", attempts[0])
            if number > target.most_attempts:
                continue
            delay = target.delays[number - 2]
            for attempt in attempts:
                soonest = min(
                    each.ended_at + max(delay, each.retry_after) - _apart(each, attempt)
                    for each in before
                )
                if attempt.started_at < soonest:
                    self._report("tried earlier than promised", (before, attempt))

    def _attempt(self, target: Target, one: Attempted) -> None:
        """Where it went, and when the next one is to be."""
        if target.is_forbidden != (one.outcome == "blocked"):
            self._report("blocked, or not, without reason", one)
        if one.address is not None and one.address not in target.addresses:
            self._report("an attempt at a forbidden address", one)
        if one.next_attempt_at is not None and one.attempt <= len(target.delays):
            delay = target.delays[one.attempt - 1]
            least = one.ended_at + max(delay, one.retry_after)
            most = one.ended_at + max(delay * LONGER, one.retry_after)
            if not least <= one.next_attempt_at <= most:
                self._report("promised for another time", one)

    def _receipts(self, pair: Pair, target: Target, delivery: _Delivery) -> None:
        """What is recorded was received, what was received is recorded, and once."""
        if target.is_forbidden:
            return
        receipts = self.received.get(pair, [])
        recorded: dict[int, list[Attempted]] = defaultdict(list)
        for attempt in delivery.attempts:
            recorded[attempt.attempt].append(attempt)
        for attempt in delivery.attempts:
            came = [one for one in receipts if one.attempt == attempt.attempt]
            # What the broker took it has not stored yet, in a stream that nobody asked about.
            is_excused = target.kind == "core" and self._at_a_fault(
                attempt.started_at, attempt.ended_at + RESUMED, "nats"
            )
            if attempt.outcome == "delivered" and not came and not is_excused:
                self._report("delivered, and not received", attempt)
        came_with: dict[int, list[Receipt]] = defaultdict(list)
        for receipt in receipts:
            came_with[receipt.attempt].append(receipt)
        for number, came in came_with.items():
            stored = sorted(recorded[number], key=lambda one: one.seq)
            if not stored:
                self._report("received, and not recorded", came[0])
            answered = [one for one in came if one.is_answered]
            extra = len(answered) - max(1, len({one.round for one in stored}))
            until = stored[0].stored_at if stored else None
            hit = [one for one in came if self._at_a_fault(one.at, until and max(until, one.at))]
            if extra > len(hit):
                self._report("received twice", came)
        first = delivery.rounds.get(1)
        if target.is_well and first is not None and first.planned and first.attempts:
            planned_at, began_at = first.planned.stored_at, first.attempts[0].started_at
            disturbed = self._at_a_fault(planned_at - RECOVERED, began_at)
            if began_at - planned_at > PROMPT and not disturbed:
                self._report("an endpoint that is well waited", first.attempts[0])

    def _strays(self) -> None:
        """Nothing came that is not an event's, or to whom it was not planned."""
        for receipt in self.history.receipts:
            if not receipt.is_right:
                self._report("another body or signature", receipt)
            if (receipt.event_id, receipt.target_id) not in self.deliveries:
                self._report("received, and not planned", receipt)

    def _order(self) -> None:
        """Where it is promised, events of a trigger come one after another, as the log has them."""
        lines: dict[Pair, list[Fired]] = defaultdict(list)
        for event_id, target_id in self.deliveries:
            event, target = self.events.get(event_id), self.targets.get(target_id)
            if event is not None and target is not None and target.is_ordered:
                lines[event.trigger_id, target_id].append(event)
        for (_, target_id), line in lines.items():
            line.sort(key=lambda event: event.seq)
            came_before: Receipt | None = None
            last: Attempted | Ended | None = None
            for event in line:
                receipts = self.received.get((event.event_id, target_id), [])
                if receipts and came_before is not None and receipts[0].at < came_before.at:
                    self._report("received out of order", (came_before, receipts[0]))
                came_before = receipts[0] if receipts else came_before
                one = self.deliveries[event.event_id, target_id].rounds.get(1, _Round())
                if last is not None and any(_is_before(each, last) for each in one.attempts):
                    self._report("begun before the one before it was over", (event, target_id))
                last = one.finals[0][0] if one.finals else last

    def _views(self) -> None:
        """Tables and index hold what the records say: conservation, as anybody can see it."""
        shown = {(one.event_id, one.target_id): one for one in self.evidence.shown}
        for pair in self.deliveries.keys() ^ shown.keys():
            self._report("a delivery is not in both, records and view", pair)
        for pair, one in shown.items():
            delivery = self.deliveries.get(pair)
            if delivery is None or not delivery.newest:
                continue
            number = delivery.newest
            attempts = max((each.attempt for each in delivery.rounds[number].attempts), default=0)
            seen = (one.round, one.state, one.attempts)
            if seen != (number, delivery.state, attempts):
                self._report("view and records differ", (one, delivery.state, number, attempts))
        recorded = {
            (*one.pair, one.round, one.attempt, one.epoch)
            for one in self.evidence.records
            if isinstance(one, Attempted)
        }
        for attempt in recorded ^ self.evidence.attempts:
            self._report("an attempt is not in both, records and view", attempt)
        pending = {pair for pair, one in self.deliveries.items() if one.state == "pending"}
        for pair in pending ^ self.evidence.waiting:
            self._report("index and records differ", pair)
