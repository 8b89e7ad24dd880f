"""The log as it grows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from trigger_api.domain.live_tail.tail_position import LogState


@dataclass(frozen=True, slots=True)
class Logged:
    """A message of the log of record, as it is stored."""

    seq: int
    body: bytes | None
    """None of what is for others: nothing that this tail shows."""
    delivery: str | None = None
    """The subject of a record of a delivery, or of a change of a target's health; None of all
    else.
    """


class EventStream(Protocol):
    """The log of record as it grows. Every method raises ``BrokerUnavailable``."""

    async def state(self) -> LogState:
        """How far it is, as its leader knows it."""
        ...

    async def after(self, seq: int) -> Sequence[Logged]:
        """What was stored next after ``seq``, a page at most; empty only if there is nothing."""
        ...

    async def listen(self, hint: Callable[[], None]) -> None:
        """``hint`` whenever something may have been stored, until ``unlisten``."""
        ...

    async def unlisten(self) -> None: ...


class TailMeter(Protocol):
    """Counts what befalls live tails."""

    def reading(self, readers: int) -> None:
        """So many follow the log."""
        ...

    def dropped(self) -> None:
        """A reader was ended because it was too slow."""
        ...

    def passed_over(self) -> None:
        """A message for others lay between the events."""
        ...

    def unreadable(self, seq: int) -> None:
        """What is stored there is no event of the log."""
        ...
