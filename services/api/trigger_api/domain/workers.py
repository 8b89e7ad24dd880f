"""Which workers live, by their heartbeats: what the gateway's ``/ready`` tells of the others.

The gateway goes on without them: it reads, and what it stores they do later. So one that is away
makes it *degraded*, which is no reason to send requests elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

from trigger_contracts.heartbeats import ALIVE_FOR, DELIVER, Heartbeat
from trigger_contracts.subjects import Service

MOST_REPLICAS = 1000
"""Remembered of one service."""

WorkerStatus = Literal["ready", "unavailable", "away", "unknown"]


class WorkerReport(TypedDict):
    """One service: its state, the replicas that live, and how many of them are ready.

    ``unavailable``: some live and none of them can work. ``away``: none lives. ``unknown``: this
    gateway has not listened for long enough to say. ``oldest_command_age_s``: since when the oldest
    command is stored that the service has not answered, where one that lives tells of it.
    ``deliver``, of the executor: the replicas that deliver, where that is done apart.
    """

    status: WorkerStatus
    replicas: int
    ready: int
    oldest_command_age_s: NotRequired[float]
    deliver: NotRequired["WorkerReport"]


@dataclass(frozen=True, slots=True)
class _Heard:
    at: float
    beat: Heartbeat


class Workers:
    """Instants are monotonic seconds."""

    def __init__(self, services: Iterable[str]) -> None:
        self._heard: dict[str, dict[str, _Heard]] = {service: {} for service in services}
        self._listening_since: float | None = None

    def listen(self, now: float) -> None:
        """From now on heartbeats are heard."""
        self._listening_since = now

    def deaf(self) -> None:
        """None are heard any more."""
        self._listening_since = None

    def hear(self, service: str, beat: Heartbeat, now: float) -> None:
        replicas = self._heard.get(service)
        if replicas is None:
            return
        if len(replicas) >= MOST_REPLICAS:
            self._forget(replicas, now)
        if beat.instance in replicas or len(replicas) < MOST_REPLICAS:
            replicas[beat.instance] = _Heard(now, beat)

    def shown(self, now: float) -> dict[str, WorkerReport]:
        found = {service: self._shown(service, now) for service in self._told(now)}
        if (apart := found.pop(DELIVER, None)) is not None:
            found[Service.EXECUTOR]["deliver"] = apart
        return found

    def beats(self, now: float) -> dict[str, list[Heartbeat]]:
        """What each replica that lives said last, by service."""
        return {
            service: [heard.beat for heard in self._heard[service].values()]
            for service in self._told(now)
        }

    def _told(self, now: float) -> list[str]:
        """Whom there is to tell of: who delivers, only where some executor does a part alone."""
        for replicas in self._heard.values():
            self._forget(replicas, now)
        beats = (heard.beat for replicas in self._heard.values() for heard in replicas.values())
        is_apart = any(beat.roles is not None for beat in beats)
        return [service for service in self._heard if service != DELIVER or is_apart]

    def alive(self, service: str, now: float) -> int | None:
        """Replicas that live; None where there is nothing to tell of."""
        return len(self._heard[service]) if service in self._told(now) else None

    def oldest_command_age_s(self, service: str, now: float) -> float | None:
        """As the replicas that live told last; None where none tells."""
        self._forget(self._heard[service], now)
        ages = [heard.beat.oldest_command_age_s for heard in self._heard[service].values()]
        return max((age for age in ages if age is not None), default=None)

    def _shown(self, service: str, now: float) -> WorkerReport:
        replicas = self._heard[service]
        self._forget(replicas, now)
        ready = sum(heard.beat.status == "ready" for heard in replicas.values())
        shown: WorkerReport = {
            "status": self._status(len(replicas), ready, now),
            "replicas": len(replicas),
            "ready": ready,
        }
        age_s = self.oldest_command_age_s(service, now)
        if age_s is not None:
            shown["oldest_command_age_s"] = age_s
        return shown

    def _status(self, replicas: int, ready: int, now: float) -> WorkerStatus:
        since = self._listening_since
        if since is None:
            return "unknown"
        if replicas:
            return "ready" if ready else "unavailable"
        return "away" if now - since >= ALIVE_FOR.total_seconds() else "unknown"

    @staticmethod
    def _forget(replicas: dict[str, _Heard], now: float) -> None:
        oldest = now - ALIVE_FOR.total_seconds()
        over = [
            name
            for name, heard in replicas.items()
            if heard.at < oldest or heard.beat.status == "stopping"
        ]
        for instance in over:
            del replicas[instance]


def is_degraded(workers: dict[str, WorkerReport]) -> bool:
    """Whether one of them is known not to do its work."""
    return any(
        shown["status"] in ("unavailable", "away")
        or ("deliver" in shown and is_degraded({DELIVER: shown["deliver"]}))
        for shown in workers.values()
    )
