"""A worker's heartbeat: one pass of a loop each second, by the same event loop as its work."""

from datetime import timedelta

from nats.errors import Error as NatsError

from trigger_contracts import heartbeats, subjects
from trigger_contracts.subjects import Service
from trigger_runtime.http.health import Health
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.ids import new_id
from trigger_runtime.process.loops import Loop


def heartbeat_loop(connection: Connection, health: Health, service: Service) -> Loop:
    """Not yet started. A heartbeat that cannot be sent is not made up for."""
    instance = new_id()

    async def beat() -> timedelta:
        _, report = await health.ready()
        said = heartbeats.Heartbeat(
            instance=instance,
            status=report["status"],
            oldest_command_age_s=report.get("oldest_command_age_s"),
        )
        try:
            if connection.is_connected:
                await connection.client.publish(
                    subjects.alive(service), said.model_dump_json(exclude_none=True).encode()
                )
        except (NatsError, OSError):
            """The connection says so itself."""
        return heartbeats.EVERY

    return Loop("heartbeat", beat)
