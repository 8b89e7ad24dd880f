"""Replay many events: those that pass a filter, the oldest first, or only count them.

They are read and stored a few at a time, so memory holds a few whatever they carry, and each is
checked as one that is replayed alone. Under an idempotency key all repetitions of a request mean
what was logged before the first, and each event's replay has a key of its own, made of the
request's: so a repetition goes on where the one before ended, and replays nothing twice.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trigger_api.domain.encoding import encoded
from trigger_api.domain.log import replays
from trigger_api.domain.log.replays import (
    MAX_REPLAYS,
    Origin,
    ReplaysAccepted,
    ReplaysCounted,
    Tally,
)
from trigger_api.domain.queries import LogFilter
from trigger_api.domain.triggers.fires import FireRequest, event_id_of
from trigger_api.domain.triggers.traces import FireTrace, Route
from trigger_api.handlers.fires import Fires
from trigger_api.handlers.traces import FireTraces
from trigger_api.ports.commands import Commands, IdempotencyKeys, PartlyStored
from trigger_api.ports.log import LogViews
from trigger_api.ports.process import Clock
from trigger_contracts.errors import Code, Refused, refused
from trigger_contracts.idempotency import ReplayClaim, read_claim
from trigger_contracts.subjects import Verb
from trigger_runtime.process.errors import DatabaseUnavailable, DependencyUnavailable

SLICE = 100
"""Events checked at a stretch, 2 to 5 ms of small ones, and then stored together."""

ACCEPTED = 202
"""Of each replay, as if it were asked for alone."""

INTERRUPTED = 503
"""Of each of which it is not known whether it is stored."""

_TICK = timedelta(microseconds=1)
"""Between the instants of two replays: the log shows them in the order of their origins."""


@dataclass(frozen=True, slots=True)
class BulkReplay:
    """What is asked for, and by whom."""

    wanted: LogFilter
    actor: str
    key_id: str
    key: str | None = None


class BulkReplays:
    """Counts the events that pass a filter, or fires each again, the oldest first."""

    def __init__(
        self,
        *,
        views: LogViews,
        fires: Fires,
        commands: Commands,
        claims: IdempotencyKeys,
        clock: Clock,
        traces: FireTraces | None = None,
    ) -> None:
        self._traces = traces
        self._views = views
        self._fires = fires
        self._commands = commands
        self._claims = claims
        self._clock = clock

    async def count(self, request: BulkReplay) -> ReplaysCounted:
        """What ``replay`` would do now; nothing is stored, and no key is used up."""
        wanted = replays.logged_before(request.wanted, self._clock.now())
        await self._must_be_few(wanted)
        tally = Tally()
        async for origins in self._slices(wanted):
            fires = _fires(origins, request, None, tally)
            for found in await asyncio.gather(*(self._fires.verdict(fire) for fire in fires)):
                if found is None:
                    tally.replayable += 1
                else:
                    tally.refuse(found)
        return ReplaysCounted(count=tally.count, replayable=tally.replayable, refused=tally.refused)

    async def replay(self, request: BulkReplay) -> ReplaysAccepted:
        """Raises ``Refused``, also where a part is stored: then it says how many are."""
        root = None if request.key is None else replays.request_id(request.key_id, request.key)
        wanted, received_at, count = await self._begin(request, root)
        tally, at = Tally(), received_at
        try:
            async for origins in self._slices(wanted):
                fires = _fires(origins, request, root, tally, self._traces)
                at = max(at, self._clock.now())
                await self._store(fires, at, tally)
                at += len(fires) * _TICK
        except DependencyUnavailable as error:
            unread = isinstance(error, DatabaseUnavailable)
            if unread and not tally.count:
                raise  # nothing was begun
            away = "the database" if unread else "the broker"
            keyed = request.key is not None
            raise replays.interrupted(tally, count, away, keyed=keyed) from error
        return ReplaysAccepted(count=tally.count, replayed=tally.replayable, refused=tally.refused)

    async def _begin(
        self, request: BulkReplay, root: str | None
    ) -> tuple[LogFilter, datetime, int]:
        """What is meant, when that was asked for first, and how many events it is now.

        A request that is refused uses up no key.
        """
        mine = replays.claim_for(request.wanted, self._clock.now())
        found = None if root is None else await self._claims.find(replays.store_key(root))
        first = mine if found is None else _same(found, mine)
        wanted = replays.logged_before(request.wanted, first.received_at)
        count = await self._must_be_few(wanted)
        if root is not None and found is None:
            own = mine.model_dump_json().encode()
            first = _same(await self._claims.reserve(replays.store_key(root), own), mine)
            wanted = replays.logged_before(request.wanted, first.received_at)
        return wanted, first.received_at, count

    async def _must_be_few(self, wanted: LogFilter) -> int:
        total = await self._views.count(wanted, exactly=MAX_REPLAYS)
        if total.rows > MAX_REPLAYS:
            raise replays.too_many(total.rows, exact=total.exact)
        return total.rows

    async def _slices(self, wanted: LogFilter) -> AsyncIterator[Sequence[Origin]]:
        """The events meant, a few at a time; at most ``MAX_REPLAYS``, whatever arrives late."""
        last, left = None, MAX_REPLAYS
        while left and (read := await self._views.origins(wanted, last, left)):
            left -= len(read)
            for start in range(0, len(read), SLICE):
                yield read[start : start + SLICE]
            last = read[-1]

    async def _store(self, fires: Sequence[FireRequest], at: datetime, tally: Tally) -> None:
        prepared = await asyncio.gather(
            *(self._fires.prepare(fire, at + n * _TICK) for n, fire in enumerate(fires)),
            return_exceptions=True,
        )
        ready: list[tuple[str, bytes]] = []
        traced: list[tuple[int, FireTrace]] = []
        ttl: timedelta | None = None
        for n, (fire, one) in enumerate(zip(fires, prepared, strict=True)):
            try:
                if isinstance(one, BaseException):
                    raise one
                command_id, command = one
                ready.append((command_id, encoded(command)))
                if fire.trace is not None and fire.trace.becomes(
                    event_id_of(fire, command_id, at + n * _TICK)
                ):
                    traced.append((len(ready), fire.trace))
                # Under one key they were accepted at about the same time: the shortest is for all.
                ttl = _shorter(ttl, self._fires.life_left(command))
            except Refused as refusal:
                tally.refuse(refusal.problem)
                self._end(fire.trace, refusal.problem.status)
        publishing_at = self._clock.now()
        try:
            await self._commands.store_each(Verb.FIRE, ready, ttl=ttl)
        except PartlyStored as stored:
            tally.replayable += stored.count
            self._end_each(traced, stored.count, publishing_at)
            raise
        tally.replayable += len(ready)
        self._end_each(traced, len(ready), publishing_at)

    def _end_each(
        self, traced: Sequence[tuple[int, FireTrace]], stored: int, publishing_at: datetime
    ) -> None:
        """Of commands by their place, from 1; the first ``stored`` are certainly stored.

        The others may be, so their events need a root as well.
        """
        published_at = self._clock.now()
        for place, trace in traced:
            trace.publishing_at = publishing_at
            if place <= stored:
                trace.published_at = published_at
            self._end(trace, ACCEPTED if place <= stored else INTERRUPTED)

    def _end(self, trace: FireTrace | None, status: int) -> None:
        if trace is not None and self._traces is not None:
            self._traces.end(trace, status)


def _fires(
    origins: Sequence[Origin],
    request: BulkReplay,
    root: str | None,
    tally: Tally,
    traces: FireTraces | None = None,
) -> list[FireRequest]:
    """The fires that repeat ``origins``, of those that can be."""
    fires: list[FireRequest] = []
    for origin in origins:
        key = None if root is None else replays.part_key(root, origin)
        try:
            fire = replays.replay(origin, request.actor, key)
            if traces is not None:
                fire = replace(fire, trace=_begun(traces, origin))
            fires.append(fire)
        except Refused as refusal:
            tally.refuse(refusal.problem)
    return fires


def _begun(traces: FireTraces, origin: Origin) -> FireTrace:
    trace = traces.begin(Route.REPLAYS, origin.trigger_id)
    trace.replay_of = str(origin.event_id)
    return trace


def _same(found: bytes, mine: ReplayClaim) -> ReplayClaim:
    """The claim that holds; raises ``Refused`` if it is another request's."""
    first = read_claim(ReplayClaim, found)
    if first.filter_hash != mine.filter_hash:
        detail = "this Idempotency-Key replayed what another filter means"
        raise refused(Code.IDEMPOTENCY_MISMATCH, detail)
    return first


def _shorter(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    return other if one is None else one if other is None else min(one, other)
