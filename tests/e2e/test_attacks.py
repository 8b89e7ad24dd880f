"""What a stranger, a key or a NATS user can do to all of it at once, each beside good traffic.

The gateway alone meets the same in ``tests/integration/api``; here somebody else's edits, fires
and schedule show that they went on. One platform, which may open few files, and whose scheduler
has a fault for those who ask for it.
"""

import asyncio
import contextlib
import itertools
import json
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import psutil
import pytest
from nats.aio.client import Client
from nats.js.api import PubAck

from tests.integration.runtime.test_reading import MALFORMED, hpub
from tests.support import etp_with_stand_ins, raw_http, raw_nats
from tests.support.downloads import opened
from tests.support.etp_with_faults import COMMAND, FAILS
from tests.support.eventually import eventually
from tests.support.good_traffic import ANSWERED_S, TOO_MANY_WAIT, GoodTraffic
from tests.support.many_rows import fill
from tests.support.new_cluster import new_cluster
from tests.support.whole_platform import SERVICES, Json, Platform, running
from trigger_admin import records
from trigger_local import secrets
from trigger_local.errors import NotUpError
from trigger_local.home import Home

pytestmark = pytest.mark.usefixtures("beside_good_traffic", "nothing_fell")

VERBS = ("create", "update", "delete", "fire", "test")
FILES = 1024
"""What many systems allow a process to open, unless they are told otherwise."""
EXPORTS = 2
GROWTH_MIB = 128
"""Of a service, whatever it is sent: without a bound it would be gigabytes. After 15 GB of endless
requests a gateway has grown by 80, and stays there."""
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    limited = ("sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh", *COMMAND)
    # A command that fails five times has its answer after 1.5 s: on a busy machine, too.
    environment = {"ETP_MAX_EXPORTS": str(EXPORTS), "ETP_COMMAND_TIMEOUT": "15s"}
    async with running(environment=environment, etp=limited) as started:
        yield started


@pytest.fixture
async def nothing_fell(platform: Platform) -> AsyncIterator[None]:
    """No process was started again, and none has grown."""
    before, grown = platform.pids(), _memory(platform)
    yield
    assert platform.pids() == before
    after = _memory(platform)
    print("memory, MiB:", grown, after)
    assert {n for n in SERVICES if after[n] - grown[n] >= GROWTH_MIB} == set(), (grown, after)


def _memory(platform: Platform) -> dict[str, int]:
    pids = platform.pids()
    return {name: psutil.Process(pids[name]).memory_info().rss >> 20 for name in SERVICES}


async def test_endless_heads_fields_bodies_and_requests_stop_nobody(
    platform: Platform, traffic: GoodTraffic
) -> None:
    """Sent again as soon as they are cut."""
    going_round = asyncio.create_task(traffic.go_round())
    while not going_round.done():
        await raw_http.flood_endlessly(platform.status["url"], 16 << 20)
    await going_round


async def test_silent_connections_keep_nobody_out(platform: Platform, traffic: GoodTraffic) -> None:
    """More than the gateway has files for; some stop in the middle of a head."""
    url = platform.status["url"]
    async with contextlib.AsyncExitStack() as stack:
        for number in range(FILES + 300):
            _, writer = await raw_http.connected(url)
            stack.callback(writer.transport.abort)
            if number % 3 == 0:
                writer.write(raw_http.GET)
        async with httpx.AsyncClient(base_url=url, timeout=20) as anybody:
            for path in ("/health", "/ready") * 3:
                assert (await anybody.get(path)).status_code == 200
        await traffic.go_round()


