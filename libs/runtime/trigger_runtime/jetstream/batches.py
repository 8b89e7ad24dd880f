"""How much is written at once: messages cut into batches, in their order.

Pure. ``publisher`` cuts all that it is given; whoever has to do something between two batches of
many messages cuts them before, into smaller ones.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .message import Message

MAX_BATCH = 1000
"""The broker's limit on messages in an atomic batch (ADR-50)."""
MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Of the payloads of one atomic batch: the broker holds it in memory until its last message."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What is written at once, at most. A message larger than that is written by itself."""

    messages: int = MAX_BATCH
    payload_bytes: int = MAX_BATCH_BYTES


WHOLE = BatchLimits()
"""As much as the broker takes well."""


def cut(messages: Iterable[Message], limits: BatchLimits = WHOLE) -> Iterator[list[Message]]:
    """The fewest batches within the limits; none is empty. Asks for a message as it is needed."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        if len(batch) == limits.messages or (
            batch and size + len(message.payload) > limits.payload_bytes
        ):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.payload)
    if batch:
        yield batch
