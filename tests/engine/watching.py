"""What the Prometheus of the Compose files sees of the platform, asked as its page does."""

from typing import Any

import httpx

from tests.support.engine.deployed import SERVICES, Deployment
from tests.support.eventually import eventually

SEEN_S = 90.0
"""Until a change is seen: services are looked up, scraped and judged every 15 s each."""
HOLDS_S = 180.0
"""Until an alert rises that must have held for a minute."""

JOBS = [f"etp-{service}" for service in SERVICES]


class Watching:
    """One Prometheus."""

    def __init__(self, deployment: Deployment) -> None:
        self._address = f"http://127.0.0.1:{deployment.prometheus}/api/v1"

    async def sees_every_service(self) -> None:
        async def all_up() -> bool:
            rows = (await self._ask("query", query="up == 1"))["result"]
            # Each once: an address in a second network would count twice.
            return sorted(row["metric"]["job"] for row in rows) == sorted(JOBS)

        await eventually(all_up, within=SEEN_S, poll=1, what="every service is scraped")

    async def judges(self, alert: str) -> dict[str, str]:
        """Wait until this alert's expression could be judged; how it went with each alert's.

        A rule is "unknown" until its group was judged for the first time.
        """

        async def judged() -> dict[str, str] | None:
            groups = (await self._ask("rules"))["groups"]
            health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
            return health if health[alert] == "ok" else None

        return await eventually(judged, within=SEEN_S, poll=1, what=f"{alert} is judged")

    async def until(self, alert: str, job: str, *, fires: bool) -> None:
        """Wait until this alert fires of this job, or until it does not."""

        async def seen() -> bool:
            found = {
                (one["labels"]["alertname"], one["labels"].get("job"))
                for one in (await self._ask("alerts"))["alerts"]
                if one["state"] == "firing"
            }
            return ((alert, job) in found) == fires

        await eventually(seen, within=HOLDS_S, poll=1, what=f"{alert} of {job}: {fires}")

    async def _ask(self, what: str, **query: str) -> Any:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{self._address}/{what}", params=query)
            assert answer.status_code == 200, answer.text
            return answer.json()["data"]
