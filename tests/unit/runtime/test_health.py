"""What a process says of itself, by what it depends on and by how far its life is."""

import json
from typing import Any

from trigger_runtime.http.health import Health, HealthApp
from trigger_runtime.process.errors import NotReady


async def asked(app: HealthApp, path: str) -> tuple[int, dict[str, Any]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "path": path, "method": "GET", "headers": []}
    await app(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def away() -> None:
    raise NotReady("away")


async def test_it_serves_from_its_start_until_it_drains_whatever_is_away() -> None:
    health = Health("scheduler")
    health.add("database", away)
    app = HealthApp(health)
    assert await asked(app, "/serving") == (503, {"status": "starting", "service": "scheduler"})
    health.started = True
    assert await asked(app, "/serving") == (200, {"status": "serving", "service": "scheduler"})
    status, report = await asked(app, "/ready")
    assert (status, report["status"], report["checks"]) == (
        503,
        "unavailable",
        {"database": "away"},
    )
    health.stopping = True
    assert await asked(app, "/serving") == (503, {"status": "stopping", "service": "scheduler"})
    assert (await asked(app, "/health"))[0] == 200
