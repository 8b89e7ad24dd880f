"""The executor's settings, from ``ETP_*``. Only ``bootstrap`` sees them."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from trigger_runtime.process.addresses import DatabaseUrl
from trigger_runtime.process.sealing_settings import OpeningKeySettings
from trigger_runtime.process.settings import DatabaseSettings, Duration, WorkerSettings
from trigger_runtime.process.target_settings import TargetRuleSettings

from .domain.delivery.excerpt import DEFAULT_KEPT, MAX_READ
from .domain.delivery.retrying import check_schedule

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


def _delays(text: str) -> tuple[timedelta, ...]:
    return tuple(map(_delay, filter(None, map(str.strip, text.split(",")))))


def _delay(entry: str) -> timedelta:
    try:
        return _DURATION.validate_python(entry)
    except ValidationError:
        raise ValueError(f"{entry!r} is no duration such as 30s, 2m or 1h30m") from None


def _schedule(text: str) -> str:
    check_schedule(_delays(text))
    return text


class Role(StrEnum):
    """What an executor's process does."""

    RECORD = "record"
    """Turns what is due and what is asked for into rows of the log, and plans their deliveries."""
    DELIVER = "deliver"
    """Sends what is planned."""


def _roles(text: str) -> frozenset[Role]:
    return frozenset(Role(one) for part in text.split(",") if (one := part.strip()))


def _known_roles(text: str) -> str:
    try:
        is_any = bool(_roles(text))
    except ValueError:
        is_any = False
    if not is_any:
        raise ValueError(f"must be {' or '.join(Role)}, or both with a comma between")
    return text


class Settings(WorkerSettings, TargetRuleSettings, OpeningKeySettings):
    """What the executor needs besides every worker's settings."""

    executor_roles: Annotated[str, AfterValidator(_known_roles)] = Field(
        default=",".join(Role),
        description="What this process does: `record` (rows of the log, and plans of their "
        "deliveries), `deliver` (sends them), or both. Apart, neither waits for the other's work; "
        "`etp up` and the deployments run each by itself.",
    )
    database_url: DatabaseUrl | None = Field(
        default=None,
        description="PostgreSQL address, as for the other services: for `deliver`, which keeps "
        "there what waits. `record` needs none. Where neither roles nor an address are given, only "
        "rows are recorded.",
    )
    pool_size: int = Field(
        default=4, ge=1, le=100, description="Most PostgreSQL connections of one process."
    )
    definition_cache_mib: int = Field(
        default=16,
        ge=1,
        le=4096,
        description="Most MiB of trigger payloads that the executor keeps in memory.",
    )
    retry_schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        default="5s,30s,2m,10m,30m,2h,5h,10h,20h",
        description="Delays between the attempts to deliver an event to a target that has none of "
        "its own: at most 20, each 1s to 24h, 39h together, separated by commas. Each is made up "
        "to a fifth longer, at random.",
    )
    response_excerpt: int = Field(
        default=DEFAULT_KEPT,
        ge=0,
        le=MAX_READ,
        description="Most bytes that are kept of what a webhook's receiver answers, without "
        "secrets, for people to read. `0`: nothing.",
    )

    @model_validator(mode="after")
    def _can_do_what_it_is_told(self) -> Self:
        self.roles()
        return self

    def roles(self) -> frozenset[Role]:
        """What this process does. Raises ValueError where it lacks what that needs."""
        if self.database_url is not None or Role.DELIVER not in _roles(self.executor_roles):
            return _roles(self.executor_roles)
        if "executor_roles" in self.model_fields_set:
            raise ValueError(
                "ETP_DATABASE_URL is not set: the role deliver of ETP_EXECUTOR_ROLES needs it"
            )
        return frozenset({Role.RECORD})

    def database(self) -> DatabaseSettings:
        """Of the role ``deliver``."""
        if self.database_url is None:
            raise ValueError("only a process that delivers has a database")
        return DatabaseSettings.model_construct(
            database_url=self.database_url, pool_size=self.pool_size
        )

    def retry_delays(self) -> tuple[timedelta, ...]:
        """Of a target without its own."""
        return _delays(self.retry_schedule)