async def test_costly_documents_asked_for_without_a_key_stop_nobody(platform: Platform) -> None:
    """Of the gateway and of a worker, which is another process."""
    scheduler = platform.status["processes"]["scheduler"]["port"]
    worker = f"http://127.0.0.1:{scheduler}"
    async with httpx.AsyncClient(base_url=platform.status["url"], timeout=20) as anybody:
        for path in (f"{platform.status['url']}/docs", f"{worker}/asyncapi"):
            assert "<script" not in (await anybody.get(path)).text, "nothing from elsewhere"
        for _ in range(10):
            answers = await asyncio.gather(
                *(anybody.get(path) for path in ("/asyncapi", "/openapi.json", "/docs") * 3),
                anybody.get(f"{worker}/asyncapi"),
            )
            assert {answer.status_code for answer in answers} == {200}


async def test_bulk_bodies_that_stand_still_keep_nobody_out(
    platform: Platform, traffic: GoodTraffic
) -> None:
    lines = b"\n".join(
        json.dumps({"name": f"line {n}", "type": "api", "payload": "x" * 20_000}).encode()
        for n in range(10)
    )
    url, key = platform.status["url"], platform.status["api_key"]
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(12):
            await raw_http.stopped_body(stack, url, key, 5_000_000, lines)
        response = await platform.rest.post("/triggers/bulk", content=lines, headers=NDJSON)
        assert response.status_code == 201, response.text
        assert response.json()["created"] == 10
        await traffic.go_round()


async def test_exports_that_nobody_reads_keep_nobody_out(
    platform: Platform, traffic: GoodTraffic
) -> None:
    async with platform.database() as admin:
        await fill(admin, 6000, timedelta(milliseconds=10), 3000, timedelta(minutes=1))
    url, key = platform.status["url"], platform.status["api_key"]
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(EXPORTS):
            await stack.enter_async_context(opened(url, "/events/export", key))
        response = await platform.rest.get("/events/export", params={"trigger_id": "t1"})
        assert response.status_code == 200, response.text
        assert response.text.count("\n") == 600
        await traffic.go_round()


def _costly_texts() -> list[str]:
    """Nearly as large as a payload may be: many words, and runs, signs and marks of any script."""
    han = "".join(chr(0x4E00 + 7 * n % 20_000) for n in range(80_000))
    odd = [han, "ก" * 80_000, "shipped🚀" * 20_000, "e\u0301" * 80_000, "नमस्ते।" * 12_000]
    many = [" ".join(f"word{n}x{number}" for number in range(20_000)) for n in range(5)]
    return [f"début{n} {text}" for n, text in enumerate([*many, *odd])]


async def test_words_that_cost_delay_neither_edits_nor_fires(
    platform: Platform, client: Client
) -> None:
    """By both doors; what they begin with is found, and what may be missed is said."""
    trigger_id = (await platform.create(name="wordy", type="api"))["id"]
    texts = _costly_texts()
    ids: list[set[str]] = []
    for text in texts:
        fire = json.dumps({"trigger_id": trigger_id, "payload": text}, ensure_ascii=False)
        by_nats = await platform.ask(client, "fire", fire.encode())
        assert "event_id" in by_nats, by_nats
        ids.append({by_nats["event_id"], await platform.fire(trigger_id, payload=text)})
    await platform.until_events(2 * len(texts), trigger_id=trigger_id)
    for n in (0, 5, len(texts) - 1):
        query = {"q": f"DE\u0301BUT{n}"}
        listed = await platform.rest.get("/events/", params={**query, "count": "true"})
        chart = await platform.rest.get("/events/stats", params=query)
        for response in (listed, chart):
            assert response.status_code == 200, response.text
            assert response.headers["x-search-coverage"] == "partial"
            assert response.elapsed.total_seconds() < ANSWERED_S
        assert {row["id"] for row in listed.json()} == ids[n], query
        assert (listed.headers["x-total-count"], chart.json()["total"]) == ("2", 2)


@contextlib.asynccontextmanager
async def _raw(platform: Platform) -> AsyncIterator[raw_nats.RawNats]:
    login = platform.status["nats_users"]["client"]
    port = platform.status["processes"]["nats"]["port"]
    async with raw_nats.logged_in(port, login["user"], login["password"]) as raw:
        yield raw


