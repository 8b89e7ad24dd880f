"""A figure of work that was not done exactly is worth nothing: scenarios fail loudly."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class BenchFailed(Exception):  # noqa: N818
    """What was measured is not what should have happened."""


def expect(condition: bool, what: str) -> None:  # noqa: FBT001
    """Unlike ``assert``, also under ``python -O``."""
    if not condition:
        raise BenchFailed(what)


def expect_equal(found: object, wanted: object, what: str) -> None:
    expect(found == wanted, f"{what}: {found}, not {wanted}")


async def until(
    condition: Callable[[], Awaitable[bool]], *, within: float, what: str, every: float = 0.05
) -> None:
    """Wait for ``condition``; fails after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not await condition():
        expect(time.monotonic() < deadline, f"not within {within:g} s: {what}")
        await asyncio.sleep(every)
