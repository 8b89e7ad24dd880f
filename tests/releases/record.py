"""Records what a release leaves behind: ``python -m tests.releases.record FOLDER``.

In the release's own checkout: starts its ``etp up``, has it live through what a platform lives
through, kills its services in the middle of it, and writes down all streams and tables, and what a
client saw. Knows nothing of the code but the doors that every release has: ``etp``, REST, NATS and
SQL. So this file can be copied into the checkout of an older release as well, and run there.

The text names instants and ids of the recording; ``loading`` moves them to the present.
"""

import argparse
import asyncio
import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import nats
from nats.aio.client import Client

Json = dict[str, Any]

_SAID = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] .*?LOG:  (?:execute [^:]+|statement): ?(.*)")
_EXPLAINABLE = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_NOT_OURS = re.compile(r"_\d{10}\b|typeinfo_tree")
"""Names a table that lives as long as its rows; is asyncpg's own."""
_END = "end of the log"

SERVICES = ("api", "scheduler", "executor", "retention")
SCHEMAS = ("scheduler", "retention")
WITHIN = 90.0
ETP = (sys.executable, "-c", "from trigger_local.cli import main; main()")

_TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname !~ '\\d{10}$'
ORDER BY 1
"""
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="etp-record-") as root:
        os.chmod(root, 0o711)  # noqa: PTH101 - the database may be another user's
        home = Path(root) / "home"
        with (Path(root) / "printed").open("wb") as printed:
            up = subprocess.Popen(
                [*ETP, "up", "--data-dir", str(home), "--port", "18765"],
                stdout=printed,
                stderr=printed,
            )
        try:
            asyncio.run(record(home, up, folder))
        finally:
            up.send_signal(signal.SIGCONT)
            up.send_signal(signal.SIGINT)
            up.wait(WITHIN)


async def record(home: Path, up: "subprocess.Popen[bytes]", folder: Path) -> None:
    status = await asyncio.to_thread(_until_ready, home)
    async with httpx.AsyncClient(
        base_url=status["url"], headers={"X-API-KEY": status["api_key"]}, timeout=30
    ) as rest:
        database = await asyncpg.connect(status["database_url"])
        sessions = await _listening(database)
        told = await live(rest, status)
        sessions |= await _sessions(database)
        # In the middle of their work, as a killed machine leaves it.
        up.send_signal(signal.SIGSTOP)
        for name in SERVICES:
            os.kill(status["pids"][name], signal.SIGKILL)
        await _fire_by_nats(status, told["ids"]["api"], 21)
    passwords = json.loads((home / "secrets.json").read_text())["nats"]
    broker = await nats.connect(
        f"nats://127.0.0.1:{status['processes']['nats']['port']}",
        user="admin",
        password=passwords["admin"],
        inbox_prefix="_INBOX_admin",
    )
    recorded_at: datetime = await database.fetchval("SELECT clock_timestamp()")
    version = metadata.version("event-trigger-platform")
    _write(
        folder / "seen.json", {"version": version, "recorded_at": recorded_at.isoformat(), **told}
    )
    said = (home / "logs" / "postgres.log").read_text(encoding="utf-8")
    _write(folder / "statements.json", _statements(said, sessions))
    _write(folder / "tables.json", {name: await _tables(database, name) for name in SCHEMAS})
    _write(folder / "streams.json", await _streams(broker))
    await broker.close()
    await database.close()


async def live(rest: httpx.AsyncClient, status: Json) -> Json:
    """Everything that leaves a trace of a kind of its own; returns what a client saw."""

    async def create(**fields: Any) -> str:
        answer = await rest.post("/triggers/", json=fields)
        assert answer.status_code == 201, answer.text
        trigger_id: str = answer.json()["id"]
        return trigger_id

    async def until(count: int, trigger_id: str) -> list[Json]:
        async def look() -> list[Json]:
            query = {"trigger_id": trigger_id, "limit": "500"}
            rows: list[Json] = (await rest.get("/events/", params=query)).json()
            return rows if len(rows) >= count else []

        return await _eventually(look)

    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    api = await create(name="api", type="api", payload={"kept": "é"}, payload_schema=schema)
    often = await create(name="often", type="scheduled", interval=1)
    eager = await create(
        name="eager", type="scheduled", interval=1, misfire={"policy": "all", "max_count": 1000}
    )
    limited = await create(name="limited", type="scheduled", interval=1, max_fires=100_000)
    await create(name="cron", type="scheduled", cron="0 3 * * *", timezone="Europe/Berlin")
    spent = await create(name="spent", type="scheduled", schedule_time=_ahead(1))
    waiting = await create(name="waiting", type="scheduled", schedule_time=_ahead(30 * 86400))
    edited = await create(name="before", type="scheduled", interval=1, labels=["a", "b"])
    deleted = await create(name="deleted", type="api")
    await until(2, edited)
    assert (await rest.patch(f"/triggers/{edited}", json={"name": "after"})).is_success
    assert (await rest.delete(f"/triggers/{deleted}")).is_success
    keyed = await rest.post(
        f"/triggers/{api}/fire",
        json={"payload": {"n": 0}},
        headers={"Idempotency-Key": "of the last release"},
    )
    assert keyed.status_code == 202, keyed.text
    for number in range(1, 20):
        body = {"payload": {"n": number}}
        assert (await rest.post(f"/triggers/{api}/fire", json=body)).status_code == 202
    assert (await rest.post(f"/triggers/{api}/fire", json={"payload": 1})).status_code == 422
    await _fire_by_nats(status, api, 20)
    await until(22, api)
    await until(1, spent)
    for trigger_id in (often, eager, limited, edited):
        await until(8, trigger_id)
    # Asked for what is said to the database.
    for path in (
        *(f"/triggers/{edited}", f"/triggers/{edited}/history", f"/triggers/{often}/next"),
        *("/events/?q=kept&sort=trigger_name", "/events/?is_test=false&source=api,nats"),
        *(f"/events/{keyed.json()['event_id']}", "/events/stats?bucket=1h", "/events/export"),
        *("/triggers/?label=a&sort=name", "/triggers/?type=api&status=active"),
    ):
        await rest.get(path)
    triggers = (await rest.get("/triggers/", params={"limit": 100})).json()
    events = [
        row
        for trigger_id in (api, often, eager, limited, spent, edited)
        for row in await until(1, trigger_id)
    ]
    return {
        "ids": {
            "api": api,
            "often": often,
            "eager": eager,
            "limited": limited,
            "spent": spent,
            "waiting": waiting,
            "edited": edited,
            "deleted": deleted,
        },
        "keyed": keyed.json()["event_id"],
        "triggers": triggers,
        "events": events,
    }


async def _fire_by_nats(status: Json, trigger_id: str, number: int) -> None:
    """And a create that no service can read."""
    user = status["nats_users"]["client"]
    client = await nats.connect(
        user.get("url", status["nats_url"]),
        user=user["user"],
        password=user["password"],
        inbox_prefix="_INBOX_client",
    )
    body = json.dumps({"trigger_id": trigger_id, "payload": {"n": number}}).encode()
    await client.jetstream().publish("trigger.command.fire", body)
    await client.jetstream().publish("trigger.command.create", b"no JSON")
    await client.close()


async def _listening(database: asyncpg.Connection) -> dict[int, str]:
    """From now on PostgreSQL writes down what services say; the sessions that there are."""
    await database.execute("ALTER SYSTEM SET log_statement = 'all'")
    await database.execute("SELECT pg_reload_conf()")
    return await _sessions(database)


async def _sessions(database: asyncpg.Connection) -> dict[int, str]:
    rows = await database.fetch("SELECT pid, usename FROM pg_stat_activity WHERE usename <> USER")
    return {row["pid"]: row["usename"] for row in rows}


def _statements(log: str, sessions: dict[int, str]) -> dict[str, list[str]]:
    """What each role said, each once."""
    said: dict[str, set[str]] = {}
    entry: list[str] = []
    role: str | None = None
    for line in [*log.splitlines(), _END]:
        if not line or line.startswith("\t"):
            entry.append(line[1:])
            continue
        text = "\n".join(entry).strip()
        if role and _EXPLAINABLE.match(text) and not _NOT_OURS.search(text):
            said.setdefault(role, set()).add(text)
        found = _SAID.match(line)
        role = sessions.get(int(found[1])) if found else None
        entry = [found[2]] if found else []
    return {name: sorted(texts) for name, texts in sorted(said.items())}


async def _tables(database: asyncpg.Connection, schema: str) -> Json:
    """Each table's rows. What is made for an hour that is over is not among them."""
    found: Json = {}
    for row in await database.fetch(_TABLES, schema):
        table = f"{schema}.{row['relname']}"
        columns = ", ".join(r["attname"] for r in await database.fetch(_COLUMNS, table))
        text = await database.fetchval(
            f"SELECT coalesce(json_agg(t), '[]') FROM (SELECT {columns} FROM {table}) AS t"
        )
        found[row["relname"]] = json.loads(text)
    return found


