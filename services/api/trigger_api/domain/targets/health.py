"""How a target is, by what became of the attempts at it."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class TargetCondition(StrEnum):
    """The last of these that is so; found by the query that asks for it."""

    OK = "ok"
    """Its newest attempt was delivered, or there was none."""
    FAILING = "failing"
    """Its newest attempt failed."""
    PAUSED = "paused"
    """It asked to be left alone for a while."""
    OPEN = "open"
    """It failed several times in a row: its breaker is open, and one attempt now and then looks
    whether it is back."""
    GONE = "gone"
    """It said that it wants no more: it is looked at seldom."""


class TargetHealth(BaseModel):
    """How a target is, and what waits for it."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    status: TargetCondition
    since: AwareDatetime | None = Field(
        description="Since when its attempts fail, or are delivered, one and all; null before the "
        "first."
    )
    last_success_at: AwareDatetime | None
    last_failure_at: AwareDatetime | None
    pending: int = Field(description="Deliveries that wait.")
    oldest_pending_at: AwareDatetime | None = Field(
        description="When the one was planned that has waited longest."
    )


NEVER_TRIED = TargetHealth(
    status=TargetCondition.OK,
    since=None,
    last_success_at=None,
    last_failure_at=None,
    pending=0,
    oldest_pending_at=None,
)
