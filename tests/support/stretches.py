"""How much of a kind of work is done at a stretch, before others have their turn."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any


class Stretches:
    """``longest``: calls of what is counted, between two turns of another task."""

    def __init__(self) -> None:
        self.calls = 0
        self.longest = 0
        self._current = 0

    def counting(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """``work``, each of whose calls is counted."""

        def counted(*args: Any, **options: Any) -> Any:
            self.calls += 1
            self._current += 1
            self.longest = max(self.longest, self._current)
            return work(*args, **options)

        return counted

    async def take_turns(self) -> None:
        """The other task."""
        while True:
            self._current = 0
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def stretches() -> AsyncIterator[Stretches]:
    """Beside a task that is always ready to have its turn."""
    made = Stretches()
    other = asyncio.create_task(made.take_turns())
    await asyncio.sleep(0)
    try:
        yield made
    finally:
        other.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await other