async def _streams(broker: Client) -> list[Json]:
    """Each stream as it was made, its messages, and how far its consumers are."""

    async def ask(subject: str, body: Json) -> Json:
        answer: Json = json.loads(
            (await broker.request(f"$JS.API.{subject}", json.dumps(body).encode())).data
        )
        return answer

    found: list[Json] = []
    for name in sorted((await ask("STREAM.NAMES", {}))["streams"]):
        info = await ask(f"STREAM.INFO.{name}", {})
        messages = []
        for seq in range(info["state"]["first_seq"], info["state"]["last_seq"] + 1):
            answer = await ask(f"STREAM.MSG.GET.{name}", {"seq": seq})
            if (stored := answer.get("message")) is not None:
                messages.append(
                    {
                        "seq": seq,
                        "subject": stored["subject"],
                        "headers": base64.b64decode(stored.get("hdrs", "")).decode(),
                        "body": base64.b64decode(stored.get("data", "")).decode(),
                    }
                )
        consumers = (await ask(f"CONSUMER.LIST.{name}", {}))["consumers"] or []
        found.append(
            {
                "config": info["config"],
                "messages": messages,
                "consumers": [
                    {"config": one["config"], "ack_floor": one["ack_floor"]["stream_seq"]}
                    for one in consumers
                ],
            }
        )
    return found


def _until_ready(home: Path) -> Json:
    deadline = time.monotonic() + WITHIN
    while True:
        shown = subprocess.run(
            [*ETP, "status", "--json", "--data-dir", str(home)],
            capture_output=True,
            text=True,
            check=False,
        )
        if shown.returncode == 0 and (status := json.loads(shown.stdout))["ready"]:
            found: Json = status
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"the release does not become ready: {shown.stderr}")
        time.sleep(0.5)


async def _eventually(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WITHIN
    while not (found := await look()):
        if time.monotonic() > deadline:
            raise TimeoutError("what was expected did not happen")
        await asyncio.sleep(0.2)
    return found


def _ahead(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
