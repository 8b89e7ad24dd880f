"""What a list may be asked for: filters, page size and cursor, parsed from the query string."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from trigger_contracts.errors import Code, refused
from trigger_contracts.events import EntryStatus
from trigger_contracts.instants import parse_instant

from . import cursors
from .previews import DEFAULT_OCCURRENCES, MAX_OCCURRENCES

MAX_LIMIT = 500
"""Rows of a page: half a megabyte of triggers with small payloads."""
DEFAULT_LIMIT = 50

_NO_NUL = r"^[^\x00]*$"


_SPACED_OFFSET = re.compile(r"(:[0-9:.]+) ([0-9]{2}:[0-9]{2})")
"""A "+" before an offset is a space in a query string that does not write it ``%2B``.

The time's own colon tells it from the space in "2027-01-26 15:00".
"""


def _parse_instant(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return parse_instant(_SPACED_OFFSET.sub(r"\1+\2", value))


Instant = Annotated[datetime, BeforeValidator(_parse_instant)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL)]
Cursor = Annotated[str, StringConstraints(max_length=cursors.MAX_LENGTH)]


class Page(BaseModel):
    """What every list understands. An unknown parameter is refused: a misspelt filter that was
    ignored would show everything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Rows of a page.")
    cursor: Cursor | None = Field(
        default=None, description="Opaque; from the `Link` header of the page before."
    )


class TriggerQuery(Page):
    """GET /triggers/"""

    type: Literal["scheduled", "api"] | None = Field(default=None, description="Kind of trigger.")
    status: Literal["active", "completed"] | None = Field(
        default=None, description="A completed trigger has no further occurrence."
    )
    label: Text | None = Field(default=None, description="A label that the trigger has.")
    q: Text | None = Field(default=None, description="Part of the name, in any case.")


class NextQuery(BaseModel):
    """GET /triggers/{id}/next"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(
        default=DEFAULT_OCCURRENCES, ge=1, le=MAX_OCCURRENCES, description="Occurrences to show."
    )


class EventQuery(Page):
    """GET /events/"""

    state: Literal["active", "archived"] | None = Field(
        default=None, description="Active for 2 h, then archived until 48 h. Both if not given."
    )
    trigger_id: Text | None = Field(default=None, description="Events of this trigger.")
    type: Literal["scheduled", "api"] | None = Field(default=None, description="Kind of trigger.")
    status: EntryStatus | None = Field(
        default=None, description="What became of the occurrence or fire."
    )
    is_test: bool | None = Field(default=None, description="Only tests, or none.")
    from_: Instant | None = Field(
        default=None, alias="from", description="Logged at or after this instant (RFC 3339)."
    )
    to: Instant | None = Field(
        default=None, description="Logged before this instant (RFC 3339); UTC without an offset."
    )

    def checked(self) -> Self:
        """Raises ``Refused`` for a range that ends before it begins."""
        if self.from_ is not None and self.to is not None and self.to < self.from_:
            raise refused(Code.INVALID, "must not be earlier than from", pointer="/query/to")
        return self


class BulkQuery(BaseModel):
    """POST /triggers/bulk"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partial: bool = Field(
        default=False, description="Create what is acceptable although something is refused."
    )
