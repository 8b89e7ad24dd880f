"""Projects records of deliveries into the index, in their order, and wakes the lanes they wait in.

One replica at a time: whoever has the row of the position. Rows and position are of one
transaction, so that what is read twice is written once, and a takeover goes on where the last
commit was. A rebuild is the same from 0. What the records say of targets' health is told before
the commit: so it is told, however often one of these is cut short.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from trigger_contracts.deliveries.records import DeliveryPlanned
from trigger_executor.domain.delivery.projecting import (
    Projection,
    StoredRecord,
    is_remembered,
    may_repeat,
    project,
)
from trigger_executor.ports import Clock
from trigger_executor.ports.alerting import HealthTeller
from trigger_executor.ports.projecting import (
    DeliveryIndex,
    DeliveryRecords,
    LaneWakes,
    ProjectionMeter,
    ProjectionTransaction,
)
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

IDLE = timedelta(milliseconds=500)
"""Between two looks where nobody says that records were appended: covers hints that were lost."""
FOLLOWING = timedelta(seconds=1)
"""Between two looks of a replica whose neighbour projects."""
SOON = timedelta(milliseconds=5)
"""After a look that found nothing though somebody said so: a replica of the broker is behind."""
SOONEST_LOOKS = 4
"""Such looks in a row; then it was somebody else's hint."""
SWEPT_AFTER = timedelta(minutes=1)
SWEPT_EVERY = timedelta(minutes=1)
CLOCKS_APART = timedelta(minutes=2)
"""Plans of an event are looked for from so long before it: the broker's clock may be behind."""


class DeliveryProjector:
    """The projection, as passes of a loop."""

    def __init__(
        self,
        records: DeliveryRecords,
        index: DeliveryIndex,
        wakes: LaneWakes,
        health: HealthTeller,
        clock: Clock,
        meter: ProjectionMeter,
    ) -> None:
        self._records = records
        self._index = index
        self._wakes = wakes
        self._health = health
        self._clock = clock
        self._meter = meter
        self._position: int | None = None
        self._looks = 0
        self._follows = False

    def hinted(self) -> bool:
        """Somebody says that records were appended; whether that is for this replica to project."""
        if not self._follows:
            self._looks = SOONEST_LOOKS
        return not self._follows

    async def one_pass(self) -> timedelta:
        """Project the next page; how long to wait for the one after it."""
        before = self._position
        if before is None or self._follows:
            self._position = await self._index.position()
        position = self._position or 0
        if self._follows and position != before:
            return FOLLOWING
        upto, found = await self._records.after(position)
        if upto == position:
            return FOLLOWING if self._follows else self._nothing()
        self._looks, self._follows = 0, False
        earlier = await planned_earlier(self._records, found)
        async with self._index.projecting() as transaction:
            if transaction is None:
                self._follows = True
                self._meter.followed()
                return FOLLOWING
            if transaction.position != position:
                # Another replica had it meanwhile.
                self._position = transaction.position
                return timedelta()
            projection = await projected_page(transaction, found, earlier)
            if projection.changes:
                # Before any lane is locked, and before the page counts as projected.
                await self._health.tell(projection.changes)
            await transaction.write(projection, upto)
        self._position = upto
        self._records.note(found, position, upto)
        self._meter.projected(len(found), self._age(found))
        if woken := _woken(projection):
            self._wakes.waiting(woken)
        return timedelta()

    def _nothing(self) -> timedelta:
        self._meter.projected(0, 0.0)
        if self._looks:
            self._looks -= 1
            return SOON
        return IDLE

    def _age(self, found: Sequence[StoredRecord]) -> float:
        if not found:
            return 0.0
        return max(0.0, (self._clock.now() - found[-1].stored_at).total_seconds())


class DeliverySweeper:
    """Forgets what nobody could record as ended before its event's life was over.

    Its records are gone by then, and with them what a rebuild would know of it.
    """

    def __init__(self, index: DeliveryIndex) -> None:
        self._index = index

    async def sweep(self) -> timedelta:
        """One pass; any replica may."""
        forgotten = await self._index.sweep(SWEPT_AFTER)
        if forgotten:
            log.warning("deliveries outlived their events", deliveries=forgotten)
        return SWEPT_EVERY


async def planned_earlier(
    records: DeliveryRecords, found: Sequence[StoredRecord]
) -> Mapping[str, int]:
    """For plans that may be repetitions: the newest round of each that was planned before these."""
    since: dict[str, datetime] = {}
    wanted: dict[str, dict[str, int]] = {}
    for one in found:
        if may_repeat(one):
            record = one.record
            begun = record.logged_at - CLOCKS_APART
            since[record.trigger_id] = min(begun, since.get(record.trigger_id, begun))
            wanted.setdefault(record.trigger_id, {})[record.delivery_id] = record.round
    earlier: dict[str, int] = {}
    for trigger_id, begun in since.items():
        earlier |= await records.planned_before(trigger_id, begun, found[0].seq, wanted[trigger_id])
    return earlier


async def projected_page(
    transaction: ProjectionTransaction,
    found: Sequence[StoredRecord],
    earlier: Mapping[str, int],
) -> Projection:
    """What a page of records makes of the index, to be written."""
    known = await transaction.load({one.record.delivery_id for one in found})
    remembered = await transaction.begun(
        {one.record.delivery_id for one in found if is_remembered(one)}
    )
    for delivery_id, number in earlier.items():
        remembered[delivery_id] = max(number, remembered.get(delivery_id, 0))
    health = await transaction.health(
        {one.record.target_id for one in found if not isinstance(one.record, DeliveryPlanned)}
    )
    return project(found, known, remembered, health)


def _woken(projection: Projection) -> set[str]:
    """The targets that something waits for."""
    return {target_id for target_id, lane in projection.lanes.items() if lane.wake_at is not None}
