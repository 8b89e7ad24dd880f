"""An event loop whose time is a number: waiting takes none, and every run is the same.

For parts that touch nothing outside the process. A coroutine that waits for what never comes fails
at once, where a real one would hang.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class NothingToWaitFor(AssertionError):  # noqa: N818 - named for the state
    """All tasks wait, and no timer will ever wake one."""


class _Selector(selectors.DefaultSelector):
    """Instead of waiting it moves the loop's time."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise NothingToWaitFor
        self.loop.seconds += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its ``time`` begins at 1,000 seconds."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.seconds


def run_virtually(work: Coroutine[Any, Any, _Result]) -> _Result:
    """What the coroutine returns, run in no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
