"""What a worker says of itself once a second, to whoever wants to know that it lives.

Core NATS, nothing is stored: who hears nothing for ``ALIVE_FOR`` knows that the worker is away, or
hangs, for a process that stands still says nothing.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from .ids import Id
from .subjects import Service

EVERY = timedelta(seconds=1)
ALIVE_FOR = timedelta(seconds=4)
"""Since the last one: three may be lost, or late on a machine that has much to do."""

RECORD, DELIVER = "record", "deliver"
"""The executor's roles, each by itself in most deployments."""

_Word = Annotated[str, StringConstraints(max_length=1000)]


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
    lag_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Since when the oldest message waits that the service has not handled, all of its replicas
    together; None where that is not known. Earlier versions do not say what follows either.
    """
    version: str | None = Field(default=None, max_length=64)
    started_at: AwareDatetime | None = None
    roles: tuple[_Word, ...] | None = Field(default=None, max_length=8)
    """Of the executor: what this replica does. None: all that its service does."""
    checks: Mapping[_Word, _Word] = Field(default={}, max_length=32)
    """What the replica needs: ``ok``, or what is wrong."""


def workers_of(service: str, beat: Heartbeat) -> tuple[str, ...]:
    """What the replica is to whoever looks which work is done: its service, or ``deliver`` where
    that part of the executor's is done apart.
    """
    if service != Service.EXECUTOR or beat.roles is None:
        return (service,)
    named = {RECORD: service, DELIVER: DELIVER}
    return tuple(named[role] for role in beat.roles if role in named)
