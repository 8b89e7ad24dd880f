"""What may become of an attempt, of a round of attempts, and of a delivery: the fixed words."""

from enum import StrEnum


class Outcome(StrEnum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Its address is not allowed: nothing was sent."""


class FailureCode(StrEnum):
    """Why an attempt did not deliver."""

    STATUS = "status"
    """The receiver answered, and not with 2xx."""
    TIMEOUT = "timeout"
    DNS = "dns"
    REFUSED = "refused"
    RESET = "reset"
    TLS = "tls"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    BLOCKED = "blocked"
    NO_STREAM = "no-stream"
    """A durable NATS target whose subject no stream stores."""


class Final(StrEnum):
    """How a round ended."""

    DELIVERED = "delivered"
    DEAD = "dead"
    BLOCKED = "blocked"


class Reason(StrEnum):
    """Why a round ended dead."""

    EXHAUSTED = "exhausted"
    FINAL_STATUS = "final-status"
    REFUSED_BY_RECEIVER = "refused-by-receiver"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    TARGET_DELETED = "target-deleted"
    EVENT_LOST = "event-lost"


class DeliveryState(StrEnum):
    """Where a delivery stands: where its newest round does."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    BLOCKED = "blocked"


class DeliveryChange(StrEnum):
    """What a command about a delivery came to."""

    PLANNED = "planned"
    """A round begins, or has begun by the same wish before."""
    DUE_NOW = "due-now"
    """Its round goes on, and its next attempt may begin."""
    CANCELLED = "cancelled"
    UNCHANGED = "unchanged"
    """It stands elsewhere than whoever asked had seen."""
