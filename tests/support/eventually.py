"""Wait for a condition instead of sleeping: polls until it holds or its deadline passes."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL = 0.02
"""Seconds between two looks: short against what is waited for, long against a query."""


async def eventually(
    condition: Callable[[], T | Awaitable[T]],
    *,
    within: float = 10.0,
    poll: float = POLL,
    what: str | None = None,
) -> T:
    """Return the first truthy value of ``condition`` (plain or async).

    An exception counts as "not yet", so an assertion or a query on a server that is still coming
    up may stand in the condition; the last one is shown when the deadline passes.
    """
    deadline = time.monotonic() + within
    looks = 0
    while True:
        looks += 1
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
        if time.monotonic() >= deadline:
            last = f"raised {error!r}" if error else f"was {value!r}"
            msg = f"not within {within:g} s: {what or _named(condition)}; look {looks} {last}"
            raise AssertionError(msg) from error
        await asyncio.sleep(poll)


def _named(condition: Callable[..., object]) -> str:
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):
        return repr(condition)
