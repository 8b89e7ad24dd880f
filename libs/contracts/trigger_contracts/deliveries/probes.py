"""Testing a target: one attempt now, asked of whoever delivers, and answered with what came of it.

Core NATS, with a reply: nothing of it is stored, and asking again is another attempt.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from trigger_contracts.ids import EventId, Id

from .outcomes import FailureCode, Outcome

TRIGGER_ID = "test"
"""Of the event that a test delivers: no trigger fired it."""


class Probe(BaseModel):
    """Deliver a test event to a target, past its lane and its breaker."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    schema_version: Literal[1] = 1
    target_id: Id


class ProbeOutcome(BaseModel):
    """What came of a test of a target. Times are milliseconds, null for what it did not get to.

    ``event_id`` is the ``webhook-id`` that the receiver saw; no log has that event.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    target_id: Id
    target_version: int
    event_id: EventId
    started_at: AwareDatetime
    duration_ms: int = Field(description="Of the whole attempt.")
    dns_ms: int | None = Field(default=None, description="For the name; 0 where it was known.")
    connect_ms: int | None = Field(
        default=None, description="For TCP and TLS; null on a connection that was open already."
    )
    first_byte_ms: int | None = Field(
        default=None, description="From the start of the attempt to the first byte of the answer."
    )
    outcome: Outcome
    code: FailureCode | None = Field(default=None, description="Why it was not delivered.")
    status: int | None = Field(default=None, description="What the receiver answered.")
    origin: Annotated[str, StringConstraints(max_length=2_100)] = Field(
        description="Scheme, host and port of the URL, or the subject."
    )
    address: str | None = Field(default=None, description="What was connected to.")
    excerpt: str | None = Field(
        default=None, description="The beginning of what the receiver answered, without secrets."
    )
    retry_after_s: int | None = Field(
        default=None, description="What the receiver asked to wait, in seconds."
    )


class Probed(ProbeOutcome):
    """The reply to a ``Probe``."""

    schema_version: Literal[1] = 1
