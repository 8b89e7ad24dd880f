"""What a list may be asked for: filters, page size and cursor, parsed from the query string."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from trigger_api.domain.log.words import words_of
from trigger_contracts.errors import Code, refused
from trigger_contracts.events import EntryStatus, Source
from trigger_contracts.instants import is_finer_than_a_microsecond, parse_bound, parse_duration
from trigger_contracts.topology import LOG_LIFE

from . import cursors
from .several import Several, SeveralEvents, SeveralIds

MAX_LIMIT = 500
"""Rows of a page: half a megabyte of triggers with small payloads."""
DEFAULT_LIMIT = 50
MAX_WITH_PAYLOADS = 20
"""Events of a page that has their payloads: 5 MiB at the most."""

MAX_WAIT = timedelta(seconds=30)
"""For an event: proxies end what says nothing for a minute."""

_NO_NUL = r"^[^\x00]*$"


_SHORT = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def read_duration(value: Any) -> Any:
    """As in a definition, and the short forms of ``bucket``: ``15m``."""
    if not isinstance(value, str):
        return value
    short = _SHORT.fullmatch(value.strip())
    if short is not None:
        return timedelta(seconds=int(short[1]) * _UNITS[short[2]])
    try:
        return parse_duration(float(value))
    except ValueError:
        return parse_duration(value.strip())


_SPACED_OFFSET = re.compile(r"(:[0-9:.]+) ([0-9]{2}:?[0-9]{2})")
"""A "+" before an offset is a space in a query string that does not write it ``%2B``.

The time's own colon tells it from the space in "2027-01-26 15:00".
"""


def _parse_bound(value: Any) -> Any:
    """All instants of a query are bounds: beyond the calendar they are none."""
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        # Whether a number counts seconds or milliseconds would be a guess.
        raise PydanticCustomError("wrong_type", "must be a date and time such as …T15:00:00Z")
    return parse_bound(_SPACED_OFFSET.sub(r"\1+\2", value.strip()))


Instant = Annotated[datetime, BeforeValidator(_parse_bound)]


def _in_digits(value: Any) -> Any:
    """``1_0`` is ten to Python alone."""
    if isinstance(value, str) and "_" in value:
        raise ValueError("must be a number, without underscores")
    return value


InDigits = BeforeValidator(_in_digits)
"""Of a number in a query string."""


def _no_finer(value: Any) -> Any:
    """A lateness is compared to the microsecond: ``1e-400`` would silently mean 0."""
    if isinstance(value, float | str) and is_finer_than_a_microsecond(value):
        raise ValueError("must not be finer than a microsecond: six digits after the dot")
    return value


Lateness = Annotated[
    float,
    BeforeValidator(_no_finer),
    InDigits,
    Field(ge=0, le=LOG_LIFE.total_seconds(), allow_inf_nan=False),
]
"""Seconds."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL)]
ANY_OF = "Given several times: any of them."
TYPE = f"Kind of trigger. {ANY_OF}"
Cursor = Annotated[str, StringConstraints(max_length=cursors.MAX_LENGTH)]


class Page(BaseModel):
    """What every list understands. An unknown parameter is refused: a misspelt filter that was
    ignored would show everything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, InDigits] = Field(
        default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Rows of a page."
    )
    cursor: Cursor | None = Field(
        default=None, description="Opaque; from the `Link` header of the page before."
    )


class EventConditions(BaseModel):
    """What events are, whatever became of them: shared by the filters of rows and of deliveries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trigger_id: SeveralIds | None = Field(
        default=None, description=f"Events of this trigger. {ANY_OF}"
    )
    event_id: SeveralEvents | None = Field(default=None, description=f"This event. {ANY_OF}")
    replay_of: UUID | None = Field(default=None, description="Events that repeat this one.")
    trigger_name: Text | None = Field(
        default=None, description="The trigger's whole name, as it was when the event was logged."
    )
    type: Several[Literal["scheduled", "api"]] | None = Field(default=None, description=TYPE)
    source: Several[Source] | None = Field(
        default=None, description=f"What made the event come about. {ANY_OF}"
    )
    is_test: bool | None = Field(default=None, description="Only tests, or none.")
    min_lateness: Lateness | None = Field(
        default=None, description="Fired at least so many seconds after it was scheduled."
    )
    max_lateness: Lateness | None = Field(
        default=None, description="Fired at most so many seconds after it was scheduled."
    )
    from_: Instant | None = Field(
        default=None, alias="from", description="Logged at or after this instant (RFC 3339)."
    )
    to: Instant | None = Field(
        default=None, description="Logged before this instant (RFC 3339); UTC without an offset."
    )
    q: Text | None = Field(
        default=None,
        description="Words that all occur in the payload, in any case and order. Letters, "
        "marks and numbers make words; everything else separates them. Of scripts without spaces "
        "any part is found. Of a payload the first 10,000 characters are searched; the header "
        "`X-Search-Coverage` says `partial` where that may have missed something.",
    )

    def checked(self, within: str = "/query") -> Self:
        """Raises ``Refused`` for what no row can pass by its own contradiction.

        ``within`` is where the filter stands in the request, as a JSON Pointer.
        """
        if self.from_ is not None and self.to is not None and self.to < self.from_:
            raise refused(Code.INVALID, "must not be earlier than from", pointer=f"{within}/to")
        if (
            self.min_lateness is not None
            and self.max_lateness is not None
            and self.max_lateness < self.min_lateness
        ):
            detail = "must not be less than min_lateness"
            raise refused(Code.INVALID, detail, pointer=f"{within}/max_lateness")
        if self.q is not None and not words_of(self.q):
            detail = "must hold a word: letters or digits"
            raise refused(Code.INVALID, detail, pointer=f"{within}/q")
        return self


