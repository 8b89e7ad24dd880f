"""A lane: the deliveries of one target in the hands of one replica, and when another may start.

It knows the target's limits, its breaker, what is in flight and what the answers said, and so says
how many attempts may start at an instant; it never knows the deliveries that wait. One replica
serves a target at a time, which is what makes all of it exact. What has to outlive that replica is
its ``LaneRecord``. No I/O, no clock, no chance of its own.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from .breaker import CLOSED, Breaker
from .rate import NOTHING_RESERVED, RateLimit, RateRecord, RateWindow

FIRST_PLACES = 2
"""Attempts at once until the endpoint has shown that it takes them."""
LONGEST_PAUSE = timedelta(hours=1)
"""A ``Retry-After`` pauses the whole lane no longer than this; its delivery waits longer."""


class AttemptEffect(StrEnum):
    """What an attempt that is over says of its endpoint."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It answered, and refused."""
    OVERLOADED = "overloaded"
    """A timeout, a 5xx or a connection that failed: as many at once may be too many."""
    GONE = "gone"
    """It wants no more of it."""
    UNJUDGED = "unjudged"
    """Nothing: it was never asked, or only this event was refused for good."""


class Standing(StrEnum):
    """How a lane's last attempt went, by which a process shares its places (``sharing``)."""

    PROVEN = "proven"
    UNKNOWN = "unknown"
    """There was none."""
    FAILING = "failing"


class Wait(StrEnum):
    """What a delivery waits for."""

    SCHEDULE = "schedule"
    """Its own next attempt is later."""
    BREAKER = "breaker"
    RATE = "rate"
    """The target's rate limit, or the receiver asked for a pause."""
    ORDER = "order"
    """An earlier event of its trigger."""


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """What a target's owner set, as of ``version``."""

    version: int
    concurrency: int
    rate: RateLimit | None = None
    is_ordered: bool = False


@dataclass(frozen=True, slots=True)
class LaneRecord:
    """What outlives a lane's owner.

    ``version`` is that of the target whose answers the breaker counts: another one is an edit,
    which half-opens it.
    """

    version: int = 0
    breaker: Breaker = CLOSED
    paused_until: datetime | None = None
    standing: Standing = Standing.UNKNOWN
    rate: RateRecord = NOTHING_RESERVED


