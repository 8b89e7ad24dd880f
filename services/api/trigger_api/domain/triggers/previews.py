"""Previews: what a request asks to see of a schedule, and how its future is shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from trigger_api.domain.queries import InDigits
from trigger_api.domain.schemas import PreviewShown
from trigger_contracts.errors import Code, Problem, Refused, from_validation, refused
from trigger_contracts.instants import parse_bound, zone
from trigger_contracts.preview import Preview
from trigger_contracts.zone_names import UnknownZone, canonical_zone

MAX_OCCURRENCES = 1000
"""Occurrences of one answer: 100 kB, and a few hundredths of a second of work."""

DEFAULT_OCCURRENCES = 20

ON_REQUEST = "Fires on request."
"""In words, of a trigger without a schedule."""


class NextQuery(BaseModel):
    """GET /triggers/{id}/next"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: Annotated[int, InDigits] = Field(
        default=DEFAULT_OCCURRENCES, ge=1, le=MAX_OCCURRENCES, description="Occurrences to show."
    )


class _Window(BaseModel):
    """The fields of a preview that are none of the definition's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: str | None = None
    until: str | None = None
    count: StrictInt | None = Field(default=None, ge=1, le=MAX_OCCURRENCES)


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """A definition, and which of its occurrences are asked for: in (after, until]."""

    fields: dict[str, Any]
    """Of the definition, not checked yet."""
    after: datetime | None
    until: datetime | None
    count: int
    wrong: tuple[Problem, ...] = ()
    """Beside the definition: told together with what is wrong of that."""


def preview_request(fields: Any) -> PreviewRequest:
    """The request in a body (parsed JSON); raises ``Refused`` for what is none at all."""
    if not isinstance(fields, dict):
        raise refused(Code.INVALID, "must be a JSON object", pointer="")
    wrong: list[Problem] = []
    if fields.get("type", "scheduled") != "scheduled":
        wrong.append(refused(Code.INVALID, _OTHER_TYPE, pointer="/type").problem)
    own = {name: fields[name] for name in _Window.model_fields if name in fields}
    rest = {name: value for name, value in fields.items() if name not in own}
    window = _Window()
    try:
        window = _Window.model_validate(own)
    except ValidationError as error:
        wrong.append(from_validation(error))
    timezone = rest.get("timezone", "UTC")
    instants: dict[str, datetime | None] = {}
    for field in ("after", "until"):
        try:
            instants[field] = _instant(field, getattr(window, field), timezone)
        except Refused as refusal:
            wrong.append(refusal.problem)
    return PreviewRequest(
        {"name": "preview", **rest, "type": "scheduled"},
        instants.get("after"),
        instants.get("until"),
        # A range that is named is shown whole, as far as an answer goes.
        window.count or (DEFAULT_OCCURRENCES if window.until is None else MAX_OCCURRENCES),
        tuple(wrong),
    )


_OTHER_TYPE = "must be 'scheduled' here, or absent"


def _instant(field: str, text: str | None, timezone: Any) -> datetime | None:
    """Read in UTC where the zone is none: it is refused for that."""
    try:
        known = canonical_zone(timezone) if isinstance(timezone, str) else "UTC"
    except UnknownZone:
        known = "UTC"
    try:
        return None if text is None else parse_bound(text.strip(), zone(known))
    except ValueError as error:
        raise refused(Code.INVALID, str(error), pointer=f"/{field}") from None


def shown(preview: Preview, description: str, timezone: str) -> PreviewShown:
    return PreviewShown(
        description=description,
        timezone=timezone,
        occurrences=preview.occurrences,
        clock_changes=preview.clock_changes,
        more=preview.more,
    )
