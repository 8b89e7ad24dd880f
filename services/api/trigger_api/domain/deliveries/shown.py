"""What the gateway shows of deliveries and their attempts: the bodies of its answers.

Of a URL nothing is here but its origin: its path may be a secret.
"""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trigger_api.domain.schemas import EventDetail
from trigger_contracts.deliveries.outcomes import (
    DeliveryState,
    FailureCode,
    Final,
    Outcome,
    Reason,
)

from .waiting import WaitsFor

_FROZEN = ConfigDict(frozen=True, from_attributes=True)


class DeliveryShown(BaseModel):
    """One event to one target, as its newest round stands."""

    model_config = _FROZEN

    id: UUID
    event_id: UUID
    trigger_id: str
    target_id: str
    state: DeliveryState
    reason: Reason | None = Field(description="Why it is dead.")
    round: int = Field(description="Above 1 once it was delivered again.")
    attempt_count: int = Field(description="Attempts of this round so far.")
    next_attempt_at: AwareDatetime | None = Field(
        description="When it may be tried next; null once it has ended."
    )
    waits_for: WaitsFor | None = Field(
        default=None,
        description="Why it is not tried now: its schedule, its target's breaker, a rate limit or "
        "a pause that the receiver asked for, or the order of its trigger's events; null once it "
        "has ended, and where nothing is in its way.",
    )
    code: FailureCode | None = Field(description="Why the newest attempt failed.")
    status: int | None = Field(description="What the receiver answered to the newest attempt.")
    attempted_at: AwareDatetime | None = Field(description="When the newest attempt began.")
    planned_at: AwareDatetime | None = Field(
        description="When the round was planned; null while only its attempts are known."
    )
    ended_at: AwareDatetime | None
    is_test: bool
    logged_at: AwareDatetime = Field(description="When its event was logged.")


class AttemptShown(BaseModel):
    """One request to a target, and what came back."""

    model_config = _FROZEN

    round: int
    attempt: int = Field(description="Counted in its round.")
    epoch: int = Field(
        description="Tells two attempts under one number apart: the process that made the first of "
        "them was believed to be dead."
    )
    target_version: int
    started_at: AwareDatetime
    duration_ms: int
    dns_ms: int | None
    connect_ms: int | None
    first_byte_ms: int | None
    outcome: Outcome
    code: FailureCode | None
    status: int | None
    origin: str = Field(description="Scheme, host and port of the URL, or the subject.")
    address: str | None = Field(description="What was connected to.")
    excerpt: str | None = Field(
        description="The beginning of what the receiver answered, without secrets."
    )
    retry_after_s: int | None = Field(description="What the receiver asked to wait.")
    next_attempt_at: AwareDatetime | None
    final: Final | None
    reason: Reason | None


class DeliveryDetail(DeliveryShown):
    """A delivery with its attempts, of all rounds, in the order in which they began."""

    attempts: tuple[AttemptShown, ...]


class EventWithDeliveries(EventDetail):
    """A row of the log with what it carried, and what became of it at each target."""

    deliveries: tuple[DeliveryDetail, ...]