@dataclass(slots=True, eq=False)
class Lane:
    """When another attempt of one target may start, from what has started and ended so far."""

    target_id: str
    limits: LaneLimits
    breaker: Breaker = CLOSED
    paused_until: datetime | None = None
    standing: Standing = Standing.UNKNOWN
    places: int = FIRST_PLACES
    rate: RateWindow | None = None
    in_flight: set[str] = field(default_factory=set)
    """Delivery ids."""
    beginning: set[str] = field(default_factory=set)
    """Those that are about to begin."""
    probe: str | None = None
    """The one delivery that is tried while the breaker is half-open."""

    @classmethod
    def taken_over(
        cls,
        target_id: str,
        limits: LaneLimits,
        record: LaneRecord,
        now: datetime,
        *,
        others_until: datetime,
    ) -> "Lane":
        """As its last owner left it; that one started nothing after ``others_until``."""
        rate = None
        if limits.rate is not None:
            rate = RateWindow.taken_over(limits.rate, record.rate, others_until)
        lane = cls(
            target_id,
            limits,
            breaker=record.breaker,
            paused_until=record.paused_until,
            standing=record.standing,
            places=min(FIRST_PLACES, limits.concurrency),
            rate=rate,
        )
        if record.version not in {0, limits.version}:
            lane.breaker = lane.breaker.half_opened(now)
        return lane

    def record(self, rate: RateRecord | None = None) -> LaneRecord:
        """What to store; ``rate`` is what the limit says is to be stored of it."""
        return LaneRecord(
            version=self.limits.version,
            breaker=self.breaker,
            paused_until=self.paused_until,
            standing=self.standing,
            rate=rate or NOTHING_RESERVED,
        )

    def free(self, now: datetime) -> int:
        """How many attempts may start now, as far as this target goes."""
        if self.breaker.is_open(now) or self._is_paused(now):
            return 0
        # Half-open, it is for the probe alone to say: what was in flight has to come back first.
        most = int(not self.in_flight) if self.is_probing(now) else self._room()
        return most if self.rate is None else min(most, self.rate.free(now))

    def is_probing(self, now: datetime) -> bool:
        """Whether the next attempt is the one that a half-open breaker lets through.

        It is to be that of the due delivery with the fewest attempts: an event that its receiver
        cannot take must not keep the breaker open for all others.
        """
        return self.breaker.is_half_open(now)

    def opens_at(self, now: datetime) -> datetime | None:
        """When time alone lets an attempt start; None while one has to come back first."""
        if not self._room():
            return None
        at = max(now, self.breaker.open_until or now, self.paused_until or now)
        if self.breaker.open_until is not None and self.in_flight:
            return None
        return at if self.rate is None else max(at, self.rate.next_free(now))

    def waits_for(self, now: datetime) -> Wait | None:
        """What keeps a delivery that is due from being tried, as far as this target goes."""
        if self.breaker.is_open(now) or (self.is_probing(now) and self.in_flight):
            return Wait.BREAKER
        if self._is_paused(now) or (self.rate is not None and self.rate.next_free(now) > now):
            return Wait.RATE
        return None

    def started(self, delivery_id: str, now: datetime) -> None:
        """An attempt is to begin at once: only where ``free`` says so."""
        if self.is_probing(now):
            self.probe = delivery_id
        self.in_flight.add(delivery_id)
        self.beginning.add(delivery_id)
        if self.rate is not None:
            self.rate.let_begin()

    def began(self, delivery_id: str, now: datetime) -> None:
        """It begins now, and counts for the rate from now on."""
        self.beginning.discard(delivery_id)
        if self.rate is not None:
            self.rate.began(now)

    def given_up(self, delivery_id: str) -> None:
        """What was started came to no attempt, for a reason of ours: it says nothing."""
        self._over(delivery_id)

    def ended(
        self,
        delivery_id: str,
        effect: AttemptEffect,
        now: datetime,
        draw: float,
        *,
        retry_after: timedelta | None = None,
    ) -> None:
        """An attempt is over; ``draw`` is at random, from 0 to below 1."""
        is_probe = self._over(delivery_id)
        match effect:
            case AttemptEffect.DELIVERED:
                self._succeeded()
            case AttemptEffect.GONE:
                self.breaker = self.breaker.gone(now)
            case AttemptEffect.FAILED | AttemptEffect.OVERLOADED:
                self.breaker = self.breaker.failed(now, draw, is_probe=is_probe)
            case AttemptEffect.UNJUDGED:
                return
        delivered = effect is AttemptEffect.DELIVERED
        self.standing = Standing.PROVEN if delivered else Standing.FAILING
        if effect is AttemptEffect.OVERLOADED:
            self.places = max(1, self.places // 2)
        if retry_after is not None:
            until = now + min(max(retry_after, timedelta()), LONGEST_PAUSE)
            self.paused_until = max(until, self.paused_until or until)

    def edited(self, limits: LaneLimits, now: datetime) -> None:
        """The target is another from now on: its endpoint deserves a look."""
        if limits.version != self.limits.version:
            self.breaker = self.breaker.half_opened(now)
        if limits.rate is None:
            self.rate = None
        elif self.rate is None:
            self.rate = RateWindow(limits.rate, beginning=len(self.beginning))
        elif limits.rate != self.limits.rate:
            self.rate = self.rate.changed(limits.rate)
        self.limits = limits
        self.places = min(self.places, limits.concurrency)

    def found_well(self, now: datetime) -> None:
        """A test of the target, past this lane, delivered."""
        self.breaker = self.breaker.half_opened(now)

    def _succeeded(self) -> None:
        if self.breaker.open_until is not None:
            # Whatever it could take before it failed, it begins anew.
            self.places = min(self.places, FIRST_PLACES)
        else:
            self.places = min(self.places + 1, self.limits.concurrency)
        self.breaker = self.breaker.succeeded()

    def _over(self, delivery_id: str) -> bool:
        self.in_flight.discard(delivery_id)
        if delivery_id in self.beginning:
            self.beginning.discard(delivery_id)
            if self.rate is not None:
                self.rate.given_up()
        is_probe = self.probe == delivery_id
        if is_probe:
            self.probe = None
        return is_probe

    def _room(self) -> int:
        return max(0, self.places - len(self.in_flight))

    def _is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and now < self.paused_until
