"""Deliver events again, or give up what waits: one command for each delivery, named with its round.

Nothing is decided here: what the views say may be old, and a command that is wrong by then does
nothing. Many deliveries are read and stored a page at a time; under an idempotency key each page is
claimed before it is stored, so that a repetition sends the same commands, and goes on where the one
before ended.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from trigger_api.domain.deliveries import again
from trigger_api.domain.deliveries.again import (
    MAX_DELIVERIES,
    DeliveriesAccepted,
    DeliveriesCounted,
    DeliveryTally,
    RedeliveryAccepted,
)
from trigger_api.domain.deliveries.queries import DeliveryFilter, DeliveryQuery
from trigger_api.domain.encoding import encoded
from trigger_api.ports.commands import PartlyStored
from trigger_api.ports.deliveries import DeliveryViews
from trigger_api.ports.targets import KnownTargets
from trigger_contracts.errors import Code, Refused, refused
from trigger_contracts.events import EntryStatus
from trigger_contracts.idempotency import ClaimedDelivery, DeliveriesClaim, read_claim
from trigger_contracts.subjects import Verb
from trigger_runtime.process.errors import DatabaseUnavailable, DependencyUnavailable

from .command_ports import CommandPorts
from .lookup import Lookup
from .triggers import envelope

PAGE = 500
"""Deliveries read, claimed and stored at once."""


@dataclass(frozen=True, slots=True)
class DeliveriesWish:
    """Who asks for what, and under which idempotency key, if any."""

    verb: Verb
    actor: str
    key_id: str
    key: str | None = None

    @property
    def root(self) -> str | None:
        """The same for all requests under the key."""
        return None if self.key is None else again.request_id(self.key_id, self.key, self.verb)


class Redeliveries:
    """Of one event, and of all deliveries that pass a filter."""

    def __init__(
        self,
        ports: CommandPorts,
        views: DeliveryViews,
        lookup: Lookup,
        targets: KnownTargets,
    ) -> None:
        self._ports = ports
        self._views = views
        self._lookup = lookup
        self._targets = targets

    async def event(
        self, event_id: str, targets: tuple[str, ...] | None, wish: DeliveriesWish
    ) -> RedeliveryAccepted:
        """Raises ``Refused``, and then nothing is stored."""
        own_hash = again.request_hash("event", event_id, targets)
        claim = await self._claimed(wish.root, 0, own_hash)
        if claim is None:
            claim = await self._of_event(event_id, targets, own_hash)
            claim = await self._reserved(wish.root, 0, claim)
        await self._store(wish, claim.deliveries, DeliveryTally())
        return RedeliveryAccepted(
            event_id=claim.deliveries[0].event_id,
            deliveries=tuple(map(again.asked_of, claim.deliveries)),
        )

    async def count(self, wanted: DeliveryFilter) -> DeliveriesCounted:
        """How many ``change`` would be about now; nothing is stored, and no key is used up."""
        return DeliveriesCounted(count=await self._few(wanted))

    async def change(self, wanted: DeliveryFilter, wish: DeliveriesWish) -> DeliveriesAccepted:
        """Raises ``Refused``, also where a part is stored: then it says how many are."""
        own_hash = again.request_hash("many", wanted.model_dump(mode="json", exclude_none=True))
        if await self._claimed(wish.root, 0, own_hash) is None:
            await self._few(wanted)
        tally = DeliveryTally()
        try:
            async for deliveries in self._pages(wanted, wish.root, own_hash):
                await self._store(wish, await self._deliverable(wish, deliveries, tally), tally)
        except DependencyUnavailable as error:
            is_unread = isinstance(error, DatabaseUnavailable)
            if is_unread and not tally.count:
                raise  # nothing was begun
            away = "the database" if is_unread else "the broker"
            raise again.interrupted(tally, away) from error
        return DeliveriesAccepted(count=tally.count, accepted=tally.accepted, refused=tally.refused)

    async def _few(self, wanted: DeliveryFilter) -> int:
        count = await self._views.number_of(wanted, MAX_DELIVERIES)
        if count > MAX_DELIVERIES:
            raise again.too_many()
        return count

    async def _of_event(
        self, event_id: str, targets: tuple[str, ...] | None, own_hash: str
    ) -> DeliveriesClaim:
        event = await self._lookup.event(event_id)
        if event.status is not EntryStatus.FIRED:
            detail = f"the event was {event.status}: only what fired is delivered"
            raise refused(Code.INVALID, detail)
        rows = await self._views.of_event(UUID(event_id))
        deliveries = again.of_event(str(event.id), event.trigger_id, rows, targets)
        of_tests = {row.target_id for row in rows if row.is_test}
        named = {one.target_id for one in deliveries} - of_tests
        missing = named - await self._targets.existing(named)
        if missing and targets is not None:
            raise Refused(again.missing_targets(targets, missing))
        left = tuple(one for one in deliveries if one.target_id not in missing)
        if not left:
            detail = "none of its targets is there any more: name others"
            raise refused(Code.UNKNOWN_TARGET, detail, pointer="/targets")
        return DeliveriesClaim(request_hash=own_hash, deliveries=left)

    async def _pages(
        self, wanted: DeliveryFilter, root: str | None, own_hash: str
    ) -> AsyncIterator[Sequence[ClaimedDelivery]]:
        """The deliveries meant, a page at a time; at most ``MAX_DELIVERIES``, whatever comes to
        match meanwhile.
        """
        fields = wanted.model_dump(by_alias=True, exclude_none=True)
        cursor, left, page = None, MAX_DELIVERIES, 0
        while left:
            claim = await self._claimed(root, page, own_hash)
            if claim is None:
                query = DeliveryQuery.model_validate(
                    {**fields, "limit": min(PAGE, left), "cursor": cursor}
                )
                listed = await self._views.deliveries(query)
                claim = DeliveriesClaim(
                    request_hash=own_hash,
                    deliveries=tuple(map(again.named, listed.rows)),
                    cursor=listed.next_cursor,
                )
                claim = await self._reserved(root, page, claim)
            if claim.deliveries:
                yield claim.deliveries
            if claim.cursor is None:
                return
            cursor, page = claim.cursor, page + 1
            left -= len(claim.deliveries)

    async def _claimed(self, root: str | None, page: int, own_hash: str) -> DeliveriesClaim | None:
        if root is None:
            return None
        found = await self._ports.claims.find(again.store_key(root, page))
        return None if found is None else again.same(read_claim(DeliveriesClaim, found), own_hash)

    async def _reserved(
        self, root: str | None, page: int, mine: DeliveriesClaim
    ) -> DeliveriesClaim:
        """The page as whoever was first has seen it."""
        if root is None:
            return mine
        found = await self._ports.claims.reserve(
            again.store_key(root, page), mine.model_dump_json().encode()
        )
        return again.same(read_claim(DeliveriesClaim, found), mine.request_hash)

    async def _deliverable(
        self, wish: DeliveriesWish, deliveries: Sequence[ClaimedDelivery], tally: DeliveryTally
    ) -> Sequence[ClaimedDelivery]:
        """Those whose targets are there; what waits for another one ends by itself."""
        if wish.verb is Verb.CANCEL:
            return deliveries
        there = await self._targets.existing({one.target_id for one in deliveries})
        for one in deliveries:
            if one.target_id not in there:
                tally.refuse(Code.UNKNOWN_TARGET)
        return [one for one in deliveries if one.target_id in there]

    async def _store(
        self, wish: DeliveriesWish, deliveries: Sequence[ClaimedDelivery], tally: DeliveryTally
    ) -> None:
        root, now = wish.root, self._ports.clock.now()
        ready: list[tuple[str, bytes]] = []
        for one in deliveries:
            own_id = self._ports.new_id() if root is None else again.part_id(root, one)
            command = again.command_of(wish.verb, one, envelope(own_id, now, wish.actor))
            if command is None:
                tally.refuse(Code.INVALID)
            else:
                ready.append((own_id, encoded(command)))
        try:
            await self._ports.commands.store_each(wish.verb, ready)
        except PartlyStored as stored:
            tally.accepted += stored.count
            raise
        tally.accepted += len(ready)
