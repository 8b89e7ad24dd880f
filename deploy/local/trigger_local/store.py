"""The broker's files that must be there while it runs, and who removed one that is not.

A deleted stream has no folder, and so has one whose folder was removed under the server: this one
the server still serves, acknowledging what nobody finds again. So it is asked.
"""

import asyncio
import contextlib
from collections.abc import Collection
from pathlib import Path

from trigger_admin import yesterday
from trigger_admin.installation import Installation, admin_connection, take_note
from trigger_contracts.topology import PLATFORM_ACCOUNT

ASK_TIMEOUT = 5.0
"""Seconds for the broker, and then for the database."""

SETTLED = 0.2
"""Seconds: a stream that is being made or deleted has no folder for a moment, or is not there."""


def folders(nats_folder: Path) -> Collection[Path]:
    """Those that are there: of all streams, which the server makes itself, and of each one."""
    root = nats_folder / "store" / "jetstream"
    streams = root / PLATFORM_ACCOUNT / "streams"
    return [root, *streams.glob("*/msgs")]


async def removed_under_it(target: Installation, folder: Path) -> bool:
    """Whether the server still has what lay in one of these. Raises where it does not say.

    How far its streams are is noted once more: this is the last time that it is known.
    """
    if folder.name != "msgs":
        return True
    async with asyncio.timeout(ASK_TIMEOUT), admin_connection(target) as client:
        for pause in (SETTLED, 0):
            if (await yesterday.streams(client)).get(folder.parent.name) is None:
                return False
            await asyncio.sleep(pause)
            if await asyncio.to_thread(folder.exists):
                return False
        with contextlib.suppress(Exception):  # the loss of what was noted earlier is said as well
            await take_note(target, client)
    return True
