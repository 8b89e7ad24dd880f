"""A PostgreSQL that is too old for the services' statements: no admin step begins on it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import nats
import pytest

from tests.support import own_servers
from tests.support.installation import provision
from trigger_admin import accounts
from trigger_admin.database import DATABASE
from trigger_admin.errors import ServerTooOldError
from trigger_admin.installation import ADMIN, Installation, at_database
from trigger_admin.rebuild import rebuild_all
from trigger_local.secrets import DATABASE_OWNER, Secrets


@dataclass(frozen=True)
class Servers:
    """A PostgreSQL 17 and a broker, with nothing in them."""

    target: Installation

    def environment(self, _user: str) -> dict[str, str]:
        return {
            "ETP_NATS_URL": self.target.nats_url,
            "ETP_NATS_USER": ADMIN,
            "ETP_NATS_PASSWORD": self.target.nats_password,
            "ETP_DATABASE_URL": self.target.database_url,
        }

    async def made(self) -> tuple[list[str], list[str], int]:
        """What anybody has made: databases, roles, and how many streams."""
        server = await asyncpg.connect(at_database(self.target.database_url, "postgres"))
        databases = await server.fetch("SELECT datname FROM pg_database ORDER BY 1")
        roles = await server.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' ORDER BY 1"
        )
        await server.close()
        client = await nats.connect(
            self.target.nats_url, user=ADMIN, password=self.target.nats_password
        )
        streams = await client.jetstream().streams_info()
        await client.close()
        return [one[0] for one in databases], [one[0] for one in roles], len(streams)


@pytest.fixture
async def old(secrets: Secrets) -> AsyncIterator[Servers]:
    password = secrets.postgres[DATABASE_OWNER]
    async with (
        own_servers.broker({"accounts": accounts.configuration(secrets.nats)}) as broker,
        own_servers.database(password, {}, "host all all all scram-sha-256\n") as database,
    ):
        yield Servers(
            Installation(
                nats_url=f"nats://127.0.0.1:{broker}",
                nats_password=secrets.nats[ADMIN],
                database_url=f"postgresql://{DATABASE_OWNER}:{password}@127.0.0.1:{database}/{DATABASE}",
                role_passwords=secrets.postgres,
            )
        )


async def test_an_older_server_is_named_in_a_line_and_left_as_it_is(
    old: Servers, secrets: Secrets
) -> None:
    before = await old.made()
    assert before == (["postgres", "template0", "template1"], [DATABASE_OWNER], 0)
    code, said = await provision(old.environment, secrets)
    assert code == 1, said
    (line,) = said.splitlines()
    assert "is PostgreSQL 17." in line
    assert "the platform needs PostgreSQL 18 or newer" in line
    with pytest.raises(ServerTooOldError):
        await rebuild_all(old.target)
    assert await old.made() == before
