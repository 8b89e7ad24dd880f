"""What the gateway says of its process and of the others: for the documentation of it.

The answers are made by ``trigger_runtime.http.health``, which every service shares.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field, RootModel

from .workers import WorkerStatus


class HealthShown(BaseModel):
    """The process answers."""

    status: Literal["ok"]
    service: str
    version: str
    tzdata: str = Field(description="The edition of the IANA database, by which schedules fire.")


class WorkerShown(BaseModel):
    """One of the other services, as its heartbeats tell (``workers.WorkerReport``)."""

    status: WorkerStatus = Field(
        description="`unavailable`: some replicas live and none can work. `away`: none lives. "
        "`unknown`: the gateway has not listened for long enough to say."
    )
    replicas: int = Field(description="That live.")
    ready: int = Field(description="Of those.")
    oldest_command_age_s: float | None = Field(
        default=None,
        description="Since when the oldest command is stored that it has not answered.",
    )


class ReadyShown(BaseModel):
    """Whether it can work."""

    status: Literal["ready", "degraded", "unavailable", "stopping"]
    service: str
    checks: dict[str, str] = Field(description="`ok`, or what is wrong, of what it depends on.")
    workers: dict[str, WorkerShown] = Field(description="The other services, by their names.")


class ServingShown(BaseModel):
    """Whether requests should be sent to it."""

    status: Literal["serving", "starting", "stopping"]
    service: str


class AsyncApiDocument(RootModel[dict[str, Any]]):
    """An AsyncAPI 3 document."""
