"""The life of an event on a running platform, from active over archived to erased everywhere.

Both boundaries are shown on the platform's own views to the microsecond, with the real 2 h and
48 h. For what must happen by itself, the settings make a life of seconds; the streams' own 48 h
(``max_age``) are shortened by the administrator, as no setting does that.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from nats.aio.client import Client

from tests.e2e.conftest import RECEIVERS
from tests.support.eventually import eventually
from tests.support.receiver import Received, receiving
from tests.support.whole_platform import Json, Platform, now, running, text
from trigger_admin import streams
from trigger_contracts import subjects, topology
from trigger_contracts.ids import uuid7
from trigger_contracts.targets.secrets import new_secret
from trigger_local import ports
from trigger_runtime.process.ids import new_id

ACTIVE_FOR = timedelta(seconds=4)
KEPT_FOR = timedelta(seconds=9)
MICROSECOND = timedelta(microseconds=1)
SWEPT_WITHIN = timedelta(seconds=5)
"""The sweep looks every second; the rest is for a busy machine."""


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    lives = {"ETP_ACTIVE_FOR": "4s", "ETP_KEPT_FOR": "9s"}
    async with running(environment={**lives, "ETP_WEBHOOK_ALLOW": f"{RECEIVERS}/32"}) as started:
        yield started


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[Client]:
    async with platform.connected() as connection:
        yield connection


async def test_an_event_is_active_then_archived_then_gone(platform: Platform) -> None:
    """At each look in exactly the state that its age says, to the microsecond."""
    trigger = await platform.create(name="mortal", type="api")
    event_id = await platform.fire(trigger["id"], payload="here today")
    await platform.until_events(1, trigger_id=trigger["id"])
    detail = (await platform.rest.get(f"/events/{event_id}")).json()
    logged_at = datetime.fromisoformat(detail["logged_at"])
    assert datetime.fromisoformat(detail["archives_at"]) == logged_at + ACTIVE_FOR
    assert datetime.fromisoformat(detail["deletes_at"]) == logged_at + KEPT_FOR
    seen: list[str] = []

    async def looked_until_gone() -> bool:
        (one,) = await platform.query(
            "SELECT now() AS at, EXISTS (SELECT FROM retention.active WHERE event_id = $1) AS"
            " active, EXISTS (SELECT FROM retention.archived WHERE event_id = $1) AS archived",
            event_id,
        )
        age = one["at"] - logged_at
        state = (one["active"], one["archived"])
        assert state == (age < ACTIVE_FOR, ACTIVE_FOR <= age < KEPT_FOR), age
        shown = {row["state"] for row in await platform.events(trigger_id=trigger["id"])}
        assert len(shown) <= 1
        seen.append(next(iter(shown), "neither"))
        return age >= KEPT_FOR + SWEPT_WITHIN

    await eventually(looked_until_gone, within=60, poll=0.05)
    assert sorted(set(seen)) == ["active", "archived", "neither"]
    assert seen == sorted(seen), "never back"
    assert (await platform.rest.get(f"/events/{event_id}")).status_code == 410
    assert (await platform.rest.get(f"/events/{event_id}")).json()["code"] == "gone"
    assert await platform.log_rows(trigger["id"]) == []


async def test_the_boundaries_are_exact_to_the_microsecond(platform: Platform) -> None:
    """With 2 h and 48 h: one ``now()`` decides, and every row is in one view at most."""
    ages = {
        timedelta(0): "active",
        timedelta(hours=2) - MICROSECOND: "active",
        timedelta(hours=2): "archived",
        timedelta(hours=2) + MICROSECOND: "archived",
        timedelta(hours=48) - MICROSECOND: "archived",
        timedelta(hours=48): None,
        timedelta(hours=48) + MICROSECOND: None,
    }
    async with platform.database() as connection:
        transaction = connection.transaction()
        await transaction.start()
        # Seen by this transaction alone, in which now() stands still.
        await connection.execute("DELETE FROM retention.life_setting")
        at: datetime = await connection.fetchval("SELECT now()")
        for age, state in ages.items():
            event_id = uuid7(at - age, new_id())
            await _insert(connection, event_id, at - age)
            row = await connection.fetchrow(
                "SELECT (SELECT state FROM retention.events WHERE event_id = $1) AS state,"
                " (SELECT count(*) FROM retention.active WHERE event_id = $1) AS active,"
                " (SELECT count(*) FROM retention.archived WHERE event_id = $1) AS archived",
                event_id,
            )
            assert tuple(row) == (state, int(state == "active"), int(state == "archived")), age
        await transaction.rollback()


async def _insert(connection: asyncpg.Connection, event_id: Any, logged_at: datetime) -> None:
    hour = logged_at.replace(minute=0, second=0, microsecond=0)
    await connection.execute("SELECT retention.ensure_partitions($1)", [hour])
    await connection.execute(
        "INSERT INTO retention.event (event_id, stream_seq, trigger_id, trigger_name,"
        " trigger_type, trigger_version, status, source, is_test, fired_at, logged_at, misfire,"
        " errors, count) VALUES ($1, 0, 'by hand', 'by hand', 'api', 1, 'fired', 'api', false,"
        " $2, $2, false, '[]', 1)",
        event_id,
        logged_at,
    )


async def test_an_hour_that_is_over_is_dropped_whole(platform: Platform) -> None:
    long_ago = now() - timedelta(hours=5)
    partition = f"event_{long_ago:%Y%m%d%H}"
    async with platform.database() as connection:
        # Together, or the sweep would drop the empty partition in between.
        async with connection.transaction():
            await _insert(connection, uuid7(long_ago, new_id()), long_ago)

        async def dropped() -> bool:
            return await connection.fetchval(
                "SELECT to_regclass('retention.' || $1) IS NULL", partition
            )

        await eventually(dropped, within=30, what=f"{partition} is dropped")
    assert await platform.log_rows("by hand") == []


async def test_the_streams_forget_as_the_log_does(platform: Platform) -> None:
    """Each holds 48 h; a row recorded late gets what is left of its own."""
    async with platform.connected("admin") as admin:
        for stream in (topology.COMMANDS, topology.DUE, topology.EVENTS, topology.DEAD):
            config = (await admin.jetstream().stream_info(stream.name)).config
            assert config.max_age == timedelta(hours=48).total_seconds(), stream.name
        config = (await admin.jetstream().stream_info(topology.IDEMPOTENCY.stream)).config
        assert config.max_age == timedelta(hours=48).total_seconds()
        config = (await admin.jetstream().stream_info(topology.EVENTS.name)).config
        assert config.allow_msg_ttl


async def test_a_late_row_carries_the_rest_of_its_life(platform: Platform, client: Client) -> None:
    trigger = await platform.create(name="late", type="api")
    accepted_at = now() - timedelta(seconds=3)
    body = {"trigger_id": trigger["id"], "accepted_at": text(accepted_at)}
    await platform.ask(client, "fire", body)
    prompt = await platform.ask(client, "fire", {"trigger_id": trigger["id"]})
    late, on_time = await platform.stored("TRIGGER_EVENTS", subjects.fired(trigger["id"]))
    assert json.loads(on_time.payload)["id"] == prompt["event_id"]
    for message, since in ((late, accepted_at), (on_time, on_time.stored_at)):
        ttl = timedelta(seconds=int(message.headers["Nats-TTL"].removesuffix("s")))
        ends_at = message.stored_at + ttl
        assert abs(ends_at - (since + KEPT_FOR)) < timedelta(seconds=2)


async def test_a_dead_letter_is_gone_when_its_message_would_be(
    platform: Platform, client: Client
) -> None:
    """Whichever service it was: by answers at once, by the broker within a second or two."""
    canary = f"canary-{new_id()}"
    for verb in ("create", "fire"):
        await platform.send(client, verb, f'{{"name": "{canary}'.encode())
    async with platform.connected("admin") as admin:
        await admin.jetstream(timeout=10).publish(subjects.fired("x"), canary.encode())

    async def shown() -> list[Json]:
        rows = (await platform.rest.get("/dead-letters/", params={"limit": 500})).json()
        return [row for row in rows if canary in row["original"]["body"]]

    async def three() -> list[Json]:
        rows = await shown()
        return rows if len(rows) == 3 else []

    letters = await eventually(three, within=KEPT_FOR.total_seconds())
    assert {row["service"] for row in letters} == {"scheduler", "executor", "retention"}
    for row in letters:
        stored_at = datetime.fromisoformat(row["original"]["stored_at"])
        assert datetime.fromisoformat(row["deletes_at"]) == stored_at + KEPT_FOR

    async def gone_in_time() -> bool:
        for row in await shown():
            # Asked before it was over, it may be answered after that.
            assert now() - datetime.fromisoformat(row["deletes_at"]) < timedelta(seconds=1)
        return not any(
            canary in str(each.payload) for each in await platform.stored("TRIGGER_DEAD")
        )

    await eventually(gone_in_time, within=(KEPT_FOR + SWEPT_WITHIN).total_seconds())
    assert await shown() == []
    for row in letters:
        address = f"/dead-letters/{row['id']}"
        assert (await platform.rest.get(address)).status_code == 410
        assert (await platform.rest.post(f"{address}/redrive")).status_code == 410


async def test_an_erased_event_is_nowhere(platform: Platform, client: Client) -> None:
    """A canary in payloads is found in every table and stream that held it, and then in none."""
    canary = f"canary-{new_id()}"
    api = await platform.create(name="holds no canary", type="api")
    forgetful = {"payload": {"secret": canary}}
    for _ in range(3):
        await platform.fire(api["id"], **forgetful)
    keyed = {"Idempotency-Key": new_id()}
    address = f"/triggers/{api['id']}/fire"
    assert (await platform.rest.post(address, json=forgetful, headers=keyed)).status_code == 202
    await platform.ask(client, "fire", {"trigger_id": api["id"], **forgetful})
    await platform.ask(client, "fire", f'{{"trigger_id": "{canary}'.encode())
    await platform.until_events(5, trigger_id=api["id"])
    found = await places(platform, canary)
    assert found == {
        "TRIGGER_INGRESS",
        "TRIGGER_COMMANDS",
        "TRIGGER_EVENTS",
        "TRIGGER_DEAD",
        "retention.event",
    }
    async with short_streams(platform):

        async def nowhere() -> bool:
            return not await places(platform, canary)

        await eventually(nowhere, within=60, poll=0.5, what="the canary is nowhere")
    assert (await platform.rest.get(f"/triggers/{api['id']}")).status_code == 200
    await platform.fire(api["id"])
    await platform.until_events(1, trigger_id=api["id"])


async def test_a_delivered_event_is_nowhere_and_its_secrets_never_were(
    platform: Platform,
) -> None:
    """Canaries in the payload and in what receivers answer; those echo the secrets, too."""
    sent, answered, token = (f"canary-{new_id()}" for _ in range(3))
    signing = new_secret()
    secrets = [token, signing]

    def echo(request: Received) -> bytes:
        told = " ".join((answered, *secrets, request.body.decode())).encode()
        status = 500 if request.path == "/refused" else 200
        head = f"HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\nContent-Length: {len(told)}"
        return f"{head}\r\n\r\n".encode() + told

    rest = platform.rest
    async with receiving(RECEIVERS, echo) as receiver:
        hook = {"type": "webhook", "secret": signing, "secret_headers": {"X-Token": token}}
        nobody = f"http://{RECEIVERS}:{ports.choose_free({receiver.port})}/hook"
        targets = {}
        for name, fields in {
            "taken": {**hook, "url": receiver.url("/taken")},
            "refused": {**hook, "url": receiver.url("/refused"), "retry": [1]},
            # Its breaker opens for longer than the event lives.
            "away": {**hook, "url": nobody, "retry": [1] * 15},
            "heard": {"type": "nats", "subject": "out.e2e.erased"},
        }.items():
            made = await rest.post("/targets/", json=fields)
            assert made.status_code == 201, made.text
            targets[name] = made.json()["id"]
        taken = f"/targets/{targets['taken']}"
        secrets.append((await rest.post(f"{taken}/rotate-secret")).json()["secret"])
        trigger = await platform.create(
            name="delivers canaries", type="api", targets=list(targets.values())
        )
        event_id = await platform.fire(trigger["id"], payload={"secret": sent})
        unsaved = {"payload": "no canary", "target": {**hook, "url": receiver.url("/taken")}}
        trial = await rest.post("/test/api/", json=unsaved)
        assert trial.is_success, trial.text
        async with platform.connected("admin") as admin:
            await admin.jetstream(timeout=10).publish(subjects.delivery("x"), sent.encode())

        async def all_tried() -> str | None:
            shown = await rest.get(f"/events/{event_id}")
            states = {one["target_id"]: one["state"] for one in shown.json()["deliveries"]}
            expected = {"taken": "delivered", "refused": "dead", "heard": "delivered"}
            are_there = {targets[name]: state for name, state in expected.items()}
            return shown.text if states == {**are_there, targets["away"]: "pending"} else None

        shown = await eventually(all_tried, within=KEPT_FOR.total_seconds())
        assert shown is not None
        assert answered in shown
        again = await rest.post(
            f"/events/{event_id}/redeliver", json={"targets": [targets["taken"]]}
        )
        assert again.status_code == 202, again.text

        async def are_everywhere() -> bool:
            of_payload = {"TRIGGER_COMMANDS", "TRIGGER_DEAD", "retention.event"}
            of_answer = {"TRIGGER_EVENTS", "retention.attempt"}
            assert await places(platform, sent) == of_payload | of_answer
            assert await places(platform, answered) == of_answer
            return True

        await eventually(are_everywhere, within=KEPT_FOR.total_seconds())
        probed = await rest.post(f"{taken}/test")
        assert probed.status_code == 200, probed.text
        assert answered in probed.text
    texts = [shown, trial.text, probed.text, *(await _answers(platform, trigger["id"]))]
    assert await places(platform, *map(_bare, secrets)) == set()

    async with short_streams(platform):

        async def nowhere() -> bool:
            return not await places(platform, sent, answered)

        await eventually(nowhere, within=60, poll=0.5, what="the canaries are nowhere")
    assert (await rest.get(f"/events/{event_id}")).status_code == 410
    later = [
        platform.logs(),
        platform.printed.read_text(),
        *(await _answers(platform, trigger["id"])),
    ]
    assert not [one for one in (sent, answered) for each in later if one in each]
    assert not [one for one in secrets for each in (*texts, *later) if _bare(one) in each]
    assert await places(platform, *map(_bare, secrets)) == set()

    async def is_over() -> bool:
        """Nor does anything tell where it went, or wait."""
        records = await platform.stored("TRIGGER_EVENTS", subjects.delivery(trigger["id"]))
        rows = [
            await platform.query(f"SELECT FROM {table} WHERE event_id::text = $1", event_id)
            for table in ("retention.delivery", "retention.attempt", "executor.delivery")
        ]
        return not any((records, *rows))

    await eventually(is_over, within=60, what="its deliveries are gone with it")


def _bare(secret: str) -> str:
    return secret.removeprefix("whsec_")


async def _answers(platform: Platform, trigger_id: str) -> list[str]:
    """What the gateway says of a trigger's events, and of what could not be handled."""
    query = {"trigger_id": trigger_id}
    found = []
    for address, params in (
        ("/events/", {**query, "payload": "true"}),
        ("/deliveries/", query),
        ("/dead-letters/", {"limit": 500}),
        ("/targets/", {}),
        (f"/triggers/{trigger_id}/history", {}),
    ):
        answer = await platform.rest.get(address, params=params)
        assert answer.status_code == 200, answer.text
        found.append(answer.text)
    return found


