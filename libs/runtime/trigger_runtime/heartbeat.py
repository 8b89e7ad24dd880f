"""A worker's heartbeat: one pass of a loop each second, by the same event loop as its work."""

from datetime import timedelta

from nats.errors import Error as NatsError

from trigger_contracts import heartbeats, subjects
from trigger_contracts.subjects import Service

from .health import Health
from .ids import new_id
from .loops import Loop
from .nats import Connection


def heartbeat_loop(connection: Connection, health: Health, service: Service) -> Loop:
    """Not yet started. A heartbeat that cannot be sent is not made up for."""
    instance = new_id()

    async def beat() -> timedelta:
        _, report = await health.ready()
        said = heartbeats.Heartbeat(instance=instance, status=report["status"])
        try:
            if connection.is_connected:
                await connection.client.publish(
                    subjects.alive(service), said.model_dump_json().encode()
                )
        except (NatsError, OSError):
            """The connection says so itself."""
        return heartbeats.EVERY

    return Loop("heartbeat", beat)
