"""The deliver role's loops in virtual time, over an index, a log and receivers in memory.

The index is a naive model of the real one: what ``adapters.delivery.lane_statements`` say, over
dictionaries. Any number of replicas share it. Records are projected ``lag`` seconds after they were
appended.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from trigger_contracts.deliveries.outcomes import FailureCode, Outcome
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    RecordMessage,
    delivery_id_of,
    record_in,
)
from trigger_contracts.ids import uuid7
from trigger_contracts.targets.changes import TargetChanged, TargetChangeKind, TargetStatus
from trigger_contracts.targets.fields import TargetDefinition
from trigger_executor.domain.delivery.attempt import Attempt, Attempted, Cause, SendResult
from trigger_executor.domain.delivery.due import PendingDelivery
from trigger_executor.domain.delivery.lane import LaneRecord
from trigger_executor.domain.delivery.retrying import DEFAULT_DELAYS
from trigger_executor.handlers.delivery.attempting import Attempts, Recording
from trigger_executor.handlers.delivery.ending import Endings
from trigger_executor.handlers.delivery.lanes_in_hand import LanesInHand
from trigger_executor.handlers.delivery.leasing import LaneLeases
from trigger_executor.handlers.delivery.ordering import PlanOrder
from trigger_executor.handlers.delivery.role import Delivering
from trigger_executor.handlers.delivery.serving import LaneServing
from trigger_executor.handlers.delivery.targets import FollowedTargets
from trigger_executor.ports.lanes import (
    DueAsk,
    DueChoice,
    DueDeliveries,
    LaneLease,
    RenewedLeases,
    TakenLane,
    TakenLanes,
)
from trigger_runtime.process.errors import BrokerUnavailable, DatabaseUnavailable
from trigger_runtime.process.loops import stop_all
from trigger_runtime.process.record_clock import ClockOfRecord

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
LIFE = timedelta(hours=48)
SOON_S = 0.002
"""What a statement, an append and a read take."""


def a_target(target_id: str = "shop", version: int = 1, **fields: Any) -> TargetChanged:
    """A webhook, its newest change."""
    given = {"type": "webhook", "url": "https://shop.example/hook", **fields}
    return TargetChanged(
        kind=TargetChangeKind.CREATED if version == 1 else TargetChangeKind.UPDATED,
        target_id=target_id,
        creation_id="create",
        command_id=f"command {version}",
        version=version,
        status=TargetStatus.ACTIVE,
        definition=TargetDefinition(**given),
        actor="tests",
        at=NOON,
        created_at=NOON,
        created_by="tests",
    )


def deleted(target: TargetChanged) -> TargetChanged:
    return target.model_copy(
        update={
            "kind": TargetChangeKind.DELETED,
            "status": TargetStatus.DELETED,
            "version": target.version + 1,
        }
    )


@dataclass
class StoredLane:
    owner: str | None = None
    epoch: int = 0
    lease_until: datetime | None = None
    wake_at: datetime | None = None
    record: LaneRecord = field(default_factory=LaneRecord)
    is_asked: bool = False


class World:
    """Everything around the replicas."""

    def __init__(self, *, lag: float = 0.005, kept_for: timedelta = LIFE) -> None:
        self.lag, self.kept_for = lag, kept_for
        self.lanes: dict[str, StoredLane] = {}
        self.pending: dict[str, PendingDelivery] = {}
        self.position = 0
        self.log: list[RecordMessage | None] = []
        """TRIGGER_EVENTS by sequence, from 1; None for what is no record of a delivery."""
        self.bodies: dict[int, tuple[str, bytes]] = {}
        self.targets: list[TargetChanged] = []
        self.in_tests: dict[int, TargetChanged] = {}
        self.handed_out = self.acknowledged = 0
        """Of what the record role makes events of."""
        self.broker_is_away = self.database_is_away = False
        self.sent: list[tuple[float, Attempt]] = []
        self.flying: Counter[str] = Counter()
        self.most_flying: Counter[str] = Counter()
        self.answers: dict[str, Callable[[Attempt], Awaitable[SendResult]]] = {}
        self.replicas: list[Replica] = []

    # Time

    @property
    def seconds(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds - 1000.0)

    async def until(self, condition: Callable[[], object], *, within: float) -> float:
        """Wait for it; after how many seconds it was so."""
        began = self.seconds
        while not condition():
            assert self.seconds - began < within, "it did not happen"
            await asyncio.sleep(0.01)
        return self.seconds - began

    # What others do

    def has(self, target: TargetChanged) -> None:
        """A change of a target is in its log, and hinted."""
        self.targets.append(target)
        for replica in self.replicas:
            replica.role.targets_changed()

    def fired(
        self,
        target_id: str = "shop",
        *,
        trigger_id: str = "order",
        count: int = 1,
        attempts: int = 0,
        at: datetime | None = None,
        change_seq: int | None = None,
    ) -> list[str]:
        """Events are logged, planned and projected; their ids."""
        logged = [self.logged(trigger_id) for _ in range(count)]
        for seq, event_id in logged:
            self.planned(
                target_id,
                trigger_id,
                seq,
                event_id,
                attempts=attempts,
                at=at,
                change_seq=change_seq,
            )
        return [event_id for _, event_id in logged]

    def logged(self, trigger_id: str = "order") -> tuple[int, str]:
        """An event is in the log, and not planned."""
        self.log.append(None)
        seq = len(self.log)
        event_id = str(uuid7(self.now, trigger_id, str(seq)))
        self.bodies[seq] = (event_id, b"{}")
        return seq, event_id

    def planned(
        self,
        target_id: str,
        trigger_id: str,
        seq: int,
        event_id: str,
        *,
        attempts: int = 0,
        at: datetime | None = None,
        change_seq: int | None = None,
    ) -> None:
        """It is planned, and projected."""
        now = self.now
        self.log.append(None)
        delivery = PendingDelivery(
            delivery_id=delivery_id_of(event_id, target_id),
            event_id=event_id,
            trigger_id=trigger_id,
            target_id=target_id,
            round=1,
            attempts=attempts,
            event_seq=seq,
            logged_at=now,
            next_attempt_at=at or now,
            expires_at=now + self.kept_for,
            change_seq=change_seq,
        )
        self.pending[delivery.delivery_id] = delivery
        self._lower(target_id, delivery.next_attempt_at)
        self.position = max(self.position, len(self.log))
        for replica in self.replicas:
            replica.role.woken([target_id])

    def cancelled(self) -> None:
        """All that waits is given up, and that is projected."""
        self.log.append(None)
        self.pending.clear()
        self.position = len(self.log)

    def _lower(self, target_id: str, at: datetime) -> None:
        lane = self.lanes.setdefault(target_id, StoredLane())
        lane.wake_at = at if lane.wake_at is None else min(lane.wake_at, at)

    async def start(self, count: int = 1, **options: Any) -> None:
        for _ in range(count):
            replica = Replica(self, f"replica {len(self.replicas)}", **options)
            self.replicas.append(replica)
            replica.role.start()

    async def stop(self) -> None:
        await asyncio.gather(*(replica.role.stop() for replica in self.replicas))

    # What was recorded

    @property
    def records(self) -> list[DeliveryAttempted | DeliveryEnded]:
        return [
            record
            for one in self.log
            if one is not None
            and isinstance(
                record := record_in(one.subject, one.body), DeliveryAttempted | DeliveryEnded
            )
        ]

    def attempts_of(self, event_id: str) -> list[DeliveryAttempted]:
        return [
            one
            for one in self.records
            if isinstance(one, DeliveryAttempted) and one.event_id == event_id
        ]

    def ended(self) -> list[DeliveryEnded]:
        return [one for one in self.records if isinstance(one, DeliveryEnded)]

    def sent_to(self, target_id: str) -> list[tuple[float, Attempt]]:
        return [(at, one) for at, one in self.sent if one.target_id == target_id]

    def project(self, seq: int) -> None:
        """One replica does, in order; then it hints."""
        self.position = max(self.position, seq)
        one = self.log[seq - 1]
        assert one is not None
        record = record_in(one.subject, one.body)
        known = self.pending.get(record.delivery_id)
        if known is not None:
            if isinstance(record, DeliveryEnded) or (
                isinstance(record, DeliveryAttempted) and record.final is not None
            ):
                del self.pending[record.delivery_id]
            elif isinstance(record, DeliveryAttempted):
                assert record.next_attempt_at is not None
                self.pending[record.delivery_id] = replace(
                    known, attempts=record.attempt, next_attempt_at=record.next_attempt_at
                )
                self._lower(record.target_id, record.next_attempt_at)


class Index:
    """``ports.lanes.LaneIndex``."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def _said(self) -> datetime:
        await asyncio.sleep(SOON_S)
        if self.world.database_is_away:
            raise DatabaseUnavailable("away")
        return self.world.now

    async def take(self, owner: str, most: int, lease: timedelta) -> TakenLanes:
        now = await self._said()
        free = {
            one: lane
            for one, lane in self.world.lanes.items()
            if lane.owner is None and lane.wake_at is not None
        }
        due = [
            one for one, lane in free.items() if lane.wake_at is not None and lane.wake_at <= now
        ]
        taken = [self._taken(one, owner, now, lease) for one in due[:most]]
        next_at = min((lane.wake_at for lane in free.values() if lane.wake_at), default=None)
        return TakenLanes(now, taken, next_at)

    async def take_lost(self, owner: str, most: int, lease: timedelta) -> TakenLanes:
        now = await self._said()
        lost = [
            one
            for one, lane in self.world.lanes.items()
            if lane.owner is not None and lane.lease_until is not None and lane.lease_until < now
        ]
        return TakenLanes(now, [self._taken(one, owner, now, lease) for one in lost[:most]], None)

    def _taken(self, one: str, owner: str, now: datetime, lease: timedelta) -> TakenLane:
        lane = self.world.lanes[one]
        until = lane.lease_until or now
        lane.owner, lane.epoch, lane.lease_until = owner, lane.epoch + 1, now + lease
        is_asked, lane.is_asked = lane.is_asked, False
        return TakenLane(one, lane.epoch, lane.record, until, is_asked=is_asked)

    async def renew(
        self, owner: str, leases: Sequence[LaneLease], lease: timedelta
    ) -> RenewedLeases:
        now = await self._said()
        held, asked = set(), set()
        for one in leases:
            lane = self.world.lanes[one.target_id]
            if (lane.owner, lane.epoch) == (owner, one.epoch):
                lane.lease_until, lane.record = now + lease, one.record
                held.add(one.target_id)
                if lane.is_asked:
                    asked.add(one.target_id)
                lane.is_asked = False
        return RenewedLeases(now, frozenset(held), frozenset(asked))

    async def release(
        self, owner: str, leases: Sequence[LaneLease], opens_at: Sequence[datetime | None]
    ) -> None:
        await self._said()
        for one, opens in zip(leases, opens_at, strict=True):
            lane = self.world.lanes[one.target_id]
            if (lane.owner, lane.epoch) != (owner, one.epoch):
                continue
            lane.owner, lane.lease_until, lane.record = None, None, one.record
            rows = self._of(one.target_id)
            lane.wake_at = None
            if rows:
                due = min(row.next_attempt_at for row in rows)
                ends = min(row.expires_at for row in rows) - self._margin
                lane.wake_at = min(due if opens is None else max(due, opens), ends)

    @property
    def _margin(self) -> timedelta:
        return min(timedelta(minutes=2), self.world.kept_for / 20)

    def _of(self, target_id: str) -> list[PendingDelivery]:
        return [one for one in self.world.pending.values() if one.target_id == target_id]

    async def due(self, asked: Sequence[DueAsk]) -> DueDeliveries:
        now = await self._said()
        found: list[PendingDelivery] = []
        next_at: dict[str, datetime] = {}
        for ask in asked:
            rows = self._of(ask.target_id)
            later = [row.next_attempt_at for row in rows if row.next_attempt_at > now]
            if later:
                next_at[ask.target_id] = min(later)
            if ask.choice in {DueChoice.HEADS, DueChoice.FEWEST_HEADS}:
                heads: dict[str, PendingDelivery] = {}
                for row in sorted(rows, key=lambda row: row.event_seq):
                    heads.setdefault(row.trigger_id, row)
                rows = list(heads.values())
            due = [row for row in rows if row.next_attempt_at <= now]
            due.sort(key=lambda row: row.next_attempt_at)
            if ask.choice in {DueChoice.FEWEST, DueChoice.FEWEST_HEADS}:
                due.sort(key=lambda row: row.attempts)
            found += due[: ask.most]
        return DueDeliveries(now, self.world.position, found, next_at)

    async def expiring(
        self, target_ids: Sequence[str], before: datetime, most: int
    ) -> tuple[int, Sequence[PendingDelivery]]:
        await self._said()
        found = [
            one
            for one in self.world.pending.values()
            if one.target_id in target_ids and one.expires_at < before
        ]
        return self.world.position, sorted(found, key=lambda row: row.expires_at)[:most]

    async def pending(
        self, target_id: str, after: str, most: int
    ) -> tuple[int, Sequence[PendingDelivery]]:
        await self._said()
        found = [one for one in self._of(target_id) if one.delivery_id > after]
        return self.world.position, sorted(found, key=lambda row: row.delivery_id)[:most]

    async def wake(self, target_ids: Sequence[str]) -> None:
        now = await self._said()
        for one in target_ids:
            lane = self.world.lanes.get(one)
            if lane is not None and lane.owner is None and lane.wake_at is not None:
                lane.wake_at = min(lane.wake_at, now)

    async def wake_changed(self, versions: Sequence[tuple[str, int]]) -> None:
        known = self.world.lanes
        await self.wake(
            [
                one
                for one, version in versions
                if one in known and known[one].record.version != version
            ]
        )


