"""Create many triggers in one request: all of them, or by wish those that are acceptable.

Every definition is checked before the first is published, in slices, so that fires on the same
gateway do not wait. Under an idempotency key each definition has a command id of its own, made
of the key and its place, and all are decided as of the moment that was claimed first: repeated,
the request finds the same acceptable and the scheduler answers each as it did.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from trigger_api.domain.triggers import bulk, creates
from trigger_api.domain.triggers.bulk import BulkCreated, Checked
from trigger_api.ports.commands import PartlyStored
from trigger_api.ports.targets import KnownTargets
from trigger_contracts.bulk_body import RawDefinition
from trigger_contracts.commands import CommandDone
from trigger_contracts.errors import Code, Problem, Refused, problem, refused
from trigger_contracts.idempotency import CreateClaim, read_claim
from trigger_contracts.subjects import Verb
from trigger_runtime.process.errors import DatabaseUnavailable

from .command_ports import CommandPorts

SLICE_COST = 20_000
"""What is checked at a stretch, as ``bulk.cost`` counts: 2 ms of small definitions."""

COMPILING_S = 5.0
"""For the schemas of a request that take long: 200 of the worst, thousands of large ones. The
scheduler compiles them once more, and answers none of them later than it may."""

_TOO_COSTLY = (
    f"its payload schemas take more than {COMPILING_S:.0f} s to compile: "
    "send the definitions in several requests"
)


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """What is asked for, and by whom."""

    split: Callable[[], Iterator[RawDefinition]]
    """Finds the definitions in the body; called again if they must be checked again."""
    actor: str
    key_id: str
    key: str | None = None
    partial: bool = False
    """Create what is acceptable although something is not."""


class BulkCreates:
    """Checks all definitions of a request, then publishes creates of those that are accepted."""

    def __init__(self, ports: CommandPorts, targets: KnownTargets) -> None:
        self._ports = ports
        self._targets = targets

    async def create(self, request: BulkRequest) -> BulkCreated:
        """Raises ``Refused`` for the request as a whole: then nothing was created by it."""
        if request.key is None:
            checked = await self._check(request, self._ports.new_id(), self._ports.clock.now())
            await self._check_targets(checked, request)
            _must_be_acceptable(checked, request)
        else:
            checked = await self._keyed(request, creates.request_id(request.key_id, request.key))
        try:
            results = await self._ports.commands.ask_each(
                Verb.CREATE, [ready.body for ready in checked.ready], self._ports.new_id()
            )
        except PartlyStored as stored:
            raise Refused(_interrupted(stored.count, checked, request)) from stored
        for result in results:
            if isinstance(result, CommandDone):
                self._ports.definitions.forget(result.trigger_id)
        return bulk.created(checked, results)

    async def _keyed(self, request: BulkRequest, root: str) -> Checked:
        """Checked as of the moment at which the key was claimed, with what it was claimed for."""
        store_key = creates.store_key(root)
        found = await self._ports.claims.find(store_key)
        while True:
            first = None if found is None else read_claim(CreateClaim, found)
            accepted_at = self._ports.clock.now() if first is None else first.accepted_at
            checked = await self._check(request, root, accepted_at)
            mine = checked.claim(accepted_at)
            if first is not None and first.body_hash != mine.body_hash:
                detail = "this Idempotency-Key created other definitions"
                raise refused(Code.IDEMPOTENCY_MISMATCH, detail)
            if first is None:
                await self._check_targets(checked, request)
            # What is refused uses up no key.
            _must_be_acceptable(checked, request)
            if first is not None:
                return checked
            found = await self._ports.claims.reserve(store_key, mine.model_dump_json().encode())
            if read_claim(CreateClaim, found) == mine:
                return checked

    async def _check_targets(self, checked: Checked, request: BulkRequest) -> None:
        """What the scheduler would find in the end, found while still nothing is created."""
        if request.partial or not checked.naming:
            return
        named = {target for *_, targets in checked.naming.values() for target in targets}
        try:
            existing = await self._targets.existing(named)
        except DatabaseUnavailable:
            return
        checked.refuse_without(existing)

    async def _check(self, request: BulkRequest, root: str, accepted_at: datetime) -> Checked:
        checked, cost, compiling_s = Checked(), 0, 0.0
        for piece in request.split():
            compiling_s += await self._ports.schemas.ready(bulk.schema_in(piece))
            if compiling_s > COMPILING_S:
                raise refused(Code.BODY_TOO_LARGE, _TOO_COSTLY)
            checked.take(piece, root, accepted_at, request.actor)
            cost += bulk.cost(piece)
            if cost >= SLICE_COST:
                cost = 0
                await asyncio.sleep(0)
        return checked


def _must_be_acceptable(checked: Checked, request: BulkRequest) -> None:
    if not checked.count:
        raise refused(Code.INVALID, "there is no definition in it", pointer="")
    if checked.refusals and not request.partial:
        raise Refused(bulk.nothing_created(checked))


def _interrupted(stored: int, checked: Checked, request: BulkRequest) -> Problem:
    detail = (
        f"the broker does not answer any more: of {len(checked.ready)} definitions at least "
        f"{stored} are stored and will be created, the others may be; "
    )
    if request.key is None:
        detail += "repeated without an Idempotency-Key, the request creates them again"
    else:
        detail += "repeated under its Idempotency-Key, the request creates each of them once"
    return problem(Code.UNAVAILABLE, detail)
