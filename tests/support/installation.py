"""A platform as an operator installs it: provisioned by the command, each service a process.

On servers of the test's choice, told of them by environments alone. For how services enter their
servers, and for several platforms on the same ones.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.support.eventually import eventually
from trigger_contracts.subjects import Service
from trigger_local import ports
from trigger_local.secrets import Secrets

READY_WITHIN = 40.0
STOPPED_WITHIN = 15.0

Environment = Callable[[str], Mapping[str, str]]
"""What a NATS user's program is told: of a service, or of ``admin``."""


async def provision(environment: Environment, secrets: Secrets) -> tuple[int | None, str]:
    """``python -m trigger_admin provision``: exit code and all that was said."""
    passwords = {
        f"ETP_{service.upper()}_PASSWORD": secrets.postgres[f"etp_{service}"] for service in Service
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trigger_admin", "provision"),
        env={**os.environ, **passwords, **environment("admin")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, said.decode()


@dataclass(frozen=True)
class Installation:
    urls: Mapping[Service, str]
    processes: Mapping[Service, asyncio.subprocess.Process]
    logs: Path
    api: httpx.AsyncClient

    async def create(self, name: str) -> str:
        """The id of a trigger that fires when it is asked to."""
        body = {"type": "api", "name": name, "payload": {"of": name}}
        answer = await self.api.post("/triggers/", json=body)
        # On a busy machine a scheduler that has just begun is not there within its 2 s.
        assert answer.status_code in {201, 202}, answer.text
        trigger_id = str(answer.json()["id"])
        place = f"{self.urls[Service.API]}/triggers/{trigger_id}"
        await eventually(
            partial(_answers, self.api, place), within=READY_WITHIN, what=f"{name} is there"
        )
        return trigger_id

    async def fire(self, trigger_id: str) -> str:
        answer = await self.api.post(f"/triggers/{trigger_id}/fire")
        assert answer.status_code == 202, answer.text
        return str(answer.json()["event_id"])

    async def logged(self) -> list[dict[str, Any]]:
        answer = await self.api.get("/events/")
        assert answer.status_code == 200, answer.text
        return list(answer.json())


@contextlib.asynccontextmanager
async def installed(
    environment: Environment,
    secrets: Secrets,
    folder: Path,
    services: Collection[Service] = tuple(Service),
) -> AsyncIterator[Installation]:
    """Services that are ready, for the block. Each of them must stop with exit code 0."""
    taken: set[int] = set()
    processes: dict[Service, asyncio.subprocess.Process] = {}
    urls: dict[Service, str] = {}
    try:
        for service in services:
            port = ports.choose_free(taken)
            taken.add(port)
            urls[service] = f"http://127.0.0.1:{port}"
            with (folder / f"{service}.log").open("wb") as log:
                processes[service] = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", f"trigger_{service}"),
                    env={
                        **os.environ,
                        "ETP_HTTP_PORT": str(port),
                        "ETP_BOOTSTRAP_KEY_HASH": secrets.api_key_hash,
                        **environment(service),
                    },
                    stdout=log,
                    stderr=log,
                )
        async with httpx.AsyncClient(
            base_url=urls.get(Service.API, ""),
            headers={"X-API-KEY": secrets.api_key},
            trust_env=False,
        ) as api:
            for service, url in urls.items():
                await eventually(
                    partial(_answers, api, f"{url}/ready"),
                    within=READY_WITHIN,
                    what=f"{service} is ready: see {folder}/{service}.log",
                )
            yield Installation(urls, processes, folder, api)
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for service, process in processes.items():
            code = await asyncio.wait_for(process.wait(), STOPPED_WITHIN)
            assert code == 0, f"{service}: {code}"
    finally:
        for process in processes.values():
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False
