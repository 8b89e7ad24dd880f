"""Hears the workers' heartbeats, and tells of them in ``/ready`` and by a metric."""

from collections.abc import Callable
from functools import partial

from nats.aio.msg import Msg
from pydantic import ValidationError

from trigger_api.domain.workers import Workers, is_degraded
from trigger_contracts.heartbeats import DELIVER, Heartbeat, workers_of
from trigger_contracts.subjects import Service
from trigger_contracts.topology import WORKERS
from trigger_runtime.http.health import Health
from trigger_runtime.jetstream.connection import Connection

from . import meter

TOLD = (*WORKERS, DELIVER)
"""What is told apart: each service, and who delivers."""


class HeartbeatListener:
    """Hears workers' heartbeats, and tells who lives (``domain.workers``).

    It is ``listening`` as soon as the broker sends it heartbeats.
    """

    def __init__(self, connection: Connection, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._workers = Workers(TOLD)
        connection.on_disconnect(self._workers.deaf)
        connection.on_reconnect(self.listening)
        for worker in TOLD:
            meter.alive(worker, partial(self._alive, worker))
        meter.oldest_command(self._oldest_command_age_s)

    def tell(self, health: Health) -> None:
        """Have ``health`` report the workers beside its own checks."""
        health.tell("workers", lambda: self._workers.shown(self._monotonic()))
        health.degraded_by(lambda: is_degraded(self._workers.shown(self._monotonic())))

    def beats(self) -> dict[str, list[Heartbeat]]:
        """What each worker's replicas that live said last; nothing while none can be heard."""
        return self._workers.beats(self._monotonic())

    def _alive(self, service: str) -> int | None:
        return self._workers.alive(service, self._monotonic())

    def _oldest_command_age_s(self) -> float | None:
        return self._workers.oldest_command_age_s(Service.SCHEDULER, self._monotonic())

    def listening(self) -> None:
        self._workers.listen(self._monotonic())

    async def hear(self, message: Msg) -> None:
        service = message.subject.rpartition(".")[2]
        try:
            beat = Heartbeat.model_validate_json(message.data)
        except ValidationError:
            return  # of another version, then: it is as good as none
        for worker in workers_of(service, beat):
            self._workers.hear(worker, beat, self._monotonic())