@asynccontextmanager
async def short_streams(platform: Platform) -> AsyncIterator[None]:
    """Streams forget as fast as the log does; in the end they are again as they are declared."""
    async with platform.connected("admin") as admin:
        jetstream = admin.jetstream(timeout=10)
        mortal = [s.name for s in topology.STREAMS if s.max_age] + [topology.IDEMPOTENCY.stream]
        try:
            for name in mortal:
                config = (await jetstream.stream_info(name)).config
                config.max_age = KEPT_FOR.total_seconds()
                config.duplicate_window = 1
                await jetstream.update_stream(config)
            yield
        finally:
            await streams.apply(admin)


async def places(platform: Platform, *texts: str) -> set[str]:
    """Every stream, bucket and table in which one of these stands."""
    found = set()
    buckets = [bucket.stream for bucket in topology.BUCKETS]
    for name in [*(stream.name for stream in topology.STREAMS), *buckets]:
        for message in await platform.stored(name):
            held = f"{message.payload.decode(errors='replace')} {message.headers}"
            if any(one in held for one in texts):
                found.add(name)
    tables: list[Json] = await platform.query(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
        " WHERE schemaname IN ('scheduler', 'retention', 'executor')"
        # Partitions are seen in their tables.
        " AND tablename !~ '^(event|delivery|attempt)_[0-9]'"
    )
    for table in tables:
        if await platform.query(
            f"SELECT FROM {table['name']} AS t"
            " WHERE EXISTS (SELECT FROM unnest($1::text[]) AS x WHERE position(x IN t::text) > 0)"
            " LIMIT 1",
            list(texts),
        ):
            found.add(table["name"])
    return found
