"""The services as they say of themselves: a row for each replica that lives."""

from collections.abc import Iterable, Mapping

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trigger_contracts.heartbeats import Heartbeat


class ServiceShown(BaseModel):
    """A replica of a service; or a service none of whose replicas is heard, with nothing known."""

    model_config = ConfigDict(frozen=True)

    service: str
    instance: str | None
    version: str | None
    started_at: AwareDatetime | None
    ready: bool
    checks: Mapping[str, str] = Field(description="What it needs: `ok`, or what is wrong.")
    lag_s: float | None = Field(
        description="How long the oldest message has waited that the service has not handled."
    )


def shown(service: str, beats: Iterable[Heartbeat]) -> list[ServiceShown]:
    """One that is silent is listed as not ready."""
    found = [_said(service, beat) for beat in sorted(beats, key=lambda beat: beat.instance)]
    return found or [_silent(service)]


def _said(service: str, beat: Heartbeat) -> ServiceShown:
    return ServiceShown(
        service=service,
        instance=beat.instance,
        version=beat.version,
        started_at=beat.started_at,
        ready=beat.status == "ready",
        checks=beat.checks,
        lag_s=_lag_s(beat),
    )


def _lag_s(beat: Heartbeat) -> float | None:
    """The scheduler also knows of commands that have not arrived among the others yet."""
    known = (beat.lag_s, beat.oldest_command_age_s)
    return max((seconds for seconds in known if seconds is not None), default=None)


def _silent(service: str) -> ServiceShown:
    return ServiceShown(
        service=service,
        instance=None,
        version=None,
        started_at=None,
        ready=False,
        checks={},
        lag_s=None,
    )
