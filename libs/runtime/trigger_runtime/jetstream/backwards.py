"""Reads a stream from its end: the broker itself reads forwards only.

How many messages follow a sequence is asked instead, until a place is found that as many as are
wanted follow. Where the stream has no gaps that is the first guess; over gaps of any size it
takes a logarithm of questions. What arrives or expires meanwhile makes a guess worse and never an
answer wrong.
"""

from typing import Protocol

from .reader import StoredMessage

_STRIDE = 8
"""Times as far, after each guess that was too near: nine guesses over a hundred million."""


class ForwardReader(Protocol):
    """Reads a stream; ``reader.StreamReader`` is one."""

    async def last_seq(self) -> int: ...
    async def count_from(self, seq: int, subject: str) -> int: ...
    async def after(self, seq: int, subject: str, limit: int) -> list[StoredMessage]: ...


async def read_before(
    reader: ForwardReader, seq: int | None, subject: str, limit: int
) -> list[StoredMessage]:
    """Up to ``limit`` messages of a subject filter below ``seq`` (None: all), the newest first.

    Fewer than ``limit`` means that these are all there are.
    """
    end = await reader.last_seq() + 1 if seq is None else seq
    found: list[StoredMessage] = []
    while end > 1 and len(found) < limit:
        wanted = limit - len(found)
        start, count = await _start(reader, end, subject, wanted)
        if count:
            page = await reader.after(start - 1, subject, count)
            found += [message for message in reversed(page) if message.seq < end][:wanted]
        # Had some expired since they were counted, there are others before them.
        end = start
    return found


async def _start(reader: ForwardReader, end: int, subject: str, wanted: int) -> tuple[int, int]:
    """A sequence with ``wanted`` messages between it and ``end``, or 1; and how many there are."""
    behind = await reader.count_from(end, subject)
    width, near = wanted, end
    while True:
        start = max(1, end - width)
        count = await reader.count_from(start, subject) - behind
        if count >= wanted or start == 1:
            break
        near = start
        width *= _STRIDE
    # Too many: between ``start`` and ``near``, which too few follow, is the place.
    while count > wanted and near - start > 1:
        middle = (start + near) // 2
        of_middle = await reader.count_from(middle, subject) - behind
        if of_middle >= wanted:
            start, count = middle, of_middle
        else:
            near = middle
    return start, max(0, count)
