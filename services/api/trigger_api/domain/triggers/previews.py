"""Previews: what a request asks to see of a schedule, and how its future is shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from trigger_api.domain.queries import InDigits
from trigger_api.domain.schemas import PreviewShown
from trigger_contracts.definition import Definition, parse_definition
from trigger_contracts.errors import Code, Refused, from_validation, refused
from trigger_contracts.instants import parse_bound, zone
from trigger_contracts.preview import Preview

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

    definition: Definition
    after: datetime | None
    until: datetime | None
    count: int


def preview_request(fields: Any) -> PreviewRequest:
    """The request in a body (parsed JSON); raises ``Refused``."""
    if not isinstance(fields, dict):
        raise refused(Code.INVALID, "must be a JSON object", pointer="")
    if fields.get("type", "scheduled") != "scheduled":
        raise refused(Code.INVALID, "must be 'scheduled' here, or absent", pointer="/type")
    own = {name: fields[name] for name in _Window.model_fields if name in fields}
    rest = {name: value for name, value in fields.items() if name not in own}
    definition = parse_definition({"name": "preview", **rest, "type": "scheduled"})
    try:
        window = _Window.model_validate(own)
    except ValidationError as error:
        raise Refused(from_validation(error)) from None
    after = _instant("after", window.after, definition)
    until = _instant("until", window.until, definition)
    # A range that is named is shown whole, as far as an answer goes.
    default = DEFAULT_OCCURRENCES if until is None else MAX_OCCURRENCES
    return PreviewRequest(definition, after, until, window.count or default)


def _instant(field: str, text: str | None, definition: Definition) -> datetime | None:
    try:
        return None if text is None else parse_bound(text.strip(), zone(definition.timezone))
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