async def _letters(platform: Platform) -> int:
    async with platform.connected("admin") as admin:
        return (await admin.jetstream().stream_info("TRIGGER_DEAD")).state.messages


JUNK = b"junk!"


async def test_junk_by_nats_is_buried_and_delays_nobody(
    platform: Platform, client: Client, traffic: GoodTraffic
) -> None:
    """As fast as a connection takes it: first by one who asks for no answer, then by one who does.

    The broker takes in what it can store soon and refuses the rest; what it took is a dead letter.
    REST does not notice; whoever publishes as the same NATS user waits behind a thousand.
    """
    before, verbs = await _letters(platform), itertools.cycle(VERBS)
    jetstream = client.jetstream(timeout=30)
    with traffic.in_line_behind_a_flood():
        going_round = asyncio.create_task(traffic.go_round())
        for _ in range(20_000):
            await client.publish(f"trigger.command.{next(verbs)}", JUNK)
        await client.flush()
        await going_round
        going_round = asyncio.create_task(traffic.go_round())
        answers = await asyncio.gather(
            *(jetstream.publish(f"trigger.command.{next(verbs)}", JUNK) for _ in range(4000)),
            return_exceptions=True,
        )
        await going_round
    refused = [one for one in answers if not isinstance(one, PubAck)]
    assert {getattr(one, "err_code", repr(one)) for one in refused} <= {TOO_MANY_WAIT}
    taken = sum(message.payload == JUNK for message in await platform.stored("TRIGGER_INGRESS"))
    assert taken > len(answers) - len(refused)

    async def dead_lettered() -> bool:
        return await _letters(platform) == before + taken

    await eventually(dead_lettered, within=60, poll=0.2)


async def test_malformed_headers_by_nats_end_nobodys_reading(
    platform: Platform, client: Client, traffic: GoodTraffic
) -> None:
    """What the broker mends on its way from another account is a command, the rest are letters."""
    going_round = asyncio.create_task(traffic.go_round())
    while not going_round.done():
        async with _raw(platform) as raw:
            for block, verb in itertools.product(MALFORMED, VERBS):
                raw.send(
                    hpub(f"trigger.command.{verb}".encode(), block, b'{"name":"bad","type":"api"}')
                )
            await raw.settled()
        # What comes after them in the stream is answered after them.
        for verb in ("create", "test"):
            done = await platform.ask(client, verb, {"name": "good", "type": "api"})
            assert "code" not in done, done
    await going_round
    created = await platform.create(name="by REST", type="api")
    assert (await platform.rest.delete(f"/triggers/{created['id']}")).status_code == 204
    await platform.until_quiet()


GARBAGE = [b"", b"\xff\x00", b"null", b'{"stream":"TRIGGER_COMMANDS","seq":1}', b"[" * 50_000]
NO_COMMAND = [b"", b"\xff\x00", b"null", b"[" * 50_000]
"""The other one is a create that is refused for its fields."""


