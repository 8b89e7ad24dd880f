"""Neither a secret nor a value of a payload is in any service's log, whatever happens to it.

Real processes of all services, at the level that says most, in both formats.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.local.test_guard import STARTS_WITHIN
from tests.support.eventually import eventually
from tests.support.servers import Broker, Database
from trigger_local import ports
from trigger_local.secrets import Secrets

VALUE = "canary-value-4b1e"
"""In payloads, and in what should be one."""
SECRET = "canary-secret-9c2d"
"""In what is sent or set as a secret, and is none here."""
DEAD = re.compile(r'] dead letter |"dead letter"')
SERVICES = ("api", "scheduler", "executor", "retention")


class Logged:
    """Services that run, with their logs in files."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self.urls: dict[str, str] = {}
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self, service: str, name: str, **environment: str) -> None:
        port = ports.choose_free(set())
        with (self._folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"trigger_{service}"),
                env={**self._environment, **environment, "ETP_HTTP_PORT": str(port)},
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        self.urls[name] = f"http://127.0.0.1:{port}"

    async def ready(self, name: str) -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=self.urls[name], trust_env=False) as http:
            return (await http.get("/ready")).json()

    async def stop(self) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        await asyncio.gather(*(one.wait() for one in self._processes))

    def text(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def whole(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self._folder.glob("*.log")))


@pytest.fixture(params=["json", "console"])
async def logged(
    request: pytest.FixtureRequest,
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
    tmp_path: Path,
) -> AsyncIterator[Logged]:
    running = Logged(
        tmp_path,
        {
            **os.environ,
            "ETP_NATS_URL": platform_streams.url,
            "ETP_BOOTSTRAP_KEY_HASH": secrets.api_key_hash,
            "ETP_SESSION_SECRET": f"{SECRET}-of-sessions-and-long-enough",
            "ETP_CACHE_URL": f"redis://:{SECRET}@127.0.0.1:{ports.choose_free(set())}/0",
            "ETP_LOG_FORMAT": request.param,
            "ETP_LOG_LEVEL": "debug",
        },
    )
    for service in SERVICES:
        await running.start(service, service, **login(service, empty_database, secrets))
    try:
        for service in SERVICES:

            async def is_ready(service: str = service) -> bool:
                return (await running.ready(service))["status"] in ("ready", "degraded")

            await eventually(is_ready, within=STARTS_WITHIN)
        yield running
    finally:
        await running.stop()


def login(service: str, database: Database, secrets: Secrets) -> dict[str, str]:
    return {
        "ETP_NATS_USER": service,
        "ETP_NATS_PASSWORD": secrets.nats[service],
        "ETP_DATABASE_URL": database.url(f"etp_{service}"),
    }


async def send_everything(http: httpx.AsyncClient, key: str) -> str:
    """Whatever callers may send, right and wrong; the id of a trigger."""
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}}
    made = await http.post(
        "/triggers/", json={"name": VALUE, "type": "api", "payload_schema": schema}
    )
    assert made.status_code == 201, made.text
    trigger_id = made.json()["id"]
    fire = f"/triggers/{trigger_id}/fire"
    for sent, status in (
        ({"payload": {"amount": 1, "note": VALUE}}, 202),
        ({"payload": {"amount": VALUE}}, 422),
        ({"payload": {}, "colour": VALUE}, 422),
    ):
        assert (await http.post(fire, json=sent)).status_code == status
        keyed = {"Idempotency-Key": f"{SECRET}-{status}"}
        assert (await http.post(fire, json=sent, headers=keyed)).status_code == status
    for body in (f'{{"payload": "{VALUE}', f'{{"payload": {VALUE}}}', VALUE):
        refused = await http.post(fire, content=body, headers={"content-type": "application/json"})
        assert refused.status_code in (400, 422), refused.text
    for wrong in (f"etp_x.{SECRET}", SECRET, f"{key}{SECRET}"):
        unknown = {"X-API-KEY": wrong}
        assert (await http.get("/triggers/", headers=unknown)).status_code == 401
        assert (await http.post("/session", json={"api_key": wrong})).status_code in (401, 422)
    assert (await http.get("/events/", params={"search": VALUE})).status_code in (200, 422)
    assert (await http.get(f"/triggers/{VALUE}?cursor={SECRET}")).status_code in (404, 422)
    return trigger_id