class Log:
    """``ports.lanes.RecordLog``."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def is_connected(self) -> bool:
        return not self.world.broker_is_away

    async def append(self, record: RecordMessage) -> int:
        await asyncio.sleep(SOON_S)
        if self.world.broker_is_away:
            raise BrokerUnavailable("away")
        for seq, one in enumerate(self.world.log, 1):
            if one is not None and one.message_id == record.message_id:
                return seq
        self.world.log.append(record)
        seq = len(self.world.log)
        asyncio.get_running_loop().call_later(self.world.lag, self.world.project, seq)
        return seq

    async def newest(self) -> int:
        await asyncio.sleep(SOON_S)
        if self.world.broker_is_away:
            raise BrokerUnavailable("away")
        return max((seq for seq, one in enumerate(self.world.log, 1) if one is not None), default=0)


class Bodies:
    """``ports.lanes.EventBodies``: each is kept once it was fetched."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fetched: dict[int, bytes] = {}

    def kept(self, seq: int, event_id: str) -> bytes | None:
        return self.fetched.get(seq)

    async def fetch(self, seq: int, event_id: str) -> bytes | None:
        await asyncio.sleep(SOON_S)
        if self.world.broker_is_away:
            raise BrokerUnavailable("away")
        known = self.world.bodies.get(seq)
        if known is None or known[0] != event_id:
            return None
        self.fetched[seq] = known[1]
        return known[1]


