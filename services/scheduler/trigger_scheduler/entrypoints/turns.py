"""Commands whose payload schema takes long to compile wait for their turn, and nobody for them.

A thousand such commands take half a minute, and whoever's edit came behind them would wait as
long. So what is cheap is answered as it comes, and the slow ones are kept in hand, made ready
one by one in slices of time with pauses, and answered after each slice: the senders that the
quotas tell apart in turns. Commands of a trigger keep their order: what follows a slow one of
its trigger waits behind it. What cannot have its turn in time is turned away: it is a dead
letter, its sender is told, and it may be sent again or redriven.
Invariant: each command that comes in is settled once, here or by ``settle``, and none that is
not settled is acknowledged; with this process the queue is gone, and all of it comes again.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from trigger_contracts import schema_time
from trigger_contracts.commands import CreateTrigger, UpdateTrigger
from trigger_contracts.errors import Refused
from trigger_runtime.consuming.consumer import BatchHandler
from trigger_runtime.consuming.delivery import Delivery
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.loops import Loop
from trigger_scheduler.domain.quotas import sender_of
from trigger_scheduler.handlers.answering import request_of
from trigger_scheduler.handlers.command_cases import Request

log = get_logger(__name__)

SLICE_S = 0.05
"""Time for compiling at a stretch; the last schema of a slice may take 40 ms more."""
MERGED_S = 0.02
"""What a schema is taken to take that a merge patch makes: it is compiled where that is decided. So
is one that could not be compiled."""
MOST_AT_ONCE = 50
"""Commands of a slice: one transaction."""
TURN_TIMEOUT_S = 10.0
"""A command waits no longer for its turn: less than what makes ``/ready`` fail."""
SETTLED_S = 1.0
"""A slice that takes longer to settle has waited for a server."""
MOST_WAITING = 1_000
MOST_WAITING_BYTES = 32 * 1024 * 1024
"""Held in memory, and kept from others by a message each third of the ack wait."""
RETRY = timedelta(seconds=1)
"""Before a command comes again that could not be turned away."""

_MAY_NAME_A_SCHEMA = (b"payload_schema", b"\\u")

TurnAway = Callable[[Delivery, str], Awaitable[None]]
"""Makes a command a dead letter for the reason given, and tells its sender to come again."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    trigger_id: str
    schema: Any
    merges: bool
    since: float


