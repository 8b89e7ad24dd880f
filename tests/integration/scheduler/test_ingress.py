"""The stream of NATS clients' commands is gone: the scheduler says so, and works for all others."""

import asyncio
import contextlib
import json
import sys
from typing import Any

import httpx
import pytest
from nats.js.errors import NoStreamResponseError

from tests.integration.scheduler.conftest import Platform
from tests.support.eventually import eventually
from trigger_contracts import subjects
from trigger_contracts.subjects import Service, Verb
from trigger_contracts.topology import INGRESS
from trigger_local import ports
from trigger_runtime.process.ids import new_id

CREATE = {"name": "a", "type": "api"}


async def created_by_the_gateway(platform: Platform) -> dict[str, Any]:
    """The result of a command that goes straight into the stream of commands."""
    async with platform.broker.connected(Service.API) as gateway:
        reply_to = f"{subjects.inbox_prefix(Service.API)}.{new_id()}"
        results = await gateway.subscribe(reply_to)
        await gateway.jetstream().publish(
            subjects.command(Verb.CREATE),
            json.dumps(CREATE).encode(),
            headers={subjects.REPLY_TO_HEADER: reply_to},
        )
        result: dict[str, Any] = json.loads((await results.next_msg(timeout=10)).data)
        return result


async def test_a_scheduler_names_it_and_goes_on(platform: Platform) -> None:
    await platform.admin.client.jetstream().delete_stream(INGRESS.name)
    port = ports.choose_free(set())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trigger_scheduler"), env=platform.environment(port)
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

            async def said() -> str:
                with contextlib.suppress(httpx.TransportError):
                    answer = await http.get("/ready")
                    if answer.status_code == 200 and answer.json()["status"] == "degraded":
                        return str(answer.json()["checks"]["ingress"])
                return ""

            told = await eventually(said, within=60)
            assert told == f"{INGRESS.name} is missing. etp up and etp provision mend that"
            with pytest.raises(NoStreamResponseError):
                await platform.send(Verb.CREATE, CREATE)
            assert (await created_by_the_gateway(platform))["trigger_id"]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