class Changes:
    """``ports.lanes.TargetChanges``."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def after(self, seq: int) -> tuple[int, Sequence[TargetChanged]]:
        await asyncio.sleep(SOON_S)
        if self.world.broker_is_away:
            raise BrokerUnavailable("away")
        return len(self.world.targets), self.world.targets[seq:]

    async def last(self, target_id: str) -> TargetChanged | None:
        found = [one for one in self.world.targets if one.target_id == target_id]
        return found[-1] if found else None

    async def in_test(self, trigger_id: str, change_seq: int) -> TargetChanged | None:
        return self.world.in_tests.get(change_seq)


class Progress:
    """``ports.lanes.PlanProgress``."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def stored(self) -> int:
        await asyncio.sleep(SOON_S)
        return len(self.world.log)

    async def in_hand(self) -> tuple[Sequence[int], Sequence[int]]:
        await asyncio.sleep(SOON_S)
        if self.world.broker_is_away:
            raise BrokerUnavailable("away")
        return [self.world.handed_out], [self.world.acknowledged]

    async def newest(self) -> int:
        return await Log(self.world).newest()


class Sender:
    """``ports.sending.Sender``: answers as the world says, 200 after 10 ms by default."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def send(self, attempt: Attempt) -> SendResult:
        world, one = self.world, attempt.target_id
        began, started_at = world.seconds, world.now
        world.sent.append((began, attempt))
        world.flying[one] += 1
        world.most_flying[one] = max(world.most_flying[one], world.flying[one])
        try:
            told = await world.answers.get(one, ok)(attempt)
        finally:
            world.flying[one] -= 1
        if isinstance(told, Attempted):
            took = round((world.seconds - began) * 1000)
            told = replace(told, started_at=started_at, duration_ms=took)
        return told


class Meter:
    """``DeliveryMeter``."""

    def __init__(self) -> None:
        self.attempts: Counter[str] = Counter()
        self.hindrances: Counter[Cause] = Counter()
        self.endings: Counter[str] = Counter()

    def attempted(self, record: DeliveryAttempted, target_type: str) -> None:
        self.attempts[f"{target_type} {record.outcome.value}"] += 1

    def hindered(self, cause: Cause) -> None:
        self.hindrances[cause] += 1

    def ended(self, record: DeliveryEnded) -> None:
        self.endings[record.reason.value] += 1


class Replica:
    """One process of the deliver role."""

    def __init__(
        self,
        world: World,
        name: str,
        *,
        total: int = 1000,
        draw: float = 0.5,
        delays: Sequence[timedelta] = DEFAULT_DELAYS,
    ) -> None:
        index, log, bodies = Index(world), Log(world), Bodies(world)
        self.meter = Meter()
        self.clock = ClockOfRecord(asyncio.get_running_loop().time)
        self.hands = LanesInHand(self.clock, total=total)
        recording = Recording(self.hands, log)
        self.attempts = Attempts(
            self.hands,
            Sender(world),
            recording,
            self.meter,
            delays=delays,
            kept_for=world.kept_for,
            draw=lambda: draw,
            is_sampled=lambda _: False,
        )
        endings = Endings(self.hands, index, recording, self.meter, kept_for=world.kept_for)
        targets = FollowedTargets(self.hands, Changes(world), index)
        self.role = Delivering(
            self.hands,
            LaneLeases(self.hands, index, log, targets.resolve, owner=name),
            LaneServing(self.hands, index, bodies, self.attempts, endings, kept_for=world.kept_for),
            self.attempts,
            endings,
            targets,
            PlanOrder(self.hands, Progress(world)),
        )

    async def kill(self) -> None:
        """It is gone, with all that it had in flight."""
        self.hands.is_stopping = True
        self.hands.lanes.clear()
        await stop_all(self.role.loops)
        await self.attempts.stop(0)


def answer(
    status: int, *, after_s: float = 0.01, **fields: Any
) -> Callable[[Attempt], Awaitable[Attempted]]:
    """A receiver that answers with a status."""

    async def answering(_: Attempt) -> Attempted:
        await asyncio.sleep(after_s)
        is_good = 200 <= status < 300
        return Attempted(
            started_at=NOON,
            duration_ms=0,
            outcome=Outcome.DELIVERED if is_good else Outcome.FAILED,
            origin="https://shop.example",
            code=None if is_good else FailureCode.STATUS,
            status=status,
            **fields,
        )

    return answering


ok = answer(200)


def hanging(timeout_s: float = 15.0) -> Callable[[Attempt], Awaitable[Attempted]]:
    """A receiver that never answers."""

    async def answering(_: Attempt) -> Attempted:
        await asyncio.sleep(timeout_s)
        return Attempted(
            started_at=NOON,
            duration_ms=0,
            outcome=Outcome.FAILED,
            origin="https://shop.example",
            code=FailureCode.TIMEOUT,
        )

    return answering
