"""Memory for bodies that come in parts: one amount for all, and none of it for who stands still.

Everybody may send at once. When the memory is full and somebody would go on, the body that has
stood still for longest is given up; a trickle counts as standing still. The oldest body may
always go on, so that some body always comes to its end.
Invariant: the memory taken is at most the amount and one body's largest size.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

from trigger_contracts.errors import Code, refused

MAX_HELD_BYTES = 128 * 1024 * 1024
"""Four of the largest bodies."""
STILL_S = 1.5
"""A sender that brought less than ``LEAST_BYTES`` for so long stands still."""
LEAST_BYTES = 32 * 1024
"""At least 21 kB/s: a large body must arrive 25 times as fast to be in time."""
LOOK_S = 0.05
"""Between two looks of a body that waits for memory."""


class BodyShare:
    """The memory of one body."""

    def __init__(self, now: float) -> None:
        self.size = 0
        self.came_at: float | None = now
        """Since when its sender has brought next to nothing; None while it is not its turn."""
        self.is_lost = False
        self.on_lost: Callable[[], None] = _nobody
        self._counted = 0

    def is_complete(self) -> None:
        """Its sender has done all it had to."""
        self.came_at = None

    def came(self, count: int, now: float) -> None:
        self._counted += count
        if self._counted >= LEAST_BYTES:
            self._counted, self.came_at = 0, now


class BodyMemory:
    """The memory of all bodies of one process."""

    def __init__(self, limit: int = MAX_HELD_BYTES) -> None:
        self._limit = limit
        self._taken = 0
        self._all: dict[BodyShare, None] = {}

    @contextlib.contextmanager
    def body(self) -> Iterator[BodyShare]:
        """One more, for as long as it is in memory."""
        held = BodyShare(time.monotonic())
        self._all[held] = None
        try:
            yield held
        finally:
            self._release(held)

    async def add(self, held: BodyShare, count: int) -> None:
        """``count`` bytes more, as soon as there is room; raises ``Refused`` if it was given up."""
        held.came(count, time.monotonic())
        while not (held.is_lost or self._has_room(held, count)):
            held.came_at = None
            await asyncio.sleep(LOOK_S)
            held.came_at = time.monotonic()
        if held.is_lost:
            raise given_up()
        held.size += count
        self._taken += count

    def _has_room(self, held: BodyShare, count: int) -> bool:
        if self._taken + count > self._limit and held is not next(iter(self._all)):
            self._give_up_another(held)
            return self._taken + count <= self._limit
        return True

    def _give_up_another(self, held: BodyShare) -> None:
        still_since = time.monotonic() - STILL_S
        still = [
            (other.came_at, number, other)
            for number, other in enumerate(self._all)
            if other is not held and other.came_at is not None and other.came_at < still_since
        ]
        if still:
            victim = min(still)[2]
            self._release(victim)
            victim.is_lost = True
            victim.on_lost()

    def _release(self, held: BodyShare) -> None:
        if held in self._all:
            del self._all[held]
            self._taken -= held.size


def _nobody() -> None:
    """Nobody waits for it."""


def given_up() -> Exception:
    detail = f"less than {LEAST_BYTES} bytes came in {STILL_S:g} s, and others needed the memory"
    return refused(Code.BODY_TOO_SLOW, detail)
