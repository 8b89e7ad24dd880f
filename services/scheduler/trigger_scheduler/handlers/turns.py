"""Commands whose payload schema takes long to compile wait for their turn, and nobody for them.

A thousand such commands take half a minute, and whoever's edit came behind them would wait as
long. So what is cheap is answered as it comes, and the slow ones are kept in hand, made ready
one by one in slices of time with pauses, and answered after each slice: the senders that the
quotas tell apart in turns. Commands of a trigger keep their order: what follows a slow one of
its trigger waits behind it. What cannot have its turn in time is turned away: it is a dead
letter, its sender is told, and it may be sent again or redriven.
Invariant: each command that comes in is settled once, or turned away once, and none before is
acknowledged; with this process the queue is gone, and all that waits comes again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

from trigger_contracts import schema_time
from trigger_contracts.commands import CreateTrigger, UpdateTrigger
from trigger_contracts.errors import Refused
from trigger_runtime.process.loops import Loop
from trigger_scheduler.domain.quotas import sender_of
from trigger_scheduler.domain.turn_queue import TurnQueue, WaitingCommand

from .answering import CommandMessage, request_of
from .command_cases import Request
from .target_cases import TargetRequest

SLICE_S = 0.05
"""Time for compiling at a stretch; the last schema of a slice may take 40 ms more."""
MERGED_S = 0.02
"""What a schema is taken to take that a merge patch makes: it is compiled where that is decided. So
is one that could not be compiled."""
MAX_AT_ONCE = 50
"""Commands of a slice: one transaction."""
TURN_TIMEOUT_S = 10.0
"""A command waits no longer for its turn: less than what makes ``/ready`` fail."""
SETTLED_S = 1.0
"""A slice that takes longer to settle has waited for a server."""

_MAY_NAME_A_SCHEMA = (b"payload_schema", b"\\u")


class KeptMessage(CommandMessage, Protocol):
    """A command in hand that may be answered later than the batch that it came with."""

    def keep(self) -> None: ...


_Message = TypeVar("_Message", bound=KeptMessage)


class SlowLast(Generic[_Message]):
    """The handler of commands: hands on at once what is cheap, and the rest in turns."""

    def __init__(
        self,
        settle: Callable[[list[_Message]], Awaitable[None]],
        turn_away: Callable[[Sequence[tuple[_Message, str]]], Awaitable[None]],
        *,
        monotonic: Callable[[], float],
        on_unready: Callable[[int, Exception], None],
    ) -> None:
        """``settle`` answers commands and acknowledges them; ``turn_away`` dead-letters each for
        the reason given, tells its sender to come again, and acknowledges it. Neither raises.
        ``on_unready`` is told where a command is stored whose schema could not be compiled.
        """
        self._settle = settle
        self._turn_away = turn_away
        self._monotonic = monotonic
        self._on_unready = on_unready
        self.loop = Loop("slow commands", self.one_pass)
        self._queue: TurnQueue[_Message] = TurnQueue()
        self._away_s = 0.0
        """For how long nothing could be settled: nobody's time to wait ends by that."""

    @property
    def waiting(self) -> int:
        """Commands that wait, or have their turn."""
        return len(self._queue)

    async def __call__(self, batch: Sequence[_Message]) -> None:
        """Settle what is cheap, and keep the rest."""
        cheap: list[_Message] = []
        refused: list[_Message] = []
        slow: list[WaitingCommand[_Message]] = []
        for message in batch:
            if not self._may_wait(message):
                cheap.append(message)
                continue
            request = self._slow(message)
            if request is None:
                cheap.append(message)
            elif self._queue.is_full:
                refused.append(message)
            else:
                slow.append(self._keep(message, request))
            await asyncio.sleep(0)  # Looking at a schema takes up to a millisecond.
        await self._refuse(refused, "too many commands with payload schemas wait")
        if cheap:
            await self._settle(cheap)
        # Only now: a cheap one of the same trigger may have come before.
        for command in slow:
            self._queue.line_up(command, since=self._monotonic() - self._away_s)
        if slow:
            self.loop.wake()

    async def one_pass(self) -> timedelta | None:
        """One slice; returns the pause after it, None where nothing waits."""
        began, spent = self._monotonic(), 0.0
        ready: list[WaitingCommand[_Message]] = []
        late: list[WaitingCommand[_Message]] = []
        while self._queue.has_next and spent < SLICE_S and len(ready) < MAX_AT_ONCE:
            command, since = self._queue.next()
            if began - self._away_s - since > TURN_TIMEOUT_S:
                late.append(command)
                continue
            spent += self._made_ready(command)
            ready.append(command)
            await asyncio.sleep(0)  # Others' turn, after each.
        await self._refuse([one.message for one in late], "no time for its payload schema")
        if ready:
            started = self._monotonic()
            await self._settle([one.message for one in ready])
            self._away_s += max(0.0, self._monotonic() - started - SETTLED_S)
        for command in (*late, *ready):
            self._queue.remove(command)
        if not self._queue.has_next:
            return None
        return timedelta(seconds=spent * schema_time.PAUSE_FOR_EACH_S)

    def _made_ready(self, command: WaitingCommand[_Message]) -> float:
        """Compile its schema, if that is known; the seconds that it takes, here or later."""
        if command.merges:
            return MERGED_S
        try:
            return schema_time.make_ready(command.schema, self._monotonic)
        except Exception as error:  # noqa: BLE001 - told, and deciding on it fails by itself
            self._on_unready(command.message.stream_seq, error)
            return MERGED_S

    def _may_wait(self, message: _Message) -> bool:
        return self.waiting > 0 or any(part in message.payload for part in _MAY_NAME_A_SCHEMA)

    def _slow(self, message: _Message) -> Request | None:
        """The command, if it has to wait."""
        try:
            request = request_of(message)
        except Refused:
            return None
        if isinstance(request, TargetRequest):
            return None
        if self._queue.holds(request.trigger_id) or is_slow(request):
            return request
        return None

    def _keep(self, message: _Message, request: Request) -> WaitingCommand[_Message]:
        message.keep()
        schema, merges = _schema_of(request)
        command = WaitingCommand(message, request.trigger_id, len(message.payload), schema, merges)
        self._queue.add(command, sender_of(request.command.actor))
        return command

    async def _refuse(self, messages: Sequence[_Message], reason: str) -> None:
        if messages:
            await self._turn_away([(message, reason) for message in messages])


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
