"""Dead letters as the gateway shows them: what could not be handled, and why.

Pure. A letter is shown until its original's life is over; one that was handled after all is not
shown any more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trigger_contracts import dead_letters as letters
from trigger_contracts.events import DeadLetter, DeadLetterHandled
from trigger_contracts.redrives import RedriveOutcome

from .queries import Page, Text

LISTED_CHARACTERS = 2000
"""Of an original's body in a list: a page of 500 stays near a megabyte. (A multiple of four: what
is cut of base64 can still be decoded.)"""


class DeadLetterQuery(Page):
    """GET /dead-letters/"""

    service: Literal["scheduler", "executor", "retention"] | None = Field(
        default=None, description="Who could not handle it."
    )
    stream: Literal["TRIGGER_COMMANDS", "TRIGGER_DUE", "TRIGGER_EVENTS"] | None = Field(
        default=None, description="The original's stream."
    )
    subject: Text | None = Field(
        default=None,
        description="The original's whole subject, such as `trigger.due.<id>`. Pages may be "
        "shorter than `limit` then; the last one has no `Link`.",
    )


class OriginalShown(BaseModel):
    """The message itself, as it was stored."""

    model_config = ConfigDict(frozen=True)

    subject: str
    stream: str
    stream_seq: int
    stored_at: AwareDatetime
    headers: dict[str, str]
    body: str = Field(
        description=f"In lists at most the first {LISTED_CHARACTERS} characters of it."
    )
    encoding: Literal["utf-8", "base64"] = Field(
        description="Of the body: base64 where it is no UTF-8, or large."
    )
    body_is_cut: bool = Field(description="Whether more of the body is kept than is shown here.")
    is_whole: bool = Field(
        description="Whether all of it is kept; what was too large is not, and cannot be redriven."
    )


class DeadLetterShown(BaseModel):
    """A message that a service could not handle."""

    model_config = ConfigDict(frozen=True)

    id: str
    service: str
    reason: str = Field(description="Of the last time that it was tried.")
    dead_at: AwareDatetime = Field(description="When it was tried last.")
    deletes_at: AwareDatetime = Field(description="When it is gone: as its original would be.")
    redrives: int = Field(description="How often it was redriven and failed again.")
    original: OriginalShown


class RedriveShown(BaseModel):
    """What became of a redrive."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: Literal["handled", "failed", "accepted"]
    detail: str
    reason: str | None = Field(default=None, description="Why it failed again.")


@dataclass(frozen=True, slots=True)
class FoundLetter:
    """What stands in the place of a dead letter, and whose it is."""

    letter_id: str
    service: str
    stream: str
    letter: DeadLetter | DeadLetterHandled | None
    """None where it cannot be read."""

    def alive(self, now: datetime, kept_for: timedelta) -> DeadLetter | None:
        """The letter, if it is one that is still to be seen."""
        if not isinstance(self.letter, DeadLetter):
            return None
        return self.letter if now < letters.deletes_at(self.letter, kept_for) else None


def shown(
    found: FoundLetter, letter: DeadLetter, kept_for: timedelta, *, in_list: bool
) -> DeadLetterShown:
    """The letter as an answer has it."""
    body = letter.body[:LISTED_CHARACTERS] if in_list else letter.body
    return DeadLetterShown(
        id=found.letter_id,
        service=found.service,
        reason=letter.reason,
        dead_at=letter.dead_at,
        deletes_at=letters.deletes_at(letter, kept_for),
        redrives=letter.redrives,
        original=OriginalShown(
            subject=letter.subject,
            stream=letter.stream,
            stream_seq=letter.stream_seq,
            stored_at=letter.stored_at,
            headers=letter.headers,
            body=body,
            encoding=letter.encoding,
            body_is_cut=len(body) < len(letter.body),
            is_whole=letter.is_whole,
        ),
    )


def redriven(
    letter_id: str, outcome: Literal[RedriveOutcome.HANDLED, RedriveOutcome.FAILED], reason: str
) -> RedriveShown:
    if outcome is RedriveOutcome.HANDLED:
        detail = "it was handled, and is no dead letter any more"
        return RedriveShown(id=letter_id, status="handled", detail=detail)
    detail = "it failed again, and stays as it is with the new reason"
    return RedriveShown(id=letter_id, status="failed", detail=detail, reason=reason)


def not_answered(letter_id: str, service: str) -> RedriveShown:
    detail = (
        f"the {service} was asked and has not answered yet: the letter is gone once it is "
        "handled, and has a new reason if it fails again"
    )
    return RedriveShown(id=letter_id, status="accepted", detail=detail)
