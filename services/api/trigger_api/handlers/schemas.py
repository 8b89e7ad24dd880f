"""Payload schemas that take long to compile, one after the other, beside everything else.

The engine holds the process for up to 40 ms a schema. A hundred at once, of one client, would
hold up every other request for seconds: so each waits here for its turn, and after each turn all
others have theirs. Whoever cannot have one soon is told to come again; nothing is stored by then.
Asked by every use case that is about to need a schema; what is compiled costs it a look-up.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from trigger_contracts import schema_time
from trigger_contracts.errors import Code, Refused, problem

MOST_WAITING = 200
TURN_TIMEOUT_S = 10.0
"""For a turn."""


class SchemaTurns:
    """The queue for compiling: one schema at a time, others' turn after each."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def ready(self, schema: Any, key: bytes | None = None) -> float:
        """Until ``schema`` is compiled, or its refusal known; the seconds that it took.

        Raises ``Refused`` if there is no time for it.
        """
        if not schema_time.takes_long(schema, key):
            return 0.0
        if self._waiting >= MOST_WAITING:
            raise _no_time()
        self._waiting += 1
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                await self._turn.acquire()
        except TimeoutError:
            raise _no_time() from None
        finally:
            self._waiting -= 1
        try:
            spent = schema_time.make_ready(schema, self._monotonic)
            await asyncio.sleep(spent * schema_time.PAUSE_FOR_EACH_S)
        finally:
            self._turn.release()
        return spent


def _no_time() -> Refused:
    detail = "too many payload schemas that take long to compile wait: come again"
    return Refused(problem(Code.UNAVAILABLE, detail))
