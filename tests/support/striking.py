"""A real process that gets a signal at exactly the point asked for, once.

The fault is the tests' own, the product knows nothing of it. A module of points for each service:
``faulty_scheduler``, ``faulty_executor``.
"""

import inspect
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

Strike = Callable[[type, str, Callable[..., bool], signal.Signals], None]
Point = tuple[Strike, type, str, Callable[..., bool]]

_struck: list[signal.Signals] = []


def strike_at(points: Mapping[str, Point], point: str, number: str) -> None:
    """Have this process get the signal of that name once it comes to the point."""
    strike, owner, method, when = points[point]
    strike(owner, method, when, signal.Signals[number])


def _strikes(number: signal.Signals) -> None:
    """Once: a process that was stopped and resumed works on without the fault."""
    if not _struck:
        _struck.append(number)
        os.kill(os.getpid(), number)


def after(owner: type, name: str, when: Callable[..., bool], number: signal.Signals) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    async def struck(self: Any, *arguments: Any) -> Any:
        result = await original(self, *arguments)
        if when(*arguments):
            _strikes(number)
        return result

    setattr(owner, name, struck)


def before(owner: type, name: str, when: Callable[..., bool], number: signal.Signals) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    async def struck(self: Any, *arguments: Any) -> Any:
        if when(*arguments):
            _strikes(number)
        return await original(self, *arguments)

    def struck_at_once(self: Any, *arguments: Any) -> Any:
        if when(*arguments):
            _strikes(number)
        return original(self, *arguments)

    is_awaited = inspect.iscoroutinefunction(original)
    setattr(owner, name, struck if is_awaited else struck_at_once)


def always(*_: Any) -> bool:
    return True
