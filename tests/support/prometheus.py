"""A real Prometheus on loopback with the platform's own rules. It asks its targets each second."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support import monitoring
from tests.support.eventually import eventually
from trigger_local import ports


class Prometheus:
    """As its HTTP API shows it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return (await self._http.get("/-/ready")).status_code == 200
        return False

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector that it is now."""
        answer = await self._http.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    async def firing(self) -> set[tuple[str, str]]:
        """Alerts that are raised, each with the job or service that it is about."""
        answer = await self._http.get("/api/v1/alerts")
        assert answer.status_code == 200, answer.text
        return {
            (labels["alertname"], labels.get("job") or labels.get("service", ""))
            for alert in answer.json()["data"]["alerts"]
            if alert["state"] == "firing"
            for labels in (alert["labels"],)
        }


def _configured(folder: Path, targets: Mapping[str, str], alert_after: str) -> Path:
    rules = monitoring.read(monitoring.RULES)
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["for"] = alert_after
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [target]}]}
        for job, target in targets.items()
    ]
    configuration = {"global": every, "rule_files": ["rules.yaml"], "scrape_configs": jobs}
    path = folder / "prometheus.yaml"
    path.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    return path


@contextlib.asynccontextmanager
async def running(
    folder: Path, targets: Mapping[str, str], *, alert_after: str
) -> AsyncIterator[Prometheus]:
    """``targets``: host and port by job. Every rule's ``for`` is ``alert_after`` instead."""
    port = ports.choose_free(set())
    process = await asyncio.create_subprocess_exec(
        monitoring.program("prometheus"),
        f"--config.file={_configured(folder, targets, alert_after)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
    try:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            prometheus = Prometheus(http)
            await eventually(prometheus.is_ready, within=30, what="Prometheus is ready")
            yield prometheus
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
