"""Servers that demand TLS, a certificate or a key: services and the administrator enter them.

Each server is a real one that lets nobody in otherwise, which is tried as well.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support import own_servers
from tests.support.certificates import Authority
from tests.support.eventually import eventually
from tests.support.installation import installed, provision
from tests.support.nats_keys import ACCOUNT, OPERATOR, USER, KeyPair, creds, trusting
from tests.support.servers import Postgres
from trigger_admin import accounts, streams
from trigger_admin.entering import enter
from trigger_admin.errors import AdminError
from trigger_admin.installation import ADMIN, Installation, admin_connection
from trigger_admin.provision import provision_database
from trigger_contracts.subjects import Service
from trigger_contracts.topology import EXTERNALS, PERMISSIONS, PLATFORM_ACCOUNT
from trigger_local.secrets import DATABASE_OWNER, Secrets
from trigger_runtime.process.broker_settings import BrokerSettings

OURS = [str(user) for user in PERMISSIONS if user not in EXTERNALS]


def role_of(user: str) -> str:
    return DATABASE_OWNER if user == "admin" else f"etp_{user}"


async def refusal(user: str = "admin", **settings: Any) -> str:
    """Why a broker with these settings lets the administrator not in."""
    with pytest.raises(AdminError) as refused:
        await enter(BrokerSettings(nats_user=user, **settings), user)
    return str(refused.value)


async def test_a_broker_that_demands_tls_and_certificates(
    secrets: Secrets, tmp_path: Path, postgres: Postgres
) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    server, client = authority.sign("server"), authority.sign("client")
    foreign = stranger.sign("foreign")
    tls = {
        "cert_file": str(server.certificate),
        "key_file": str(server.key),
        "ca_file": str(authority.file),
        "verify": True,
    }
    async with own_servers.broker(
        {"tls": tls, "accounts": accounts.configuration(secrets.nats)}, reads=tmp_path
    ) as nats:
        entering = {
            "nats_url": f"nats://127.0.0.1:{nats}",
            "nats_password": secrets.nats["admin"],
            "nats_ca_file": str(authority.file),
            "nats_cert_file": str(client.certificate),
            "nats_key_file": str(client.key),
        }
        without = {"nats_cert_file": None, "nats_key_file": None}
        assert "certificate" in (await refusal(**{**entering, **without})).lower()
        other = {"nats_cert_file": str(foreign.certificate), "nats_key_file": str(foreign.key)}
        assert "127.0.0.1" in await refusal(**{**entering, **other})
        assert "certificate verify failed" in await refusal(
            **{**entering, "nats_ca_file": str(stranger.file)}
        )

        def environment(user: str) -> dict[str, str]:
            return {
                "ETP_NATS_URL": f"tls://127.0.0.1:{nats}",
                "ETP_NATS_USER": user,
                "ETP_NATS_PASSWORD": secrets.nats[user],
                "ETP_NATS_CA_FILE": str(authority.file),
                "ETP_NATS_CERT_FILE": str(client.certificate),
                "ETP_NATS_KEY_FILE": str(client.key),
                "ETP_DATABASE_URL": postgres.url(role_of(user), "over_tls"),
            }

        try:
            code, said = await provision(environment, secrets)
            assert code == 0, said
            async with installed(environment, secrets, tmp_path) as platform:
                event_id = await platform.fire(await platform.create("guarded"))

                async def is_logged() -> bool:
                    return [row["id"] for row in await platform.logged()] == [event_id]

                await eventually(is_logged, within=30, what="the fire is in the log")
        finally:
            await postgres.drop_database("over_tls")


@pytest.mark.embedded("PostgreSQL with TLS comes from a wheel: the engine's own image is without")
async def test_a_database_that_demands_tls(secrets: Secrets, tmp_path: Path) -> None:
    """Every kind of connection: the administrator's, pools of workers, the gateway's engine.

    A PostgreSQL 17, which lets everybody connect and is too old for the scheduler's statements. So
    the command says no more than that, once it is in, and the parts of its step are taken one by
    one; the streams are this test's own, and empty.
    """
    authority = Authority(tmp_path)
    server = authority.sign("server")
    async with (
        own_servers.broker({"accounts": accounts.configuration(secrets.nats)}) as nats,
        own_servers.database(
            secrets.postgres[DATABASE_OWNER],
            {"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server-key.pem"},
            "hostssl all all all scram-sha-256\n",
            (server.certificate, server.key),
        ) as port,
    ):

        def url(user: str, options: str) -> str:
            role = role_of(user)
            login = f"{role}:{secrets.postgres[role]}"
            return f"postgresql://{login}@127.0.0.1:{port}/etp?{options}"

        def environment(user: str) -> dict[str, str]:
            return {
                "ETP_NATS_URL": f"nats://127.0.0.1:{nats}",
                "ETP_NATS_USER": user,
                "ETP_NATS_PASSWORD": secrets.nats[user],
                "ETP_DATABASE_URL": url(user, f"sslmode=verify-full&sslrootcert={authority.file}"),
            }

        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no encryption"):
            await asyncpg.connect(url("admin", "sslmode=disable"))
        code, said = await provision(environment, secrets)
        assert code == 1, said
        assert "is PostgreSQL 17." in said
        target = Installation(
            nats_url=environment(ADMIN)["ETP_NATS_URL"],
            nats_password=secrets.nats[ADMIN],
            database_url=environment(ADMIN)["ETP_DATABASE_URL"],
            role_passwords=secrets.postgres,
        )
        async with admin_connection(target) as client:
            await streams.apply(client)
        await provision_database(target)
        with_database = [Service.API, Service.SCHEDULER, Service.RETENTION]
        async with installed(environment, secrets, tmp_path, with_database) as platform:
            assert await platform.logged() == []
            admin = await asyncpg.connect(environment("admin")["ETP_DATABASE_URL"])
            sessions = await admin.fetch(
                "SELECT usename, bool_and(ssl) AS encrypted FROM pg_stat_ssl"
                " JOIN pg_stat_activity USING (pid) WHERE datname = 'etp' GROUP BY usename"
            )
            await admin.close()
    assert {one["usename"]: one["encrypted"] for one in sessions} == dict.fromkeys(
        ("etp_api", "etp_scheduler", "etp_retention", DATABASE_OWNER), True
    )


async def test_a_broker_that_knows_users_by_their_nkeys(
    secrets: Secrets, tmp_path: Path, postgres: Postgres
) -> None:
    authority = Authority(tmp_path)
    server = authority.sign("server")
    keys = {user: KeyPair(USER) for user in OURS}
    known = copy.deepcopy(accounts.configuration(secrets.nats))
    platform_account: Any = known[PLATFORM_ACCOUNT]
    for user in platform_account["users"]:
        del user["password"]
        user["nkey"] = keys[user.pop("user")].public
    tls = {"cert_file": str(server.certificate), "key_file": str(server.key)}
    for user, key in keys.items():
        (tmp_path / f"{user}.nk").write_text(f"{key.seed}\n")
    async with own_servers.broker({"tls": tls, "accounts": known}, reads=tmp_path) as nats:
        entering = {"nats_url": f"tls://127.0.0.1:{nats}", "nats_ca_file": str(authority.file)}
        (tmp_path / "nobody.nk").write_text(KeyPair(USER).seed)
        said = await refusal(**entering, nats_nkey_file=str(tmp_path / "nobody.nk"))
        assert "Authorization Violation" in said
        await enters_by_file(
            {
                "ETP_NATS_URL": entering["nats_url"],
                "ETP_NATS_CA_FILE": entering["nats_ca_file"],
            },
            "ETP_NATS_NKEY_FILE",
            {user: tmp_path / f"{user}.nk" for user in OURS},
            (secrets, tmp_path, postgres),
        )


async def test_a_broker_that_trusts_an_operators_jwts(
    secrets: Secrets, tmp_path: Path, postgres: Postgres
) -> None:
    operator, account = KeyPair(OPERATOR), KeyPair(ACCOUNT)
    configured: Any = accounts.configuration(secrets.nats)[PLATFORM_ACCOUNT]
    for user in configured["users"]:
        key, permissions = KeyPair(USER), user["permissions"]
        jwt = account.jwt(
            key.public,
            "user",
            pub=permissions["publish"],
            sub=permissions["subscribe"],
            subs=-1,
            data=-1,
            payload=-1,
        )
        (tmp_path / f"{user['user']}.creds").write_text(creds(jwt, key.seed))
    async with own_servers.broker(trusting(operator, account)) as nats:
        url = f"nats://127.0.0.1:{nats}"
        forger, key = KeyPair(ACCOUNT), KeyPair(USER)
        forged = creds(forger.jwt(key.public, "user", subs=-1, data=-1, payload=-1), key.seed)
        (tmp_path / "forged.creds").write_text(forged)
        said = await refusal(nats_url=url, nats_creds_file=str(tmp_path / "forged.creds"))
        assert "Authorization Violation" in said
        await enters_by_file(
            {"ETP_NATS_URL": url},
            "ETP_NATS_CREDS_FILE",
            {user: tmp_path / f"{user}.creds" for user in OURS},
            (secrets, tmp_path, postgres),
        )


async def enters_by_file(
    broker: Mapping[str, str],
    variable: str,
    files: Mapping[str, Path],
    rest: tuple[Secrets, Path, Postgres],
) -> None:
    """The administrator provisions, and the executor is ready: it needs no database."""
    secrets, folder, postgres = rest
    name = f"entered_{variable.lower()}"

    def environment(user: str) -> dict[str, str]:
        url = {"ETP_DATABASE_URL": postgres.url(name=name)} if user == "admin" else {}
        return {**broker, **url, variable: str(files[user])}

    try:
        code, said = await provision(environment, secrets)
        assert code == 0, said
        async with installed(environment, secrets, folder, [Service.EXECUTOR]) as platform:
            assert platform.processes[Service.EXECUTOR].returncode is None
    finally:
        await postgres.drop_database(name)


async def test_nothing_is_said_to_a_broker_without_tls_where_tls_is_asked_for(
    secrets: Secrets, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    async with own_servers.broker({"accounts": accounts.configuration(secrets.nats)}) as nats:
        for settings in (
            {"nats_url": f"tls://127.0.0.1:{nats}"},
            {"nats_url": f"nats://127.0.0.1:{nats}", "nats_ca_file": str(authority.file)},
        ):
            said = await refusal(**settings, nats_password=secrets.nats["admin"])
            assert "TLS is asked for, and the broker does not require it" in said


async def test_the_administrator_enters_by_the_node_that_is_there(secrets: Secrets) -> None:
    async with own_servers.broker({"accounts": accounts.configuration(secrets.nats)}) as nats:
        settings = BrokerSettings(
            nats_url=f"nats://127.0.0.1:1, 127.0.0.1:2,nats://127.0.0.1:{nats}",
            nats_user="admin",
            nats_password=secrets.nats["admin"],
        )
        client = await enter(settings, "admin")
        assert client.is_connected
        await client.close()
        said = await refusal(
            nats_url=f"nats://admin:hunter2@127.0.0.1:1,nats://127.0.0.1:{nats}",
            nats_password="wrong",
        )
        assert "Authorization Violation" in said
        assert "hunter2" not in said
        assert "127.0.0.1:1: " in said
