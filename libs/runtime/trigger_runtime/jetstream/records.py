"""Stored records that cannot be read: passed over, and seen.

Whoever reads a log finds what its owner wrote, and perhaps what an administrator, a later version
or a damaged disk left there. Such a record concerns its own subject alone: what was last said
there before it still holds. It is counted, and named in the log by its place, never quoted.
``etp records`` lists and removes them.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import UNREADABLE_RECORDS

from .backwards import ForwardReader, read_before
from .reader import StoredMessage

log = get_logger(__name__)

LOOKED_AT_ONCE = 50
"""Records before an unreadable one that are read together: mostly the first is readable."""
PLACES_REMEMBERED = 10_000
"""Each is named once; beyond these the oldest is named again when it is met again."""

Record = TypeVar("Record")

_named: OrderedDict[tuple[str, int], None] = OrderedDict()


def pass_over(stream: str, message: StoredMessage, why: str) -> None:
    """Count a record that cannot be read, and name it once; ``why`` quotes nothing of it."""
    place = (stream, message.seq)
    if place in _named:
        return
    _named[place] = None
    if len(_named) > PLACES_REMEMBERED:
        _named.popitem(last=False)
    UNREADABLE_RECORDS.labels(stream).inc()
    log.error(
        "a record cannot be read and is passed over",
        stream=stream,
        stream_seq=message.seq,
        subject=message.subject,
        why=why,
        remove=f"etp records remove {stream} {message.seq}",
    )


async def last_readable(
    reader: ForwardReader,
    subject: str,
    seq: int | None,
    read: Callable[[StoredMessage], Record | None],
) -> Record | None:
    """A subject's newest record below ``seq`` (None: of all) that ``read`` can read, if any."""
    while True:
        page = await read_before(reader, seq, subject, LOOKED_AT_ONCE)
        for message in page:
            record = read(message)
            if record is not None:
                return record
        if len(page) < LOOKED_AT_ONCE:
            return None
        seq = page[-1].seq
