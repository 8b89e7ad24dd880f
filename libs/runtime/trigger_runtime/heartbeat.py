"""A worker's heartbeat: one pass of a loop each second, by the same event loop as its work."""

from collections.abc import Sequence
from datetime import timedelta

from nats.errors import Error as NatsError

from trigger_contracts import heartbeats, subjects
from trigger_contracts.subjects import Service
from trigger_runtime.http.health import Health
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.clock import SystemClock
from trigger_runtime.process.ids import new_id
from trigger_runtime.process.loops import Loop

_SAID = 1000
"""Characters of what a check says, at the most."""


def heartbeat_loop(
    connection: Connection, health: Health, service: Service, roles: Sequence[str] | None = None
) -> Loop:
    """Not yet started. A heartbeat that cannot be sent is not made up for. ``roles``: what this
    process does, where that is not all that its service does.
    """
    instance, started_at = new_id(), SystemClock().now()
    version = health.health()["version"]

    async def beat() -> timedelta:
        _, report = await health.ready()
        said = heartbeats.Heartbeat(
            instance=instance,
            # Whoever works is ready, whatever else there is to say of it.
            status="ready" if report["status"] == "degraded" else report["status"],
            oldest_command_age_s=report.get("oldest_command_age_s"),
            lag_s=report.get("lag_s"),
            version=version,
            started_at=started_at,
            roles=None if roles is None else tuple(roles),
            checks={name: found[:_SAID] for name, found in report["checks"].items()},
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
