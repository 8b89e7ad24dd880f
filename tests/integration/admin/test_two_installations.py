"""Two platforms on one broker and one database server: neither sees the other.

Accounts of the broker keep their streams apart, databases their tables, and a prefix their roles,
which are the server's.
"""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support import own_servers
from tests.support.eventually import eventually
from tests.support.installation import Environment, Installation, installed, provision
from tests.support.servers import Postgres
from trigger_admin import accounts
from trigger_contracts.topology import EXTERNALS, PLATFORM_ACCOUNT
from trigger_local.secrets import DATABASE_OWNER, Secrets, generate

PREFIXES = ("blue_", "green_")


def with_prefix(prefix: str, secrets: Secrets) -> dict[str, Any]:
    """The platform's accounts under other names, with users of other names: these are the
    server's, too."""
    text = json.dumps(accounts.configuration(secrets.nats))
    for name in (PLATFORM_ACCOUNT, *(external.account for external in EXTERNALS.values())):
        text = text.replace(f'"{name}"', f'"{prefix}{name}"')
    for user in secrets.nats:
        text = text.replace(f'"user": "{user}"', f'"user": "{prefix}{user}"')
    return dict(json.loads(text))


def told(prefix: str, secrets: Secrets, nats: int, postgres: Postgres) -> Environment:
    def environment(user: str) -> dict[str, str]:
        administrator = postgres.url(name=f"{prefix}etp")
        role, place = f"{prefix}etp_{user}", administrator.rpartition("@")[2]
        password = secrets.postgres.get(f"etp_{user}", "")
        return {
            "ETP_NATS_URL": f"nats://127.0.0.1:{nats}",
            "ETP_NATS_USER": f"{prefix}{user}",
            "ETP_NATS_PASSWORD": secrets.nats[user],
            "ETP_DATABASE_URL": administrator
            if user == "admin"
            else f"postgresql://{role}:{password}@{place}",
            "ETP_DATABASE_ROLE_PREFIX": prefix,
        }

    return environment


async def test_two_installations_on_the_same_servers_do_not_see_each_other(
    postgres: Postgres, tmp_path: Path
) -> None:
    secrets = {prefix: generate() for prefix in PREFIXES}
    both = {**with_prefix("blue_", secrets["blue_"]), **with_prefix("green_", secrets["green_"])}
    async with own_servers.broker({"accounts": both}) as nats:
        environments = {
            prefix: told(prefix, secrets[prefix], nats, postgres) for prefix in PREFIXES
        }
        folders = {prefix: tmp_path / prefix for prefix in PREFIXES}
        for folder in folders.values():
            folder.mkdir()
        try:
            # At the same time, and each twice.
            done = await asyncio.gather(
                *(provision(environments[prefix], secrets[prefix]) for prefix in PREFIXES * 2)
            )
            assert [code for code, _ in done] == [0] * 4, done
            async with (
                installed(environments["blue_"], secrets["blue_"], folders["blue_"]) as blue,
                installed(environments["green_"], secrets["green_"], folders["green_"]) as green,
            ):
                await each_sees_its_own_fires_alone(blue, green)
                denied = await green.api.get(
                    "/triggers/", headers={"X-API-KEY": secrets["blue_"].api_key}
                )
                assert denied.status_code == 401
            await nobody_enters_the_others_database(environments)
            await another_prefix_is_refused(environments["blue_"], secrets["blue_"])
        finally:
            await removed(postgres)


async def each_sees_its_own_fires_alone(blue: Installation, green: Installation) -> None:
    fired: dict[str, list[str]] = {}
    for name, one in (("blue", blue), ("green", green)):
        trigger_id = await one.create(name)
        fired[name] = [await one.fire(trigger_id) for _ in range(5)]

    async def has_all(one: Installation, name: str) -> bool:
        return {row["id"] for row in await one.logged()} == set(fired[name])

    await eventually(partial(has_all, blue, "blue"), within=30, what="blue's log")
    await eventually(partial(has_all, green, "green"), within=30, what="green's log")
    for name, one in (("blue", blue), ("green", green)):
        listed = (await one.api.get("/triggers/")).json()
        assert [trigger["name"] for trigger in listed] == [name]
        assert await has_all(one, name), "nothing of the other's came meanwhile"


async def nobody_enters_the_others_database(environments: dict[str, Environment]) -> None:
    for service in ("api", "scheduler", "retention"):
        server = environments["blue_"](service)["ETP_DATABASE_URL"].rpartition("/")[0]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(f"{server}/green_etp")


async def another_prefix_is_refused(environment: Environment, secrets: Secrets) -> None:
    def with_another(user: str) -> dict[str, str]:
        return {**environment(user), "ETP_DATABASE_ROLE_PREFIX": "other_"}

    code, said = await provision(with_another, secrets)
    assert code == 1
    assert said.splitlines()[-1].startswith("etp: The database blue_etp belongs to blue_etp_owner")


async def removed(postgres: Postgres) -> None:
    """The roles as well: they are the server's, which other tests use."""
    for prefix in PREFIXES:
        await postgres.drop_database(f"{prefix}etp")
    async with postgres.connected() as admin:
        roles = await admin.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^(blue|green)_' AND rolname <> $1",
            DATABASE_OWNER,
        )
        for role in roles:
            await admin.execute(f'DROP ROLE "{role["rolname"]}"')