async def break_everything(broker: Broker, database: Database, trigger_id: str) -> None:
    """What no caller can do: messages that cannot be handled, and rows that cannot be read."""
    async with broker.connected() as admin:
        jetstream = admin.jetstream()
        for subject in (
            f"trigger.fired.{trigger_id}",
            f"trigger.due.{trigger_id}",
            "trigger.command.fire",
            "trigger.command.create",
            f"trigger.changed.{trigger_id}",
        ):
            for body in (f'{{"payload": "{VALUE}"}}', VALUE, f'{{"{VALUE}": NaN'):
                await jetstream.publish(subject, body.encode(), headers={"reply_to": VALUE})
    async with database.connected() as owner:
        await owner.execute(
            "UPDATE scheduler.change SET state = json_build_object('definition', $1::text)"
            " WHERE trigger_id = $2",
            VALUE,
            trigger_id,
        )


async def test_no_log_has_a_secret_or_a_value_of_a_payload(
    logged: Logged,
    platform_streams: Broker,
    empty_database: Database,
    secrets: Secrets,
) -> None:
    headers = {"X-API-KEY": secrets.api_key}
    async with httpx.AsyncClient(
        base_url=logged.urls["api"], headers=headers, timeout=20, trust_env=False
    ) as http:
        trigger_id = await send_everything(http, secrets.api_key)
        await break_everything(platform_streams, empty_database, trigger_id)
        failed = await http.get(f"/triggers/{trigger_id}", headers={"X-Request-ID": "request-1"})
        assert failed.status_code == 500, failed.text

        async def are_dead() -> bool:
            return all(DEAD.search(logged.text(one)) for one in SERVICES[1:])

        await eventually(are_dead, within=STARTS_WITHIN, what="each worker has a dead letter")
    # Secrets that are not right, and an address that cannot be one.
    own = login("scheduler", empty_database, secrets)
    url = empty_database.url("etp_scheduler")
    password = secrets.postgres["etp_scheduler"]
    for name, wrong in (
        ("database", {"ETP_DATABASE_URL": url.replace(password, SECRET)}),
        ("malformed", {"ETP_DATABASE_URL": url.replace(password, f"{SECRET}/#")}),
        ("broker", {"ETP_NATS_PASSWORD": SECRET}),
    ):
        await logged.start("scheduler", name, **{**own, **wrong})
    for name, words in (("database", "password authentication"), ("broker", "uthorization")):

        async def is_said(name: str = name, words: str = words) -> bool:
            return words in logged.text(name)

        await eventually(is_said, within=STARTS_WITHIN)
    await logged.stop()

    text = logged.whole()
    for canary in (VALUE, SECRET, secrets.api_key, *secrets.nats.values()):
        found = [line for line in text.splitlines() if canary in line]
        assert not found, found[:3]
    for role in secrets.postgres.values():
        assert role not in text
    if '"service"' in text:
        _are_records(logged, trigger_id)


def _are_records(logged: Logged, trigger_id: str) -> None:
    """In JSON each line is a record, and says what it is about where that is known."""
    records = [
        json.loads(line) for service in SERVICES for line in logged.text(service).splitlines()
    ]
    assert {record["service"] for record in records} == set(SERVICES)
    assert all({"event", "level", "timestamp"} <= record.keys() for record in records)
    (failed,) = [one for one in records if one["event"] == "request failed"]
    assert (failed["request_id"], failed["trigger_id"]) == ("request-1", trigger_id)
    assert failed["key_id"]
    assert "Traceback" in failed["exception"]
    letters = [one for one in records if one["event"] == "dead letter"]
    assert {one["service"] for one in letters} == set(SERVICES[1:])
    assert any(one.get("trigger_id") == trigger_id for one in letters)
