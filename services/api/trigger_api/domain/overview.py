"""What a page that everybody leaves open asks for again and again: how much there is of what."""

from datetime import timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_FROZEN = ConfigDict(frozen=True)

SOON = timedelta(hours=1)
"""What is due within it is told apart."""


class TriggerCounts(BaseModel):
    """How many triggers there are."""

    model_config = _FROZEN

    active: int
    completed: int
    due_within_1h: int = Field(description="As `GET /triggers/?due_within=1h&count=true`.")


class AttentionCounts(BaseModel):
    """How many triggers `GET /triggers/?attention=…&count=true` has of each."""

    model_config = _FROZEN

    late: int
    missed: int
    rejected: int


class Lives(BaseModel):
    """How long rows of the log live, and from when on an occurrence is a misfire; seconds."""

    model_config = _FROZEN

    active_for_s: float
    kept_for_s: float
    misfire_grace_s: float


class TriggersCounted(BaseModel):
    """Of one moment."""

    model_config = _FROZEN

    now: AwareDatetime = Field(description="The database's clock, which is the clock of record.")
    triggers: TriggerCounts
    attention: AttentionCounts


class Overview(TriggersCounted):
    """The platform at a glance."""

    dead_letters: int | None = Field(
        description="Null where the broker does not answer, or they are still being counted."
    )
    lives: Lives
