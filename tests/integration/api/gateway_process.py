"""A gateway in a process of its own, which can be told to stop."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.support.servers import Broker, Database
from trigger_local import ports
from trigger_local.secrets import Secrets


@dataclass
class GatewayProcess:
    process: asyncio.subprocess.Process
    url: str
    _reading: "asyncio.Task[bytes]"

    async def said(self) -> str:
        """All it logged, once it has ended."""
        return (await self._reading).decode()


@contextlib.asynccontextmanager
async def gateway_process(
    broker: Broker,
    database: Database,
    secrets: Secrets,
    *,
    files: int | None = None,
    **environment: str,
) -> AsyncIterator[GatewayProcess]:
    """Started, ready or not; killed at the end where it has not ended.

    ``files`` is how many it may have open.
    """
    port = ports.choose_free(set())
    limited = () if files is None else ("sh", "-c", f'ulimit -n {files}; exec "$@"', "sh")
    process = await asyncio.create_subprocess_exec(
        *limited,
        sys.executable,
        "-m",
        "trigger_api",
        env={
            **os.environ,
            "ETP_NATS_URL": broker.url,
            "ETP_NATS_USER": "api",
            "ETP_NATS_PASSWORD": secrets.nats["api"],
            "ETP_DATABASE_URL": database.url("etp_api"),
            "ETP_HTTP_PORT": str(port),
            "ETP_BOOTSTRAP_KEY_HASH": secrets.api_key_hash,
            **environment,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    reading = asyncio.create_task(process.stderr.read())
    try:
        yield GatewayProcess(process, f"http://127.0.0.1:{port}", reading)
    finally:
        if process.returncode is None:
            process.kill()
        await reading