async def test_records_that_cannot_be_read_stop_nobody_in_whatever_stream_they_lie(
    platform: Platform, client: Client, traffic: GoodTraffic
) -> None:
    """A due record, a change, an event, a dead letter, an idempotency key and a command of each
    kind: as an administrator, a fault or a later version may leave them. All but the command can
    be listed and removed; that is a dead letter.
    """
    victim = await platform.create(name="victim", type="scheduled", interval=1)
    door = (await platform.create(name="victim", type="api"))["id"]
    once, answer = {"Idempotency-Key": "once"}, {"payload": 1}
    fire = f"/triggers/{door}/fire"
    assert (await platform.rest.post(fire, json=answer, headers=once)).status_code == 202
    (held,) = [
        message.subject
        for message in await platform.stored("KV_IDEMPOTENCY")
        if f".{door}." in message.subject
    ]
    places = [
        *(f"trigger.{kind}.{one}" for kind in ("due", "changed") for one in (victim["id"], door)),
        *(f"trigger.{kind}.{victim['id']}" for kind in ("fired", "missed", "rejected")),
        "trigger.dead.scheduler.TRIGGER_COMMANDS.unreadable",
        held,
    ]
    placed: set[tuple[str, int]] = set()
    letters_before = await _letters(platform)
    async with platform.connected("admin") as admin:
        for subject, body in itertools.product(places, GARBAGE):
            ack = await admin.jetstream(timeout=10).publish(subject, body)
            placed.add((ack.stream, ack.seq))
        for verb in ("create", "update", "delete", "fire", "test"):
            for body in NO_COMMAND:
                await admin.jetstream(timeout=10).publish(f"trigger.command.{verb}", body)
    # Of a bucket's key the newest alone is there.
    newest = max(seq for stream, seq in placed if stream == "KV_IDEMPOTENCY")
    placed = {one for one in placed if one[0] != "KV_IDEMPOTENCY" or one[1] == newest}
    await traffic.go_round()

    # Its own trigger goes on, too, and other keys do.
    edited = await platform.rest.patch(f"/triggers/{victim['id']}", json={"name": "healed"})
    assert (edited.status_code, edited.json()["version"]) == (200, 2), edited.text
    rows = await platform.events(trigger_id=victim["id"])
    await platform.until_events(len(rows) + 2, trigger_id=victim["id"])
    spoilt = await platform.rest.post(fire, json=answer, headers=once)
    assert (spoilt.status_code, spoilt.json()["code"]) == (409, "idempotency-mismatch")
    assert (await platform.rest.post(fire, json=answer)).status_code == 202

    listed = await platform.unreadable()
    assert {(one["stream"], one["seq"]) for one in listed} == placed
    code, told = await platform.call("records remove", *map(str, min(placed)))
    assert code == 0, told
    for stream, seq in placed - {min(placed)}:
        await records.remove(platform.servers, stream, seq)
    assert await records.unreadable(platform.servers) == []
    assert (await platform.rest.post(fire, json=answer, headers=once)).status_code == 202
    for one in (victim["id"], door):
        assert (await platform.rest.delete(f"/triggers/{one}")).status_code == 204
    await platform.until_quiet()
    # Of what workers were given: dues and events of the victim's, and the commands.
    dead_lettered = (await platform.dead_letters())[letters_before:]
    by_stream = Counter(one["stream"] for one in dead_lettered)
    assert by_stream == {
        "TRIGGER_COMMANDS": 5 * len(NO_COMMAND),
        "TRIGGER_DUE": 2 * len(GARBAGE),
        "TRIGGER_EVENTS": 3 * len(GARBAGE),
    }


FORGED = "forged: all is well"


async def test_names_and_paths_forge_no_line_of_what_is_printed(platform: Platform) -> None:
    url, escape = platform.status["url"], "\x1b]0;forged\x07"
    port = platform.status["processes"]["nats"]["port"]
    for sign in ("\n", "\r\n", "\u2028", "\x85", "\x0b"):
        named = f"somebody{sign}{FORGED}{escape}"
        quoted = quote(named)
        for lines in ((), (f"X-Request-Id: {quoted}",), ("X-API-KEY: \x1b[2K\x85forged",)):
            assert (await raw_http.ask(url, "POST", f"/{quoted}?{quoted}", lines)).status >= 400
        async with raw_nats.logged_in(port, named, "wrong") as refused:
            assert refused.errors or refused.was_reset
        response = await platform.rest.post("/triggers/", json={"name": named, "type": "none"})
        assert response.status_code == 422
    async with _raw(platform) as raw:
        raw.publish("trigger.command.fire", f"\n{FORGED}{escape}".encode())
        await raw.settled()
    await platform.until_quiet()
    for said in (platform.printed.read_text(errors="replace"), platform.logs()):
        assert not [line for line in said.splitlines() if line.startswith("forged")]
        assert escape not in said


