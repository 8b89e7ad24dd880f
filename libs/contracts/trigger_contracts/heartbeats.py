"""What a worker says of itself once a second, to whoever wants to know that it lives.

Core NATS, nothing is stored: who hears nothing for ``ALIVE_FOR`` knows that the worker is away, or
hangs, for a process that stands still says nothing.
"""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from .ids import Id

EVERY = timedelta(seconds=1)
ALIVE_FOR = timedelta(seconds=4)
"""Since the last one: three may be lost, or late on a machine that has much to do."""


class Heartbeat(BaseModel):
    """One replica, and what its ``/ready`` would answer."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    instance: Id
    status: Literal["ready", "unavailable", "stopping"]
    oldest_command_age_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Of the commands that this service answers, all of its replicas together; None where it
    answers none, or is of a version that does not say.
    """
