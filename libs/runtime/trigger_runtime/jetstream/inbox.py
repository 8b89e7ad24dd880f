"""Where answers come in: one subscription for all of them, and a subject of its own for each.

Used by ``reply_inbox`` and ``reader``.
"""

import asyncio
from collections.abc import Callable

from nats.aio.msg import Msg

from .client import FastClient


class Inbox:
    """``hear`` is called with each answer as it is read; see ``FastClient.listen``."""

    def __init__(self, client: FastClient, hear: Callable[[Msg], None]) -> None:
        self._client = client
        self._hear = hear
        self._prefix = ""
        self._asked = 0
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Subscribe, once; a reconnect renews it. Raises as ``listen`` does."""
        if self._prefix:
            return
        async with self._opening:
            if not self._prefix:
                prefix = self._client.new_inbox()
                await self._client.listen(f"{prefix}.*", self._hear)
                self._prefix = prefix

    def new_subject(self) -> str:
        """One that nobody was told before. Only once it is open."""
        self._asked += 1
        return f"{self._prefix}.{self._asked}"
