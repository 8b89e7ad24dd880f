"""A second API key of a running platform: a gateway of its own, beside the first one.

Quotas and turns tell keys apart, and a gateway has one. It is the real one, with the first one's
settings but for port and key.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import httpx
import psutil

from tests.support.eventually import eventually
from tests.support.whole_platform import TIMEOUT, Platform
from trigger_local import ports, secrets


@contextlib.asynccontextmanager
async def another_key(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client with it, once its gateway is ready."""
    made = secrets.generate()
    port = ports.choose_free(set())
    environment = psutil.Process(platform.pids()["api"]).environ()
    environment |= {"ETP_HTTP_PORT": str(port), "ETP_BOOTSTRAP_KEY_HASH": made.api_key_hash}
    with (platform.root / "logs" / "another-api.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trigger_api"), env=environment, stdout=log, stderr=log
        )
    url, headers = f"http://127.0.0.1:{port}", {"X-API-KEY": made.api_key}
    try:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as rest:

            async def is_ready() -> bool:
                return (await rest.get("/ready")).status_code == 200

            await eventually(is_ready, within=TIMEOUT, what="the second gateway is ready")
            yield rest
    finally:
        process.terminate()
        await process.wait()
