"""Commands that wait for their turn: whose is next, and what has to wait behind whom.

Senders have their turns one after the other, and commands of a trigger keep their order: what
follows one that waits waits in the same queue, whoever sent it. Pure; instants are arguments.
Invariant: what was added is counted, and what follows of its trigger waits, until ``remove``.
"""

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

MAX_COMMANDS = 1_000
MAX_BYTES = 32 * 1024 * 1024
"""Held in memory, and kept from others by a message each third of the ack wait."""

_Message = TypeVar("_Message")


@dataclass(frozen=True, slots=True)
class WaitingCommand(Generic[_Message]):
    """A command in hand that is not answered yet."""

    message: _Message
    trigger_id: str
    size: int
    """In bytes."""
    schema: Any
    """The payload schema that it names."""
    merges: bool
    """It is merged into a stored schema: what that makes is known only when it is decided."""


class TurnQueue(Generic[_Message]):
    """The queues of all senders, in the order of their turns."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[tuple[WaitingCommand[_Message], float]]] = (
            OrderedDict()
        )
        """By sender; whose turn is next comes first."""
        self._sender_of: dict[str, str] = {}
        """In which queue the commands of a trigger wait, or are in hand."""
        self._of_trigger: Counter[str] = Counter()
        self._bytes = 0

    def __len__(self) -> int:
        """Commands that wait, or have their turn."""
        return self._of_trigger.total()

    @property
    def is_full(self) -> bool:
        return len(self) >= MAX_COMMANDS or self._bytes >= MAX_BYTES

    @property
    def has_next(self) -> bool:
        return bool(self._queues)

    def holds(self, trigger_id: str) -> bool:
        """Whether a command of this trigger is here, or has its turn."""
        return trigger_id in self._of_trigger

    def add(self, command: WaitingCommand[_Message], sender: str) -> None:
        """What follows of its trigger waits from here on; its turn comes after ``line_up``."""
        self._sender_of.setdefault(command.trigger_id, sender)
        self._of_trigger[command.trigger_id] += 1
        self._bytes += command.size

    def line_up(self, command: WaitingCommand[_Message], since: float) -> None:
        """It waits for its turn from now on, the last of its queue."""
        queue = self._queues.setdefault(self._sender_of[command.trigger_id], deque())
        queue.append((command, since))

    def next(self) -> tuple[WaitingCommand[_Message], float]:
        """The first of whose turn it is, and since when it waits.

        Its sender is the last to have another one.
        """
        sender, queue = next(iter(self._queues.items()))
        first = queue.popleft()
        self._queues.move_to_end(sender)
        if not queue:
            del self._queues[sender]
        return first

    def remove(self, command: WaitingCommand[_Message]) -> None:
        """Its turn is over: it was answered, or turned away."""
        self._bytes -= command.size
        self._of_trigger[command.trigger_id] -= 1
        if not self._of_trigger[command.trigger_id]:
            del self._of_trigger[command.trigger_id], self._sender_of[command.trigger_id]
