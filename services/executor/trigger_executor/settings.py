"""The executor's settings, from ``ETP_*``. Only ``bootstrap`` sees them."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from trigger_runtime.process.sealing_settings import OpeningKeySettings
from trigger_runtime.process.settings import Duration, WorkerSettings
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


class Settings(WorkerSettings, TargetRuleSettings, OpeningKeySettings):
    """What the executor needs besides every worker's settings."""

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

    def retry_delays(self) -> tuple[timedelta, ...]:
        """Of a target without its own."""
        return _delays(self.retry_schedule)
