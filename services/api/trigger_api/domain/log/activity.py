"""What became of triggers lately: the last event of each, and a few before it as points."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trigger_api.domain.schemas import EventShown, Seconds
from trigger_api.domain.several import SeveralIds
from trigger_contracts.events import EntryStatus

_FROZEN = ConfigDict(frozen=True, extra="forbid")

MAX_POINTS = 60
"""Of a trigger: as many as a line of some 100 pixels has."""


class ActivityQuery(BaseModel):
    """GET /activity/"""

    model_config = _FROZEN

    trigger_id: SeveralIds = Field(description="Triggers: the answer has them by their ids.")
    points: int = Field(default=24, ge=1, le=MAX_POINTS, description="Events to show of each.")


class Point(BaseModel):
    """An event, as a dot of a line."""

    model_config = _FROZEN

    event_id: str
    logged_at: AwareDatetime
    status: EntryStatus
    lateness: Seconds | None


class Activity(BaseModel):
    """A trigger's newest events, tests aside."""

    model_config = _FROZEN

    trigger_id: str
    last: EventShown | None
    points: tuple[Point, ...] = Field(description="The oldest first; the last one is `last`.")