class SlowLast:
    """The handler of the command subscriber; see the module's docstring."""

    def __init__(
        self,
        settle: BatchHandler,
        turn_away: TurnAway,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._settle = settle
        self._turn_away = turn_away
        self._monotonic = monotonic
        self.loop = Loop("slow commands", self.one_pass)
        self._queues: OrderedDict[str, deque[_Waiting]] = OrderedDict()
        """By sender; whose turn is next comes first."""
        self._where: dict[str, str] = {}
        """In which queue the commands of a trigger wait, or are in hand."""
        self._of_trigger: Counter[str] = Counter()
        self._bytes = 0
        self._away_s = 0.0
        """For how long nothing could be settled: nobody's time to wait ends by that."""

    @property
    def waiting(self) -> int:
        """Commands that wait, or have their turn."""
        return self._of_trigger.total()

    async def __call__(self, batch: list[Delivery]) -> None:
        """Settle what is cheap, and keep the rest."""
        cheap: list[Delivery] = []
        crowded: list[Delivery] = []
        slow: list[tuple[Delivery, Request]] = []
        for delivery in batch:
            if not self._may_wait(delivery):
                cheap.append(delivery)
                continue
            request = self._slow(delivery)
            if request is None:
                cheap.append(delivery)
            elif self.waiting < MOST_WAITING and self._bytes < MOST_WAITING_BYTES:
                self._keep(delivery, request)
                slow.append((delivery, request))
            else:
                crowded.append(delivery)
            await asyncio.sleep(0)  # Looking at a schema takes up to a millisecond.
        await self._refuse(crowded, "too many commands with payload schemas wait")
        if cheap:
            await self._settle(cheap)
        # Only now: a cheap one of the same trigger may have come before.
        for delivery, request in slow:
            self._line_up(delivery, request)
        if slow:
            self.loop.wake()

    async def one_pass(self) -> timedelta | None:
        """One slice; returns the pause after it, None where nothing waits."""
        began, spent = self._monotonic(), 0.0
        ready: list[_Waiting] = []
        late: list[_Waiting] = []
        while self._queues and spent < SLICE_S and len(ready) < MOST_AT_ONCE:
            one = self._next()
            if began - self._away_s - one.since > TURN_TIMEOUT_S:
                late.append(one)
                continue
            spent += self._made_ready(one)
            ready.append(one)
            await asyncio.sleep(0)  # Others' turn, after each.
        await self._refuse([one.delivery for one in late], "no time for its payload schema")
        if ready:
            started = self._monotonic()
            await self._settle([one.delivery for one in ready])
            self._away_s += max(0.0, self._monotonic() - started - SETTLED_S)
        for one in (*late, *ready):
            self._forget(one)
        return timedelta(seconds=spent * schema_time.PAUSE_FOR_EACH_S) if self._queues else None

    def _made_ready(self, one: _Waiting) -> float:
        """Compile what one asks for, if it is known; the seconds that it takes, here or later."""
        if one.merges:
            return MERGED_S
        try:
            return schema_time.make_ready(one.schema, self._monotonic)
        except Exception:
            # Deciding on it fails by itself, which is counted and answered.
            log.exception("schema not made ready", stream_seq=one.delivery.stream_seq)
            return MERGED_S

    def _may_wait(self, delivery: Delivery) -> bool:
        return bool(self._of_trigger) or any(one in delivery.payload for one in _MAY_NAME_A_SCHEMA)

    def _slow(self, delivery: Delivery) -> Request | None:
        """The command, if it has to wait."""
        try:
            request = request_of(delivery)
        except Refused:
            return None
        if request.trigger_id in self._of_trigger or is_slow(request):
            return request
        return None

    def _keep(self, delivery: Delivery, request: Request) -> None:
        """From here on what follows of its trigger waits, too."""
        delivery.keep()
        self._where.setdefault(request.trigger_id, sender_of(request.command.actor))
        self._of_trigger[request.trigger_id] += 1
        self._bytes += len(delivery.payload)

    def _line_up(self, delivery: Delivery, request: Request) -> None:
        schema, merges = _schema_of(request)
        since = self._monotonic() - self._away_s
        queue = self._queues.setdefault(self._where[request.trigger_id], deque())
        queue.append(_Waiting(delivery, request.trigger_id, schema, merges, since))

    def _next(self) -> _Waiting:
        """The first of whose turn it is; its sender is the last to have another one."""
        sender, queue = next(iter(self._queues.items()))
        one = queue.popleft()
        self._queues.move_to_end(sender)
        if not queue:
            del self._queues[sender]
        return one

    def _forget(self, one: _Waiting) -> None:
        self._bytes -= len(one.delivery.payload)
        self._of_trigger[one.trigger_id] -= 1
        if not self._of_trigger[one.trigger_id]:
            del self._of_trigger[one.trigger_id], self._where[one.trigger_id]

    async def _refuse(self, deliveries: Sequence[Delivery], reason: str) -> None:
        # At once, so that their dead letters travel in one batch.
        await asyncio.gather(*(self._refuse_one(delivery, reason) for delivery in deliveries))

    async def _refuse_one(self, delivery: Delivery, reason: str) -> None:
        try:
            await self._turn_away(delivery, reason)
        except Exception:
            log.exception("command not turned away", stream_seq=delivery.stream_seq)
            await delivery.nak(RETRY)
        else:
            await delivery.ack()


def is_slow(request: Request) -> bool:
    """Whether deciding on a command may compile a schema for long."""
    schema, merges = _schema_of(request)
    return merges or schema_time.takes_long(schema)


def _schema_of(request: Request) -> tuple[Any, bool]:
    """The payload schema that a command names, and whether it is merged into a stored one.

    What a merge makes depends on what is stored then, so that it may take long.
    """
    match request.command:
        case CreateTrigger():
            return request.command.definition.get("payload_schema"), False
        case UpdateTrigger(patch=None):
            return (request.command.definition or {}).get("payload_schema"), False
        case UpdateTrigger():
            schema = (request.command.patch or {}).get("payload_schema")
            return schema, isinstance(schema, dict)
        case _:
            return None, False
