"""Asking a service to handle one of its dead letters again, and what it answers.

The letter itself stays where it is until it is handled: the request only names it, so that
asking twice, or asking and hearing nothing, does no harm.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from .ids import Id


class RedriveOutcome(StrEnum):
    """What became of a redrive."""

    HANDLED = "handled"
    """Now, or by an earlier redrive: the letter is gone."""
    FAILED = "failed"
    """Again: the letter says why."""
    ABSENT = "absent"
    """There is no such letter, or not any more."""
    UNAVAILABLE = "unavailable"
    """A server is away, so nothing was decided: ask again."""


class Redrive(BaseModel):
    """Handle the dead letter with this id, of a message of this stream, again."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    id: Id
    stream: Id


class Redriven(BaseModel):
    """What became of it; ``reason`` says why it failed."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    id: Id
    outcome: RedriveOutcome
    reason: str | None = None
