"""Stores what was read of a batch, and finds what the database refuses."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from trigger_retention.ports import Inserted, RowsRefused

_Read = TypeVar("_Read")
_Message = TypeVar("_Message")


async def store_in_halves(
    store: Callable[[Sequence[_Read]], Awaitable[Inserted]],
    readable: Sequence[tuple[_Read, _Message]],
    dead: list[tuple[_Message, str]],
) -> Inserted:
    """Store all; what the database refuses is found by halving and added to ``dead``."""
    if not readable:
        return Inserted(stored=0)
    try:
        return await store([read for read, _ in readable])
    except RowsRefused as refused:
        if len(readable) == 1:
            dead.append((readable[0][1], str(refused)))
            return Inserted(stored=0)
    middle = len(readable) // 2
    return await store_in_halves(store, readable[:middle], dead) + await store_in_halves(
        store, readable[middle:], dead
    )