async def test_no_start_up_beside_it_touches_a_platform_that_runs(
    platform: Platform, traffic: GoodTraffic, tmp_path: Path
) -> None:
    """On its directory or its port, on what is no directory of ours, and on a copy of its own."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "notes.txt").write_text("mine")
    refused = {
        platform.root: "The platform already runs on",
        tmp_path / "hömé of 数据": f"Port {platform.port} ",
        theirs: "is not a data directory",
    }
    answers = await asyncio.gather(
        *(Platform(root).call("up", "--port", str(platform.port)) for root in refused)
    )
    for (code, told), sentence in zip(answers, refused.values(), strict=True):
        assert code == 1
        assert sentence in told
        assert "Traceback" not in told
    assert [path.name for path in theirs.iterdir()] == ["notes.txt"]

    going_round = asyncio.create_task(traffic.go_round())
    # Of what runs, a copy has the names of its processes, and its ports; it starts all the same.
    folder = Path(tempfile.mkdtemp(prefix="etp-test-"))
    beside = Platform(folder / "hömé of 数据", etp=(sys.executable, etp_with_stand_ins.__file__))
    try:
        await asyncio.to_thread(new_cluster, beside.root)
        for name in ("etp.json", "lock", "ports.json", "secrets.json", "state.json"):
            shutil.copyfile(platform.root / name, beside.root / name)
        with pytest.raises(NotUpError):
            await beside.look()
        await beside.up()
        assert not set(beside.pids().values()) & set(platform.pids().values())
        printed = beside.printed.read_text()
        assert f"is a copy of {platform.root}" in printed
        assert "of nats is in use by another program" in printed
        await going_round
        assert await beside.down() == 0
    finally:
        if beside.up_is_running:
            await beside.down(signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)


async def test_who_has_a_services_password_enters_its_own_database_alone(
    platform: Platform,
) -> None:
    kept = secrets.load(Home(platform.root))
    assert kept is not None
    at = urlsplit(platform.status["database_url"])
    for role in ("etp_api", "etp_scheduler", "etp_executor", "etp_retention"):
        netloc = f"{role}:{kept.postgres[role]}@{at.hostname}:{at.port}"
        own = await asyncpg.connect(at._replace(netloc=netloc).geturl())
        assert await own.fetchval("SELECT current_user") == role
        await own.close()
        for name in ("postgres", "template1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(at._replace(netloc=netloc, path=f"/{name}").geturl())


@pytest.mark.parametrize("error", ["FileNotFoundError", "ConnectionResetError", "KeyError"])
async def test_a_command_that_fails_by_itself_is_answered_at_both_doors(
    platform: Platform, client: Client, error: str
) -> None:
    """Only errors of a connection to a server are 'away'; this one is tried five times."""
    victim = await platform.create(name="victim", type="scheduled", interval="P1D")
    fails: Json = {"name": FAILS + error, "type": "api"}
    address = f"/triggers/{victim['id']}"
    before = await _letters(platform)

    created, edited, replaced, bulk, by_nats = await asyncio.gather(
        platform.rest.post("/triggers/", json=fails),
        platform.rest.patch(address, json={"name": FAILS + error}),
        platform.rest.put(address, json={**fails, "type": "scheduled", "interval": "P1D"}),
        platform.rest.post("/triggers/bulk?partial=true", json=[fails, {**fails, "name": "good"}]),
        platform.ask(client, "create", fails),
    )

    for response in (created, edited, replaced):
        assert (response.status_code, response.json()["code"]) == (500, "internal")
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["request_id"] == response.headers["x-request-id"]
    assert (by_nats["status"], by_nats["code"]) == (500, "internal")
    assert [line["status"] for line in bulk.json()["lines"]][1] == "created"
    # Five letters, since the two edits of one trigger are two commands.
    letters = (await platform.dead_letters())[before:]
    assert len(letters) == 5
    assert all(one["reason"].startswith(f"failed 5 times: {error}") for one in letters)
    kept = (await platform.rest.get(address)).json()
    assert (kept["name"], kept["version"]) == ("victim", 1)
    named = (await platform.rest.get("/triggers/", params={"q": FAILS})).json()
    assert named == []
