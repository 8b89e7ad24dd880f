"""Credentials are renewed in place while a process runs: it uses the new ones by itself."""

import time
from pathlib import Path

import pytest

from tests.support import own_servers
from tests.support.eventually import eventually
from tests.support.nats_keys import ACCOUNT, OPERATOR, USER, KeyPair, creds, trusting
from trigger_runtime.jetstream.client import FastClient
from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.settings import NatsSettings

FREE = {"subs": -1, "data": -1, "payload": -1}


async def test_credentials_that_expire_are_replaced_by_the_next_ones(tmp_path: Path) -> None:
    account, user, file = KeyPair(ACCOUNT), KeyPair(USER), tmp_path / "api.creds"

    def write(expires_at: int | None) -> None:
        jwt = account.jwt(user.public, "user", expires_at=expires_at, **FREE)
        file.write_text(creds(jwt, user.seed))

    async with own_servers.broker(trusting(KeyPair(OPERATOR), account)) as port:
        write(int(time.time()) + 3)
        url = f"nats://127.0.0.1:{port}"
        connection = Connection(NatsSettings(nats_url=url, nats_creds_file=str(file)), "api")
        try:
            await connection.start()
            await connection.wait_connected(20)

            def refused() -> bool:
                return "Authorization Violation" in str(connection.client.last_error)

            await eventually(refused, within=20)
            assert not connection.is_connected
            write(None)
            await connection.wait_connected(20)
            await connection.ping()
            assert not connection.lost.is_set()
        finally:
            await connection.close()


@pytest.mark.parametrize(
    "said",
    [
        "User Authentication Expired",
        "User Authentication Revoked",
        "Account Authentication Expired",
    ],
)
async def test_whatever_is_over_is_begun_anew(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """In the words of nats-server, as nats-py hands them on."""
    client = FastClient()
    told: list[str] = []
    begun_anew: list[str] = []

    async def tell(error: Exception) -> None:
        told.append(str(error))

    async def begin_anew(error: Exception) -> None:
        begun_anew.append(str(error))

    monkeypatch.setattr(client, "_error_cb", tell)
    monkeypatch.setattr(client, "_process_op_err", begin_anew)
    await client._process_err(f"'{said}'".lower())
    assert told == begun_anew == [f"nats: '{said.lower()}'"]
    assert not client.is_closed