class EventFilter(EventConditions):
    """Which rows of the log are meant: the same for lists, charts, live tails, exports, replays.

    ``domain.log.filtering`` says whether one entry passes; ``adapters.log.filter_sql`` is the same
    in SQL.
    """

    status: Several[EntryStatus] | None = Field(
        default=None, description=f"What became of the occurrence or fire. {ANY_OF}"
    )


State = Literal["active", "archived"]


class StateFilter(EventFilter):
    """Rows of the log, in one of their two lives or in both."""

    state: Several[State] | None = Field(
        default=None,
        description="Active for 2 h, then archived until 48 h. Both if not given, or if both are.",
    )

    @property
    def life(self) -> State | None:
        """The one that is meant; None for both."""
        return self.state[0] if self.state is not None and len(self.state) == 1 else None


DeliveryFound = Literal["pending", "delivered", "dead", "blocked", "none"]


class LogFilter(StateFilter):
    """Rows of the log, also by what became of them at targets: of what is stored, for a live tail
    sees an event before anything became of it.
    """

    delivery: Several[DeliveryFound] | None = Field(
        default=None,
        description="Events with a delivery in this state; `none`: without any. With `target_id` "
        f"of a delivery to that target alone. {ANY_OF}",
    )
    target_id: SeveralIds | None = Field(
        default=None, description=f"Events with a delivery to this target. {ANY_OF}"
    )

    @property
    def asks_for_deliveries(self) -> bool:
        return self.delivery is not None or self.target_id is not None


class EventQuery(Page, LogFilter):
    """GET /events/"""

    count: bool = Field(
        default=False,
        description="Also count all rows that pass, in the header `X-Total-Count`; "
        "`X-Total-Count-Kind` says whether that is `exact` or an `estimate`.",
    )
    payload: bool = Field(
        default=False,
        description=f"If true, rows have their `payload`, {MAX_WITH_PAYLOADS} of them at the most.",
    )

    def checked(self, within: str = "/query") -> Self:
        """As of every filter; with payloads a page is short, also where it was not asked to be."""
        wanted = super().checked(within)
        if not self.payload or self.limit <= MAX_WITH_PAYLOADS:
            return wanted
        if "limit" in self.model_fields_set:
            detail = f"must not be more than {MAX_WITH_PAYLOADS} with payload=true"
            raise refused(Code.INVALID, detail, pointer=f"{within}/limit")
        return wanted.model_copy(update={"limit": MAX_WITH_PAYLOADS})


class WaitQuery(BaseModel):
    """GET /events/{id}"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wait: Annotated[timedelta, BeforeValidator(read_duration), Field(ge=timedelta())] = Field(
        default=timedelta(),
        le=MAX_WAIT,
        description="How long to wait for an event that is not there yet: `10s`, at most 30 s.",
    )


class ExportQuery(LogFilter):
    """GET /events/export"""

    format: Literal["ndjson", "csv"] | None = Field(
        default=None,
        description="`ndjson`: one JSON object per line, as of `GET /events/{id}`; it has "
        "`deliveries` if they are asked for. `csv`: RFC 4180 with a header, safe to open in a "
        "spreadsheet. If not given, `Accept: text/csv` asks for CSV; NDJSON otherwise.",
    )
    bom: bool = Field(
        default=False,
        description="Begin CSV with a byte order mark: Excel knows UTF-8 by it.",
    )
    deliveries: bool = Field(
        default=False,
        description="If true, rows have their `deliveries` with all `attempts`, as of `GET "
        "/events/{id}` but without `waits_for`, which changes by the second: in NDJSON an array, "
        "in CSV a last column of JSON.",
    )
