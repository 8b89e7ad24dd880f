"""One attempt to deliver an event to a target: what it is made of, and what came of it.

Values alone. An attempt knows nothing of its lane: which round it is in, when the next one may
begin and whether there is one are for those who asked for it to say (``retrying``).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason
from trigger_contracts.targets.changes import SigningSecret
from trigger_contracts.targets.fields import TargetDefinition


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to make.

    ``definition`` and ``secrets`` are those of the target's newest version, with their secrets
    sealed for ``target_id``. ``number`` counts from 1 in its round. ``event`` is the CloudEvent,
    byte for byte as its stream has it. ``is_sampled``: the event's trace is.
    """

    event_id: str
    target_id: str
    definition: TargetDefinition
    secrets: tuple[SigningSecret, ...]
    number: int
    is_test: bool
    event: bytes
    is_sampled: bool = False


@dataclass(frozen=True, slots=True)
class Attempted:
    """A request was made, or refused before a packet was sent (``blocked``): it counts.

    Times are whole milliseconds, None for what it did not get to: ``dns_ms`` for the name (0 where
    it was known), ``connect_ms`` for TCP and TLS (None on a connection that was open already),
    ``first_byte_ms`` from the start of the attempt to the first byte of the answer. ``origin`` is
    scheme, host and port, or a NATS target's subject. ``excerpt`` holds no secret of the target.

    ``final`` and ``reason`` say what the answer alone ends: None where another attempt may follow.
    ``retry_after_s`` is what a 429 or 503 asked for, at most an hour: the delivery and its whole
    lane wait so long. ``is_gone``: the receiver wants nothing for now (410, or
    ``webhook-delivery: disable``).
    """

    started_at: datetime
    duration_ms: int
    outcome: Outcome
    origin: str
    code: FailureCode | None = None
    status: int | None = None
    address: str | None = None
    dns_ms: int | None = None
    connect_ms: int | None = None
    first_byte_ms: int | None = None
    excerpt: str | None = None
    retry_after_s: int | None = None
    final: Final | None = None
    reason: Reason | None = None
    is_gone: bool = False

    @property
    def ended_at(self) -> datetime:
        """From when the delay before the next attempt is counted."""
        return self.started_at + timedelta(milliseconds=self.duration_ms)


class Cause(StrEnum):
    """What of ours was in the way of an attempt."""

    BROKER = "broker"
    """It is away, or the connection to it broke before an answer came."""
    NAME_SERVERS = "name-servers"
    """None of them answers, whatever the name."""
    SEALED = "sealed"
    """A secret that no key of ours opens."""
    MACHINE = "machine"
    """No file, port or memory for a connection."""
    ORIGIN_BUSY = "origin-busy"
    """As many attempts as may be are in flight to this scheme, host and port."""


@dataclass(frozen=True, slots=True)
class NotAttempted:
    """The receiver had no part in it: nothing is counted, and the delivery is tried again soon."""

    cause: Cause


SendResult = Attempted | NotAttempted
