"""What is asked about triggers in a query string: which are meant, in which order, and how."""

from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from trigger_api.domain.queries import ANY_OF, TYPE, Instant, Page, Text, read_duration
from trigger_api.domain.several import Several, SeveralIds
from trigger_contracts.schedule import HORIZON

MAX_UPCOMING = 200
MAX_PER_TRIGGER = 100
"""Of all triggers' upcoming occurrences: 20,000 at the most, 2 MB."""

Ahead = Annotated[timedelta, BeforeValidator(read_duration), Field(ge=timedelta(), le=HORIZON)]

Attention = Literal["late", "missed", "rejected"]
Order = Literal["created", "name", "next_fire", "updated"]
Sort = Literal[
    "created", "-created", "name", "-name", "next_fire", "-next_fire", "updated", "-updated"
]
NEWEST_FIRST: Sort = "-created"


class TriggerFilter(BaseModel):
    """Which triggers are meant, by what their owners set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Several[Literal["scheduled", "api"]] | None = Field(default=None, description=TYPE)
    label: Several[Text] | None = Field(
        default=None, description=f"A label that the trigger has. {ANY_OF}"
    )
    q: Text | None = Field(default=None, description="Part of the name, in any case and script.")


class TriggerQuery(Page, TriggerFilter):
    """GET /triggers/"""

    status: Several[Literal["active", "completed"]] | None = Field(
        default=None,
        description=f"A completed trigger has no further occurrence. {ANY_OF}",
    )
    id: SeveralIds | None = Field(default=None, description=f"These triggers. {ANY_OF}")
    due_within: Ahead | None = Field(
        default=None,
        description="With an occurrence no further ahead: `1h`, `PT15M`, or seconds.",
    )
    attention: Several[Attention] | None = Field(
        default=None,
        description="With an event, no test, in the active log that fired a second late or more "
        f"(`late`), was `missed` or `rejected`. {ANY_OF}",
    )
    sort: Sort = Field(
        default=NEWEST_FIRST,
        description="`-` reverses. A trigger without an occurrence to come is the last by "
        "`next_fire`, either way.",
    )
    count: bool = Field(
        default=False, description="Also count all that pass, in the header `X-Total-Count`."
    )
    payload: bool = Field(
        default=True, description="If false, rows are without `payload` and `payload_schema`."
    )

    @property
    def order(self) -> Order:
        """What they are sorted by, in whichever direction."""
        return _ORDERS[self.sort.removeprefix("-")]

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")


_ORDERS: dict[str, Order] = {order: order for order in get_args(Order)}


class UpcomingQuery(TriggerFilter):
    """GET /schedules/upcoming"""

    until: Instant | None = Field(
        default=None,
        description="The end of what is shown (RFC 3339); 24 hours from now if not given.",
    )
    per_trigger: int = Field(
        default=5, ge=1, le=MAX_PER_TRIGGER, description="Occurrences to show of each trigger."
    )
    limit: int = Field(default=MAX_UPCOMING, ge=1, le=MAX_UPCOMING, description="Triggers to show.")


class WriteQuery(BaseModel):
    """A write of one trigger."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = Field(
        default=False,
        description="Change nothing: answer 200 with what the write would do, or why it would be "
        "refused. Quotas are not looked at.",
    )


class BulkQuery(BaseModel):
    """POST /triggers/bulk"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partial: bool = Field(
        default=False, description="Create what is acceptable although something is refused."
    )
