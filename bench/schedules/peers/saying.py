"""What a peer's program tells the bench, and how a client keeps many creations in flight."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

IN_FLIGHT = 64
"""As many as the platform's own client has."""


def created(seconds: float) -> None:
    print(f"created {seconds:.6f}", flush=True)


def ready() -> None:
    print("ready", flush=True)


async def in_flight(create: Callable[[int, int], Awaitable[object]], firsts: Iterable[int]) -> None:
    """``create(number, first_ms)`` of each, ``IN_FLIGHT`` at a time."""
    waiting = iter(enumerate(firsts))

    async def one_after_the_other() -> None:
        for number, first_ms in waiting:
            await create(number, first_ms)

    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
