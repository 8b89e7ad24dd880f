"""Commands as they arrive: parsed here, answered by the handler, replied to.

What is not a command (not JSON, an unknown version, wrong fields) is a dead letter and a
problem to whoever waits for an answer; it never hinders the batch it came with, also where its
letter cannot be written.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from trigger_contracts import strict_json, topology
from trigger_contracts.commands import (
    CommandDone,
    CreateTarget,
    CreateTrigger,
    DeliveryCommand,
    FireTrigger,
    TargetCommand,
    TargetDone,
    accepted_at,
    command_id,
    parse_command,
    target_id_of,
    trigger_id_of,
)
from trigger_contracts.dead_letters import DeadLetterSink, Delivered
from trigger_contracts.errors import Code, Problem, Refused, problem, refused
from trigger_contracts.results import ResultSender, inbox_of
from trigger_contracts.subjects import Verb
from trigger_runtime.dead_letters.each import dead_letter_each

from .command_cases import Request
from .commands import CommandHandler
from .target_cases import TargetRequest
from .target_commands import TargetCommandHandler

AnyRequest = Request | TargetRequest

MAX_DEFERRALS = 8
"""Times that a command waits for one before it: with their pauses, many ack waits."""


class CommandMessage(Delivered, Protocol):
    """A message in hand."""

    @property
    def delivered_count(self) -> int: ...


TURN_AFTER = 10
"""Commands read at a stretch: what is due meanwhile does not wait for a batch of large ones."""

_Message = TypeVar("_Message", bound=CommandMessage)


class AnswerCommands:
    """The use case behind the command subscriber."""

    stream = topology.SCHEDULER_COMMANDS.stream.name

    def __init__(
        self,
        handler: CommandHandler,
        targets: TargetCommandHandler,
        results: ResultSender,
        dead_letters: DeadLetterSink,
        on_answered: Callable[[str], None],
    ) -> None:
        """``on_answered`` is told how a command was: done, refused, failed and so on."""
        self._handler = handler
        self._targets = targets
        self._results = results
        self._dead_letters = dead_letters
        self._answered = on_answered
        self._turn = asyncio.Lock()
        """What quotas are counted by is read and written in one round, not in two at once."""

    async def __call__(self, batch: Sequence[_Message]) -> Sequence[_Message]:
        accepted: list[tuple[_Message, AnyRequest]] = []
        unreadable: list[tuple[_Message, Problem]] = []
        for place, delivery in enumerate(batch, 1):
            try:
                accepted.append((delivery, request_of(delivery)))
            except Refused as refusal:
                unreadable.append((delivery, refusal.problem))
            if place % TURN_AFTER == 0:
                await asyncio.sleep(0)
        later = await self._refuse(unreadable)
        async with self._turn:
            answers = await self._in_order([request for _, request in accepted])
        for (delivery, request), answer in zip(accepted, answers, strict=True):
            if answer is None:
                later.append(delivery)
            elif isinstance(answer, Problem):
                self._answered("refused")
                named = answer.model_copy(update={"request_id": request.command_id})
                await self._reply(delivery, named)
            else:
                self._answered("done")
                await self._reply(delivery, answer)
        return later

    async def _in_order(
        self, requests: Sequence[AnyRequest]
    ) -> list[CommandDone | TargetDone | Problem | None]:
        """Those about triggers and those about targets in turns: one may name what another made."""
        answers: list[CommandDone | TargetDone | Problem | None] = []
        for is_of_target, group in groupby(requests, lambda one: isinstance(one, TargetRequest)):
            together = list(group)
            if is_of_target:
                answers += await self._targets.answer(
                    [one for one in together if isinstance(one, TargetRequest)]
                )
            else:
                answers += await self._handler.answer(
                    [one for one in together if isinstance(one, Request)]
                )
        return answers

    async def give_up(self, delivery: CommandMessage, reason: str) -> None:
        """Dead-letter a command that fails by itself, and tell whoever waits for its result."""
        await self._dead_letters.dead_letter(self.stream, delivery, reason)
        self._answered("failed")
        try:
            command_id = request_of(delivery).command_id
        except Refused:
            command_id = None
        told = problem(Code.INTERNAL, "the command cannot be applied: it is a dead letter now")
        await self._reply(delivery, told.model_copy(update={"request_id": command_id}))

    async def turn_away(self, delivery: CommandMessage, reason: str) -> None:
        """Dead-letter a command that there is no time for, and tell whoever waits to come again."""
        detail = f"{reason}: send it again later, or as another command"
        await self._dead_letters.dead_letter(self.stream, delivery, detail)
        self._answered("turned away")
        command_id = request_of(delivery).command_id
        told = problem(Code.UNAVAILABLE, detail)
        await self._reply(delivery, told.model_copy(update={"request_id": command_id}))

    async def _refuse(self, unreadable: Sequence[tuple[_Message, Problem]]) -> list[_Message]:
        """Dead-letter them and tell their senders; those for which that fails come again."""
        left = await dead_letter_each(
            partial(self._dead_letters.dead_letter, self.stream),
            [(one, _reason(why)) for one, why in unreadable],
        )
        again = {id(delivery) for delivery in left}
        for delivery, why in unreadable:
            if id(delivery) not in again:
                self._answered("unreadable")
                await self._reply(delivery, why)
        return left

    async def _reply(self, delivery: CommandMessage, answer: BaseModel) -> None:
        subject = inbox_of(delivery.headers)
        if subject is not None:
            await self._results.send(subject, answer.model_dump_json().encode())


def _reason(problem: Problem) -> str:
    fields = "".join(f"; {error.pointer}: {error.message}" for error in problem.errors)
    return f"{problem.code}: {problem.detail}{fields}"


def request_of(delivery: CommandMessage) -> AnyRequest:
    """The command in a delivery; raises ``Refused``."""
    if len(delivery.payload) > topology.MAX_COMMAND_BYTES:
        raise refused(Code.BODY_TOO_LARGE, f"larger than {topology.MAX_COMMAND_BYTES} bytes")
    fields: Any = strict_json.parse(delivery.payload)
    command = parse_command(Verb(delivery.subject.rpartition(".")[2]), fields)
    if isinstance(command, FireTrigger | DeliveryCommand):
        raise refused(Code.INVALID, "the executor answers such commands")
    stored_at = delivery.stored_at
    accepted = accepted_at(command, stored_at)
    own_id = command_id(
        command, delivery.headers.get("Nats-Msg-Id"), delivery.stream_seq, stored_at
    )
    seq, deferrable = delivery.stream_seq, delivery.delivered_count <= MAX_DEFERRALS
    if isinstance(command, TargetCommand):
        if isinstance(command, CreateTarget):
            target_id = target_id_of(command, own_id, accepted)
        else:
            target_id = command.target_id
        return TargetRequest(command, own_id, target_id, seq, deferrable=deferrable)
    if isinstance(command, CreateTrigger):
        trigger_id = trigger_id_of(command, own_id, accepted)
    else:
        trigger_id = command.trigger_id
    return Request(command, own_id, trigger_id, accepted, seq, deferrable=deferrable)
