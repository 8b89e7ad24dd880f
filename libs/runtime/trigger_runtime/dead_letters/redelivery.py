"""The original of a dead letter, as a message in hand that is handled once more.

To a use case it looks like any delivery. What would be dead-lettered again is noted in it instead:
whoever redrives writes the letter anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from trigger_contracts.dead_letters import original_of
from trigger_contracts.events import DeadLetter

LAST_COUNT = 1_000_000
"""As if it had been delivered so often: nobody waits any more for what may still come."""


@dataclass(slots=True)
class Redelivery:
    """A dead letter's original in hand. ``reason`` says why it failed, None if it did not."""

    subject: str
    payload: bytes = field(repr=False)
    headers: Mapping[str, str]
    stream_seq: int
    stored_at: datetime
    delivered_count: int = LAST_COUNT
    reason: str | None = None

    def fail(self, reason: str) -> None:
        """It cannot be handled this time either."""
        self.reason = reason


def redelivery_of(letter: DeadLetter) -> Redelivery:
    original = original_of(letter)
    return Redelivery(
        subject=original.subject,
        payload=original.body,
        headers=original.headers,
        stream_seq=original.stream_seq,
        stored_at=original.stored_at,
    )
