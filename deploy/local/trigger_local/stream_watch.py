"""What the supervisor has done about streams and tables while the platform runs.

It notes how far the streams are, says what they have lost since the last note, and has a database
made anew that was removed. Never raises: whatever is wrong is said, and looked at again.
"""

import asyncio
from collections.abc import Callable

import asyncpg

from trigger_admin.errors import StreamsLostError, TablesGoneError
from trigger_admin.installation import Installation
from trigger_admin.provision import provision, watch

from .policy import LastSaid

LOOK_TIMEOUT = 5.0


class StreamWatch:
    """Looks at the streams of one platform, and remembers what it has said of them."""

    def __init__(self, target: Installation, say: Callable[[str], None]) -> None:
        self._target = target
        self._say = say
        self._lost: LastSaid[list[str]] = LastSaid([])
        self._not_made: LastSaid[str | None] = LastSaid(None)
        """Why the database could not be made anew."""
        self._stopping = False

    def stop(self) -> None:
        """Make nothing anew any more: the servers stop soon."""
        self._stopping = True

    async def look(self) -> bool:
        """Note how far the streams are, or say what they have lost since the last note.

        False where a server does not answer.
        """
        try:
            async with asyncio.timeout(LOOK_TIMEOUT):
                lost = await watch(self._target, self._say)
        except (asyncpg.InvalidCatalogNameError, TablesGoneError):
            return await self._make_anew()
        except Exception:  # noqa: BLE001 (a server is away, and comes back; the next look is soon)
            return False
        if self._lost.is_new(lost) and lost:
            self._say(str(StreamsLostError(lost, self._target.options)))
        return True

    async def _make_anew(self) -> bool:
        """The database was removed while all runs: what it had is made anew from the streams."""
        if self._stopping:
            return False
        try:
            await provision(self._target, self._say)
        except Exception as why:  # noqa: BLE001 (said, and tried again at the next look)
            if self._not_made.is_new(str(why)):
                self._say(f"The database is gone and cannot be made anew: {why}")
            return False
        self._not_made.is_new(None)
        return True
