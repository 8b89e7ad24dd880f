"""Wait for a condition instead of sleeping: polls until it holds or its deadline passes."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL = 0.02
"""Seconds between two looks: short against what is waited for."""
SHARE = 8
"""Pauses are at least so many times as long as a look: what asks the platform keeps it busy."""
LONGEST_PAUSE = 0.2
"""Seconds: whatever a look costs, what came about is seen soon."""


async def eventually(
    condition: Callable[[], T | Awaitable[T]],
    *,
    within: float = 10.0,
    poll: float | None = None,
    what: str | None = None,
) -> T:
    """Return the first truthy value of ``condition`` (plain or async).

    An exception counts as "not yet", so an assertion or a query on a server that is still coming
    up may stand in the condition; the last one is shown when the deadline passes. Between two looks
    are ``poll`` seconds, else 0.02 s, and more where a look takes long.
    """
    deadline = time.monotonic() + within
    looks = 0
    while True:
        looks += 1
        began = time.monotonic()
        error: BaseException | None = None
        value: object = None
        try:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
        except Exception as raised:  # noqa: BLE001 (whatever it is, it is shown at the deadline)
            error = raised
        if error is None and value:
            return value  # type: ignore[return-value]
        ended = time.monotonic()
        if ended >= deadline:
            last = f"raised {error!r}" if error else f"was {value!r}"
            msg = f"not within {within:g} s: {what or _named(condition)}; look {looks} {last}"
            raise AssertionError(msg) from error
        pause = min(max(POLL, SHARE * (ended - began)), LONGEST_PAUSE)
        await asyncio.sleep(pause if poll is None else poll)


def _named(condition: Callable[..., object]) -> str:
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):
        return repr(condition)
