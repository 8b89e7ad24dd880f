"""Certificates are renewed in place while a process runs: it uses the new ones by itself."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support import own_servers
from tests.support.certificates import Authority, Pair
from tests.support.eventually import eventually
from trigger_admin import accounts
from trigger_local import ports
from trigger_local.secrets import Secrets
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.settings import NatsSettings


@asynccontextmanager
async def broker(secrets: Secrets, port: int, pair: Pair) -> AsyncIterator[None]:
    tls = {"cert_file": str(pair.certificate), "key_file": str(pair.key)}
    known = accounts.configuration(secrets.nats)
    async with own_servers.broker(
        {"tls": tls, "accounts": known}, port, reads=pair.certificate.parent
    ):
        yield


@pytest.mark.parametrize("when", ["connected before", "never connected"])
async def test_a_broker_that_is_not_trusted_is_tried_again_until_it_is(
    secrets: Secrets, tmp_path: Path, when: str
) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    trusted = tmp_path / "trusted.pem"
    shutil.copy(old.file, trusted)
    port = ports.choose_free(set())
    settings = NatsSettings(
        nats_url=f"nats://127.0.0.1:{port}",
        nats_ca_file=str(trusted),
        nats_user="api",
        nats_password=secrets.nats["api"],
    )
    connection = Connection(settings, "api")
    try:
        if when == "connected before":
            async with broker(secrets, port, old.sign("old-server")):
                await connection.start()
                await connection.wait_connected(20)
        async with broker(secrets, port, new.sign("new-server")):
            await connection.start()

            def refused() -> bool:
                return "CERTIFICATE_VERIFY_FAILED" in str(connection.client.last_error)

            await eventually(refused, within=20)
            assert not connection.is_connected
            shutil.copy(new.file, trusted)
            await connection.wait_connected(20)
            await connection.ping()
    finally:
        await connection.close()
