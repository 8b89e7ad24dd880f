"""Bad and hostile input at both doors: a clear error or a dead letter, and nothing else.

Every test leaves the platform as it was, and runs beside good traffic of another user. When all
are over, the module's ``aftermath`` looks for what none of them may have caused: a 5xx, a crash,
a fired row, a service that is not ready.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from nats.aio.client import Client

from tests.support import good_traffic, raw_http
from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform, ahead
from trigger_contracts.subjects import Verb
from trigger_contracts.topology import MAX_BODY_BYTES
from trigger_runtime.process.ids import new_id

PROMPT_S = 15
"""What any single answer may take on a busy machine; a stall takes longer."""

pytestmark = pytest.mark.usefixtures("beside_good_traffic")

API = {"name": "bad input", "type": "api"}
SCHEDULED = {"name": "bad input", "type": "scheduled"}
DEEP = 10_000
MEGABYTE = "x" * 1024 * 1024


def nested(opening: str, closing: str) -> bytes:
    """A definition with a payload of that depth."""
    payload = opening * DEEP + "1" + closing * DEEP
    return f'{{"name": "x", "type": "api", "payload": {payload}}}'.encode()


def doubling(levels: int) -> Json:
    """A schema that expands to 2^levels nodes."""
    levels_by_name: Json = {
        f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(levels)
    }
    return {"$ref": "#/$defs/l0", "$defs": {**levels_by_name, f"l{levels}": {"type": "string"}}}


async def counted_answers(platform: Platform) -> list[str]:
    """The gateway's own counts of what it answered."""
    metrics = (await platform.rest.get("/metrics")).text
    return [line for line in metrics.splitlines() if line.startswith("etp_http_requests_total")]


def fallen(answers: list[str]) -> list[str]:
    return [line for line in answers if 'status="5' in line]


KNOWN = "SELECT trigger_id FROM scheduler.trigger UNION SELECT trigger_id FROM retention.event"


@pytest.fixture(scope="module", autouse=True)
async def aftermath(platform: Platform) -> AsyncIterator[None]:
    """After all of it: nothing fired, nothing fell, everything still works."""
    before = platform.pids()
    # Triggers that other modules have left, or deleted.
    others = {row["trigger_id"] for row in await platform.query(KNOWN)}
    # While it starts, a gateway says by 503 that it is not ready: that is not of these tests.
    fallen_before = fallen(await counted_answers(platform))
    yield
    await platform.until_quiet()
    answers = await counted_answers(platform)
    assert answers
    assert fallen(answers) == fallen_before
    assert not [
        row
        for row in await platform.log_rows()
        if row["status"] == "fired"
        and not row["trigger_name"].startswith(good_traffic.NAME)
        and row["trigger_id"] not in others
    ]
    seen = await platform.look()
    assert seen["ready"]
    assert seen["pids"] == before, "a process was started again"
    trigger = await platform.create(name="good", type="api")
    await platform.fire(trigger["id"], payload={"good": True})
    async with platform.connected() as client:
        done = await platform.ask(client, "fire", {"trigger_id": trigger["id"]})
        assert "event_id" in done
        created = await platform.ask(
            client, "create", {**SCHEDULED, "name": "good", "schedule_time": ahead(0.5)}
        )
    await platform.until_events(2, trigger_id=trigger["id"])
    await platform.until_events(1, trigger_id=created["trigger_id"])


PYTHONS = ("must be in ", "day is out of range", "isoformat", "timedelta", "invalid literal")
"""What Python itself says of dates and numbers: no caller wrote any Python."""

MALFORMED = {
    "nothing": b"",
    "half": b'{"name": "x", ',
    "text": b"hello",
    "trailing": b'{"name": "x", "type": "api"} {}',
    "not a number": b'{"name": "x", "type": "api", "payload": NaN}',
    "infinity": b'{"name": "x", "type": "api", "payload": 1e999}',
    "too large a number": b'{"name": "x", "type": "scheduled", "interval": 1' + b"0" * 400 + b"}",
    "many digits": b'{"name": "x", "type": "api", "payload": ' + b"9" * 10_0000 + b"}",
    "twice": b'{"name": "x", "type": "api", "payload": {"a": 1, "a": 2}}',
    "NUL": rb'{"name": "x", "type": "api", "payload": "a\u0000b"}',
    "half a pair": rb'{"name": "x", "type": "api", "payload": "\ud800"}',
    "no UTF-8": b'{"name": "\xff\xfe", "type": "api"}',
    "UTF-16": '{"name": "x", "type": "api"}'.encode("utf-16"),
    "deep list": nested("[", "]"),
    "deep object": nested('{"a":', "}"),
    "deep and open": b"[" * DEEP,
    "deep schema": b'{"name": "x", "type": "api", "payload_schema": '
    + b'{"not":' * DEEP
    + b"{}"
    + b"}" * DEEP
    + b"}",
}

REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ([], "invalid"),
    "null": (None, "invalid"),
    "number": (17, "invalid"),
    "no name": ({"type": "api"}, "invalid"),
    "empty name": ({**API, "name": ""}, "invalid"),
    "name is a number": ({**API, "name": 5}, "invalid"),
    "name is long": ({**API, "name": "x" * 201}, "invalid"),
    "type unknown": ({**API, "type": "cron"}, "invalid"),
    "type is a list": ({**API, "type": ["api"]}, "invalid"),
    "labels are text": ({**API, "labels": "a"}, "invalid"),
    "labels are many": ({**API, "labels": ["a"] * 21}, "invalid"),
    "unknown field": ({**API, "naem": "x"}, "invalid"),
    "unknown fields": ({**API, **{f"f{n}": n for n in range(500)}}, "invalid"),
    "pause": ({**API, "paused": True}, "pause-not-supported"),
    "schedule on api": ({**API, "schedule_time": ahead(60)}, "invalid"),
    "no schedule": (SCHEDULED, "invalid"),
    "two schedules": ({**SCHEDULED, "schedule_time": ahead(60), "interval": 5}, "invalid"),
    "schema on scheduled": ({**SCHEDULED, "interval": 5, "payload_schema": {}}, "invalid"),
    "cron never": ({**SCHEDULED, "cron": "0 0 31 2 *"}, "cron-never-fires"),
    "cron swallowed by every gap": (
        {**SCHEDULED, "cron": "30 2 * 3 0#2", "timezone": "US/Eastern", "dst_policy": "literal"},
        "cron-never-fires",
    ),
    "cron on one field": ({**SCHEDULED, "cron": "*"}, "invalid"),
    "cron is long": ({**SCHEDULED, "cron": "0," * 5000 + "0 * * * *"}, "invalid"),
    "cron is a list": ({**SCHEDULED, "cron": ["* * * * *"]}, "invalid"),
    "cron ended": (
        {**SCHEDULED, "cron": "0 0 * * *", "ends_at": "2025-01-01T00:00Z"},
        "schedule-in-past",
    ),
    "no fires": ({**SCHEDULED, "interval": 5, "max_fires": 0}, "invalid"),
    "many excluded": ({**SCHEDULED, "interval": 5, "exclude": ["2027-01-01"] * 10_000}, "invalid"),
    "time is a number": ({**SCHEDULED, "schedule_time": 5}, "invalid"),
    "time is words": ({**SCHEDULED, "schedule_time": "tomorrow"}, "invalid"),
    "time is injected": ({**SCHEDULED, "schedule_time": "2099-01-01T00:00:00Z\r\nX: 1"}, "invalid"),
    "past": ({**SCHEDULED, "schedule_time": "2025-01-26T15:00:00"}, "schedule-in-past"),
    "a second ago": ({**SCHEDULED, "schedule_time": ahead(-1)}, "schedule-in-past"),
    "year 1": ({**SCHEDULED, "schedule_time": "0001-01-01T00:00:00Z"}, "schedule-in-past"),
    "year 1 east": ({**SCHEDULED, "schedule_time": "0001-01-01T00:00:00+14:00"}, "invalid"),
    "year 9999": (
        {**SCHEDULED, "schedule_time": "9999-12-31T23:59:59Z"},
        "schedule-beyond-horizon",
    ),
    "year 9999 west": ({**SCHEDULED, "schedule_time": "9999-12-31T23:59:59-12:00"}, "invalid"),
    "year 10000": ({**SCHEDULED, "schedule_time": "10000-01-01T00:00:00Z"}, "invalid"),
    "year 9999 there": (
        {**SCHEDULED, "schedule_time": "9999-12-31T23:59:59", "timezone": "America/New_York"},
        "invalid",
    ),
    "30 February": ({**SCHEDULED, "schedule_time": "2099-02-30T00:00:00Z"}, "invalid"),
    "30 February without a time": ({**SCHEDULED, "schedule_time": "2099-02-30"}, "invalid"),
    "leap second": ({**SCHEDULED, "schedule_time": "2099-12-31T23:59:60Z"}, "invalid"),
    "24 o'clock": ({**SCHEDULED, "interval": 60, "ends_at": "2099-12-31T24:00:00"}, "invalid"),
    "excluded 30 February": (
        {**SCHEDULED, "interval": 60, "exclude": ["2099-02-30"]},
        "invalid",
    ),
    "no zone": (
        {**SCHEDULED, "schedule_time": "2099-01-01T00:00:00", "timezone": "Moon/Base"},
        "unknown-timezone",
    ),
    "zone is a path": (
        {**SCHEDULED, "schedule_time": "2099-01-01T00:00:00", "timezone": "../../etc/passwd"},
        "unknown-timezone",
    ),
    "zone with dots": (
        {
            **SCHEDULED,
            "schedule_time": "2099-01-01T00:00:00",
            "timezone": "America.Argentina/Buenos_Aires",
        },
        "unknown-timezone",
    ),
    "cron in a zone with dots": (
        {**SCHEDULED, "cron": "* * * * *", "timezone": "Europe.Berlin"},
        "unknown-timezone",
    ),
    "zone is a table": (
        {**SCHEDULED, "interval": 60, "timezone": "zone1970.tab"},
        "unknown-timezone",
    ),
    "zone is an offset": (
        {**SCHEDULED, "interval": 60, "timezone": "+02:00"},
        "unknown-timezone",
    ),
    "offset of 60 minutes": (
        {**SCHEDULED, "schedule_time": "2030-01-01T00:00:00+05:60"},
        "invalid",
    ),
    "offset of a day": (
        {**SCHEDULED, "interval": 60, "ends_at": "2030-01-01T00:00+24:00"},
        "invalid",
    ),
    "starts at an offset of 99 minutes": (
        {**SCHEDULED, "interval": 60, "starts_at": "2030-01-01T00:00:00+05:99"},
        "invalid",
    ),
    "interval of a month": ({**SCHEDULED, "interval": "P1M"}, "invalid"),
    "interval as Go writes it": ({**SCHEDULED, "interval": "1h30m"}, "invalid"),
    "cron with a zone": ({**SCHEDULED, "cron": "CRON_TZ=Europe/Berlin 0 9 * * *"}, "invalid"),
    "cron of seven fields": ({**SCHEDULED, "cron": "0 0 12 * * ? 2027"}, "invalid"),
    "cron with a no-break space": ({**SCHEDULED, "cron": "0\u00a09 * * *"}, "invalid"),
    "excluded in no year": ({**SCHEDULED, "interval": 60, "exclude": ["0000-01-01"]}, "invalid"),
    "interval zero": ({**SCHEDULED, "interval": 0}, "invalid"),
    "interval negative": ({**SCHEDULED, "interval": -5}, "invalid"),
    "interval tiny": ({**SCHEDULED, "interval": 1e-9}, "invalid"),
    "interval finer than a microsecond": ({**SCHEDULED, "interval": 1.0000001}, "invalid"),
    "jitter of nanoseconds": ({**SCHEDULED, "interval": 60, "jitter": "PT0.000000001S"}, "invalid"),
    "interval huge": ({**SCHEDULED, "interval": 1e308}, "invalid"),
    "interval true": ({**SCHEDULED, "interval": True}, "invalid"),
    "interval words": ({**SCHEDULED, "interval": "often"}, "invalid"),
    "interval of a year": ({**SCHEDULED, "interval": "P99999999999999999999D"}, "invalid"),
    "interval ended": (
        {**SCHEDULED, "interval": 5, "ends_at": "2025-01-01T00:00:00Z"},
        "schedule-in-past",
    ),
    "ends before it starts": (
        {**SCHEDULED, "interval": 5, "starts_at": ahead(60), "ends_at": ahead(30)},
        "invalid",
    ),
    "schema is text": ({**API, "payload_schema": "object"}, "invalid"),
    "schema is nonsense": ({**API, "payload_schema": {"type": "nothing"}}, "invalid-schema"),
    "schema is of old": (
        {**API, "payload_schema": {"$schema": "http://json-schema.org/draft-04/schema#"}},
        "invalid-schema",
    ),
    "schema is large": (
        {**API, "payload_schema": {"enum": ["x" * 70_000]}},
        "invalid-schema",
    ),
    "schema doubles": ({**API, "payload_schema": doubling(28)}, "invalid-schema"),
    "pattern is huge": (
        {**API, "payload_schema": {"pattern": "((a{1,1000}){1,1000}){1,1000}"}},
        "invalid-schema",
    ),
    "pattern is none": ({**API, "payload_schema": {"pattern": "(((("}}, "invalid-schema"),
    "pattern looks back": (
        {**API, "payload_schema": {"pattern": r"^(a+)+\1$"}},
        "invalid-schema",
    ),
}


def of(cases: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


@of(MALFORMED)
async def test_malformed_json_is_400_on_every_route(platform: Platform, case: bytes) -> None:
    trigger_id = (await platform.create(**API))["id"]
    for method, path in (
        ("POST", "/triggers/"),
        ("PUT", f"/triggers/{trigger_id}"),
        ("PATCH", f"/triggers/{trigger_id}"),
        ("POST", "/test/scheduled/"),
        ("POST", "/test/api/"),
        *((("POST", f"/triggers/{trigger_id}/fire"),) if case else ()),
    ):
        response = await platform.rest.request(
            method,
            path,
            content=case,
            headers={"Content-Type": "application/json"},
            timeout=PROMPT_S,
        )
        assert response.status_code == 400, (path, response.text)
        assert response.json()["code"] == "malformed-json"
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["request_id"] == response.headers["x-request-id"]


@of(MALFORMED)
async def test_malformed_commands_are_dead_letters(
    platform: Platform, client: Client, case: bytes
) -> None:
    """Answered with the same problem, and kept with the reason and the original."""
    for verb in Verb:
        problem = await platform.ask(client, verb, case, within=PROMPT_S)
        assert (problem["status"], problem["code"]) == (400, "malformed-json")
        letter = await dead_lettered(platform, f"trigger.command.{verb}", case)
        assert letter["stream"] == "TRIGGER_COMMANDS"
        assert problem["detail"] in letter["reason"]


async def dead_lettered(platform: Platform, subject: str, body: bytes) -> Json:
    """The dead letter of a message, once it is there."""

    async def found() -> Json | None:
        for letter in await platform.dead_letters():
            if letter["subject"] == subject and original(letter) == body:
                return letter
        return None

    letter = await eventually(found, within=30, what=f"a dead letter of {subject}")
    assert letter is not None
    return letter


def original(letter: Json) -> bytes:
    import base64

    body: str = letter["body"]
    return base64.b64decode(body) if letter["encoding"] == "base64" else body.encode()


@of(REFUSED)
async def test_a_bad_definition_is_refused_alike_at_both_doors(
    platform: Platform, client: Client, case: tuple[Any, str]
) -> None:
    """The same code and the same pointers, a name for each field, and no trigger."""
    fields, code = case
    response = await platform.rest.post(
        "/triggers/",
        content=json.dumps(fields),
        headers={"Content-Type": "application/json"},
        timeout=PROMPT_S,
    )
    assert response.status_code == 422, response.text
    assert response.json()["code"] == code, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = await platform.ask(client, "create", fields, within=PROMPT_S)
    assert (problem["status"], problem["code"]) == (422, code), problem
    assert pointers(problem) == pointers(response.json())
    for text in (response.text, json.dumps(problem)):
        assert not any(words in text for words in PYTHONS)
    assert len(response.text) < 10_0000


HELP: dict[str, tuple[Json, str]] = {
    "a month": ({"interval": "P1M"}, "months and years are not of one length"),
    "half an hour": ({"interval": "PT0.5H"}, "write 'PT30M'"),
    "years in the cron": ({"cron": "0 0 12 * * ? 2097"}, "`starts_at` and `ends_at`"),
    "as Go writes it": ({"interval": "1h30m"}, "write 'PT1H30M'"),
    "a zone in the cron": ({"cron": "CRON_TZ=Europe/Berlin 0 9 * * *"}, "'Europe/Berlin'"),
    "a no-break space": ({"cron": "0\u00a09 * * *"}, "NO-BREAK SPACE (U+00A0)"),
    "a zone's name after an instant": (
        {"interval": 60, "ends_at": "2097-01-26T15:00:00[Europe/Berlin]"},
        "`timezone`",
    ),
}


@of(HELP)
async def test_both_doors_say_what_to_write_instead(
    platform: Platform, client: Client, case: tuple[Json, str]
) -> None:
    fields, said = case
    definition = {**SCHEDULED, **fields}
    by_rest = await platform.rest.post("/triggers/", json=definition)
    preview = await platform.rest.post("/schedules/preview", json=fields)
    by_nats = await platform.ask(client, "create", definition, within=PROMPT_S)
    for problem in (by_rest.json(), preview.json(), by_nats):
        assert problem["status"] == 422
        assert said in problem["errors"][0]["message"], problem


async def test_both_doors_tell_all_that_is_wrong_at_once(
    platform: Platform, client: Client
) -> None:
    wrong = {"name": "", "timezone": "Mars/Olympus", "cron": "0 25 * * *", "jitter": "P2D"}
    definition = {"type": "scheduled", **wrong}
    trigger = await platform.create(name="kept", type="scheduled", cron="0 9 * * *")
    one = f"/triggers/{trigger['id']}"
    edit = {"trigger_id": trigger["id"]}
    for problem in (
        (await platform.rest.post("/triggers/", json=definition)).json(),
        (await platform.rest.put(one, json=definition)).json(),
        (await platform.rest.patch(one, json=wrong)).json(),
        await platform.ask(client, "create", definition, within=PROMPT_S),
        await platform.ask(client, "update", {**edit, "definition": definition}, within=PROMPT_S),
        await platform.ask(client, "update", {**edit, "patch": wrong}, within=PROMPT_S),
        await platform.ask(client, "test", definition, within=PROMPT_S),
    ):
        assert (problem["status"], problem["code"]) == (422, "invalid"), problem
        assert pointers(problem) == ["/name", "/timezone", "/cron", "/jitter"], problem
        assert problem["errors"][2]["at"] == 2, problem
    assert (await platform.rest.get(one)).json() == trigger


def pointers(problem: Json) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


@of({k: v for k, v in REFUSED.items() if isinstance(v[0], dict)})
async def test_a_bad_edit_changes_nothing(
    platform: Platform, client: Client, case: tuple[Json, str]
) -> None:
    fields, _ = case
    kind = {"type": "api"} if fields.get("type") != "scheduled" else {
        "type": "scheduled",
        "schedule_time": ahead(3600),
    }  # fmt: skip
    trigger = await platform.create(name="kept", **kind)
    one = f"/triggers/{trigger['id']}"
    replaced = await platform.rest.put(
        one,
        content=json.dumps(fields),
        headers={"Content-Type": "application/json"},
        timeout=PROMPT_S,
    )
    by_nats = await platform.ask(
        client, "update", {"trigger_id": trigger["id"], "definition": fields}, within=PROMPT_S
    )
    assert replaced.status_code == by_nats["status"] == 422, (replaced.text, by_nats)
    assert (await platform.rest.get(one)).json() == trigger


BAD_IDS = {
    "dot": "a.b",
    "star": "*",
    "greater": ">",
    "wild": "trigger.>",
    "space": "a b",
    "CR LF": "a\r\nPUB trigger.fired.x 2\r\nhi",
    "tab": "\t",
    "dots": "..",
    "slash": "a/b",
    "percent": "%",
    "umlaut": "ü",
    "long": "x" * 65,
    "newline": "abc\n",
    "SQL": "'; DROP TABLE retention.event; --",
    "NATS API": "$JS.API.STREAM.DELETE.TRIGGER_EVENTS",
}


@of(BAD_IDS)
async def test_an_id_that_is_none_names_nothing_by_rest(platform: Platform, case: str) -> None:
    # A bare ".." would be folded away by the client.
    encoded = quote(case, safe="").replace(".", "%2E")
    path = f"/triggers/{encoded}"
    body = {"payload": 1}
    for response in (
        await platform.rest.get(path),
        await platform.rest.put(path, json=API),
        await platform.rest.patch(path, json={"name": "x"}),
        await platform.rest.delete(path),
        await platform.rest.get(f"{path}/history"),
        await platform.rest.post(f"{path}/fire", json=body),
        await platform.rest.post(f"{path}/test", json=body),
        await platform.rest.get(f"/events/{encoded}"),
    ):
        assert response.status_code in {404, 405}, (response.request.url, response.text)
        assert response.headers["content-type"] == "application/problem+json"
    assert await platform.events(trigger_id=case) == []


@of(BAD_IDS)
async def test_an_id_that_is_none_is_refused_by_nats(
    platform: Platform, client: Client, case: str
) -> None:
    trigger_id = (await platform.create(**API))["id"]
    for verb, fields in (
        ("create", API),
        ("update", {"patch": {"name": "x"}}),
        ("delete", {}),
        ("test", API),
        ("fire", {"payload": 1}),
    ):
        problem = await platform.ask(client, verb, {"trigger_id": case, **fields}, within=PROMPT_S)
        assert (problem["status"], problem["code"]) == (422, "invalid"), (verb, problem)
        assert pointers(problem) == ["/trigger_id"]
        problem = await platform.ask(
            client, verb, {"trigger_id": trigger_id, "command_id": case, **fields}, within=PROMPT_S
        )
        assert (problem["status"], pointers(problem)) == (422, ["/command_id"]), (verb, problem)
    assert (await platform.rest.get(f"/triggers/{trigger_id}")).json()["version"] == 1


@pytest.mark.parametrize("version", [0, 2, -1, "1", "2", None, 1.5, [1]])
async def test_an_unknown_version_is_a_dead_letter(
    platform: Platform, client: Client, version: Any
) -> None:
    trigger_id = (await platform.create(**API))["id"]
    for verb, fields in (
        ("create", API),
        ("update", {"trigger_id": trigger_id, "patch": {"name": "x"}}),
        ("delete", {"trigger_id": trigger_id}),
        ("test", API),
        ("fire", {"trigger_id": trigger_id}),
    ):
        body = {**fields, "schema_version": version, "actor": new_id()}
        problem = await platform.ask(client, verb, body)
        assert (problem["status"], problem["code"]) == (422, "unknown-schema-version"), verb
        await dead_lettered(platform, f"trigger.command.{verb}", json.dumps(body).encode())
    shown = await platform.rest.get(f"/triggers/{trigger_id}")
    assert shown.json()["version"] == 1


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, len(MEGABYTE)])
async def test_a_large_body_is_413_on_every_route(platform: Platform, size: int) -> None:
    """Counted as it streams in, whether its length was declared or not."""
    trigger_id = (await platform.create(**API))["id"]
    shell = len(json.dumps({**API, "payload": ""}))
    body = json.dumps({**API, "payload": "x" * (size - shell)}).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    for path in ("/triggers/", f"/triggers/{trigger_id}/fire", "/test/api/"):
        for content in (body, chunks()):
            # Answered before all is read, and heard by a client that still sends.
            response = await platform.rest.post(
                path, content=content, headers={"Content-Type": "application/json"}
            )
            assert response.status_code == 413, response.text
            assert response.json()["code"] == "body-too-large"


@pytest.mark.parametrize("size", [513 * 1024, 1024 * 1024 - 1000])
async def test_a_large_command_is_a_dead_letter(
    platform: Platform, client: Client, size: int
) -> None:
    """As large as the broker lets through; the letter keeps what fits."""
    trigger_id = (await platform.create(**API))["id"]
    for verb, fields in (
        ("create", API),
        ("update", {"trigger_id": trigger_id, "patch": {"name": "x"}}),
        ("test", API),
        ("fire", {"trigger_id": trigger_id}),
    ):
        before = len(await platform.dead_letters())
        body = json.dumps({**fields, "payload": "x" * (size - 200)}).encode()
        problem = await platform.ask(client, verb, body, within=PROMPT_S)
        assert (problem["status"], problem["code"]) == (413, "body-too-large"), (verb, problem)

        async def one_more(count: int = before) -> bool:
            return len(await platform.dead_letters()) == count + 1

        await eventually(one_more, within=30)


@pytest.fixture
async def listener() -> AsyncIterator[tuple[str, list[str]]]:
    """An address on loopback, and who has connected to it."""
    hits: list[str] = []

    async def hit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hits.append(str(writer.get_extra_info("peername")))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(hit, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", hits
    server.close()


async def test_a_schema_never_reaches_out(
    platform: Platform, client: Client, listener: tuple[str, list[str]], tmp_path: Path
) -> None:
    """Neither over the network nor to a file, wherever in a schema the reference stands."""
    address, hits = listener
    bait = tmp_path / "schema.json"
    bait.write_text('{"type": "string"}')
    targets = (f"{address}/schema.json", f"file://{bait}", "file:///etc/passwd", "other.json")
    for target in targets:
        for schema in (
            {"$ref": target},
            {"properties": {"a": {"$ref": target}}},
            {"$defs": {"x": {"$dynamicRef": target}}, "$ref": "#/$defs/x"},
            {"allOf": [{"not": {"$ref": f"{target}#/$defs/a"}}]},
            {"$id": f"{address}/base/", "$ref": target},
        ):
            body = {**API, "payload_schema": schema}
            response = await platform.rest.post("/triggers/", json=body, timeout=PROMPT_S)
            assert response.status_code == 422, (schema, response.text)
            assert response.json()["code"] == "invalid-schema"
            test = {"payload": {}, "payload_schema": schema}
            assert (await platform.rest.post("/test/api/", json=test)).status_code == 422
            problem = await platform.ask(client, "create", body)
            assert problem["code"] == "invalid-schema"
    for schema in ({"$schema": f"{address}/meta"}, {"$id": f"{address}/me", "type": "object"}):
        body = {**API, "payload_schema": schema}
        await platform.rest.post("/triggers/", json=body, timeout=PROMPT_S)
        await platform.ask(client, "create", body)
    await platform.until_quiet()
    assert hits == []


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(.*a){25}$", "^(a*)*b$"])
async def test_a_catastrophic_pattern_stalls_nobody(
    platform: Platform, client: Client, pattern: str
) -> None:
    """It matches in linear time: a payload made for it is rejected as fast as any."""
    schema = {"type": "string", "pattern": pattern}
    created = await platform.rest.post("/triggers/", json={**API, "payload_schema": schema})
    if created.status_code == 422:
        return
    trigger_id = created.json()["id"]
    evil = "a" * 20 + "a" * 10_0000 + "!"
    started = asyncio.get_running_loop().time()
    response = await platform.rest.post(
        f"/triggers/{trigger_id}/fire", json={"payload": evil}, timeout=PROMPT_S
    )
    problem = await platform.ask(
        client, "fire", {"trigger_id": trigger_id, "payload": evil}, within=PROMPT_S
    )
    assert response.status_code == problem["status"] == 422
    assert asyncio.get_running_loop().time() - started < PROMPT_S


async def test_a_long_regular_expression_in_a_payload_stalls_nobody(
    platform: Platform, client: Client
) -> None:
    """The validator compares all names of groups: 250 kB of them took 5 s, each time."""
    schema = {"properties": {"rule": {"format": "regex"}}}
    trigger_id = (await platform.create(**API, payload_schema=schema))["id"]
    payload = {"rule": "".join(f"(?<n{n}>)" for n in range(20_000))}
    started = asyncio.get_running_loop().time()
    response = await platform.rest.post(
        f"/triggers/{trigger_id}/fire", json={"payload": payload}, timeout=PROMPT_S
    )
    problem = await platform.ask(
        client, "fire", {"trigger_id": trigger_id, "payload": payload}, within=PROMPT_S
    )
    assert asyncio.get_running_loop().time() - started < 4
    for answer in (response.json(), problem):
        assert (answer["status"], answer["code"]) == (422, "payload-schema-mismatch")
        assert pointers(answer) == ["/payload/rule"]
        assert "at most 1000 characters" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    "reply_to",
    [
        "trigger.fired.forged",
        "trigger.command.delete",
        "$JS.API.STREAM.PURGE.TRIGGER_EVENTS",
        "_INBOX_reader.x",
        "_INBOX_admin.x",
        "_INBOX_client.>",
        "_INBOX_client.*",
        "_INBOX_client.a b",
        "_INBOX_clientele.x",
        "",
    ],
)
async def test_a_result_goes_nowhere_but_to_an_inbox(
    platform: Platform, client: Client, reply_to: str
) -> None:
    heard: list[str] = []
    async with platform.connected("admin") as admin:

        async def hear(message: Any) -> None:
            if b"urn:etp:problem:" in message.data:
                heard.append(message.subject)

        await admin.subscribe(">", cb=hear)
        await admin.flush()
        for verb in ("delete", "fire"):
            body = {"trigger_id": f"unknown-{new_id()[:8]}"}
            await platform.send(client, verb, body, {"reply_to": reply_to})
            # What comes after it in the stream was answered after it.
            answered = await platform.ask(client, verb, body)
            assert answered["code"] == "not-found"
        await admin.flush()
        assert [subject for subject in heard if not subject.startswith("_INBOX_client.")] == []
        assert len(heard) == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/events/?limit=0", 422),
        ("/events/?limit=100000", 422),
        ("/events/?limit=many", 422),
        ("/events/?cursor=nonsense", 422),
        ("/events/?cursor=" + "A" * 300, 422),
        ("/events/?cursor=WyJhIiwiYiJd", 422),
        ("/events/?state=paused", 422),
        ("/events/?from=yesterday", 422),
        ("/events/?from=9999-12-31T23:59:59-12:00", 200),
        ("/events/?to=9999-12-31T23:59:59-05:00", 200),
        ("/events/stats?from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-05:00", 200),
        ("/events/?to=9999-12-31T24:00:00Z", 422),
        ("/events/?min_lateness=1e-400", 422),
        ("/events/?to=2025-01-01T00:00:00Z&from=2026-01-01T00:00:00Z", 422),
        ("/events/?trigger_id=%00", 422),
        ("/events/?trigger=x", 422),
        ("/triggers/?q=%00", 422),
        ("/triggers/?q=%25%27%22%5C", 200),
        ("/triggers/?label=" + "x" * 300, 422),
        ("/triggers/?nope=1", 422),
        ("/events/00000000-0000-0000-0000-000000000000", 404),
        ("/events/ffffffff-ffff-7fff-bfff-ffffffffffff", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/triggers/%00", 404),
    ],
)
async def test_bad_queries_are_refused(platform: Platform, path: str, status: int) -> None:
    response = await platform.rest.get(path)
    assert response.status_code == status, response.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Idempotency-Key": "x" * 256}, 422),
        ({"Idempotency-Key": "tab\there"}, 422),
        ({"Idempotency-Key": ""}, 422),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/xml"}, 415),
        ({"X-API-KEY": "x" * 5000}, 401),
        ({"X-API-KEY": "etp_.x"}, 401),
    ],
)
async def test_bad_headers_are_refused(
    platform: Platform, headers: dict[str, str], status: int
) -> None:
    trigger_id = (await platform.create(**API))["id"]
    for path, body in (("/triggers/", API), (f"/triggers/{trigger_id}/fire", {"payload": 1})):
        response = await platform.rest.post(path, json=body, headers=headers)
        assert response.status_code == status, response.text
    for if_match in ("nonsense", '"1", "2"'):
        one = f"/triggers/{trigger_id}"
        refused = await platform.rest.delete(one, headers={"If-Match": if_match})
        assert refused.status_code == 422


ENDLESS = {"/events/stream", "/events/export"}
BESIDE_THE_REFERENCE = ("/", "/docs", "/openapi.json", "/asyncapi", "/asyncapi.json")
OF_A_WORKER = ("/health", "/ready", "/metrics", "/asyncapi", "/asyncapi.json")


async def test_head_and_options_are_answered_at_every_door(platform: Platform) -> None:
    """By the gateway at all that it serves, and by each worker."""
    trigger_id = (await platform.create(**API))["id"]
    key = (f"X-API-KEY: {platform.status['api_key']}",)
    served = (await platform.rest.get("/openapi.json")).json()["paths"]
    doors = [(platform.status["url"], path, set(methods)) for path, methods in served.items()]
    doors += [(platform.status["url"], path, {"get"}) for path in BESIDE_THE_REFERENCE]
    for name in ("scheduler", "executor", "retention"):
        url = f"http://127.0.0.1:{platform.status['processes'][name]['port']}"
        doors += [(url, path, {"get"}) for path in OF_A_WORKER]
    assert len(doors) > 30
    for url, path, methods in doors:
        ids = {"trigger_id": trigger_id, "event_id": new_id(), "delivery_id": new_id()}
        target = path.format(**ids, letter_id="none", target_id="none")
        options = await raw_http.ask(url, "OPTIONS", target, key)
        assert (options.status, options.body) == (204, b""), target
        allowed = set(options.headers["allow"].lower().split(", "))
        assert allowed >= methods | {"options"}, target
        assert ("head" in allowed) == ("get" in allowed), target
        if "get" not in methods:
            continue
        head = await raw_http.ask(url, "HEAD", target, key)
        assert head.body == b"", target
        if path.rstrip("/") in ENDLESS:
            assert head.status == 200, target
            continue
        got = await raw_http.ask(url, "GET", target, key)
        assert (head.status, head.headers.keys()) == (got.status, got.headers.keys()), target
        assert head.headers.get("content-type") == got.headers.get("content-type"), target


async def test_a_body_in_gzip_is_read_and_other_encodings_are_named(platform: Platform) -> None:
    body = json.dumps({**API, "payload": "ä" * 1000}).encode()
    for encoding, content, status in (
        ("gzip", gzip.compress(body), 201),
        ("GZIP", gzip.compress(body[:300]) + gzip.compress(body[300:]), 201),
        ("gzip", body, 400),
        ("gzip", gzip.compress(bytes(50_000_000)), 413),
        ("zstd", body, 415),
        ("gzip, br", body, 415),
    ):
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
        response = await platform.rest.post("/triggers/", content=content, headers=headers)
        assert response.status_code == status, (encoding, response.text)
        assert status != 415 or "Content-Encoding" in response.json()["detail"]


async def test_parameters_that_are_repeated_or_unknown_change_nothing(platform: Platform) -> None:
    trigger = await platform.create(**API)
    one = f"/triggers/{trigger['id']}"
    for method, path, body in (
        ("GET", "/triggers/?limit=1&limit=2", None),
        ("GET", "/events/?cursor=a&cursor=b", None),
        ("POST", "/triggers/?synchronous=true", API),
        ("PATCH", f"{one}?force=1", {"name": "x"}),
        ("DELETE", f"{one}?if_unused=1", None),
        ("POST", f"{one}/fire?wait=1", {"payload": 1}),
    ):
        response = await platform.rest.request(method, path, json=body)
        assert response.status_code == 422, (path, response.text)
    assert (await platform.rest.get(one)).json() == trigger
    for path in ("/triggers/?type=api&type=scheduled", "/events/?status=fired&status=missed"):
        assert (await platform.rest.get(path)).status_code == 200


async def test_header_lines_given_twice_are_refused_and_blanks_are_none(
    platform: Platform,
) -> None:
    trigger = await platform.create(**API)
    url, key = platform.status["url"], platform.status["api_key"]
    as_json = ("Content-Type: application/json", f"X-API-KEY: {key} \t")
    body, edit = json.dumps(API).encode(), b'{"name": "edited"}'
    one = f"/triggers/{trigger['id']}"
    for method, target, lines, sent, status in (
        ("POST", "/triggers/", ("Idempotency-Key: a", "Idempotency-Key: b"), body, 422),
        ("PATCH", one, ('If-Match: "7"', "If-Match: *, *"), edit, 422),
        ("PATCH", one, ("If-None-Match: *",), edit, 412),
        ("PUT", one, ("If-None-Match:  * ",), body, 412),
    ):
        answered = await raw_http.ask(url, method, target, (*as_json, *lines), sent)
        assert answered.status == status, (lines, answered.body)
    assert (await platform.rest.get(one)).json() == trigger
    made = [
        await raw_http.ask(url, "POST", "/triggers/", (*as_json, f"Idempotency-Key: {k}"), body)
        for k in ("same", "same  ", "  same\t")
    ]
    assert {answered.status for answered in made} <= {200, 201}
    assert len({answered.json["id"] for answered in made}) == 1


async def test_what_an_earlier_version_accepted_stands_in_the_way_of_no_other_edit(
    platform: Platform,
) -> None:
    """By REST and by NATS alike; where it must be read again, the refusal says so."""
    trigger = await platform.create(**{**SCHEDULED, "name": "old", "interval": 3600})
    subject = f"trigger.changed.{trigger['id']}"
    (stored,) = await platform.stored("TRIGGER_CHANGES", subject)
    change = json.loads(stored.payload)
    change["definition"]["interval"] = 1.0000001
    change |= {"version": 2, "command_id": new_id()}
    async with platform.connected("admin") as admin:
        await admin.jetstream(timeout=10).publish(subject, json.dumps(change).encode())
    address = f"/triggers/{trigger['id']}"

    async with platform.connected() as client:

        async def by_nats(**patch: Any) -> Json:
            body = {"trigger_id": trigger["id"], "patch": patch}
            return await platform.ask(client, "update", body)

        renamed = await platform.rest.patch(address, json={"name": "renamed"})
        assert (renamed.status_code, renamed.json()["interval"]) == (200, 1.0000001), renamed.text
        assert (await by_nats(name="again"))["version"] == 4
        refused = await platform.rest.patch(address, json={"max_fires": 5})
        assert refused.status_code == 422
        for problem in (refused.json(), await by_nats(max_fires=5)):
            (error,) = problem["errors"]
            assert error["pointer"] == "/interval"
            assert "not allowed any more: send interval as well" in error["message"]
        mended = await platform.rest.patch(address, json={"max_fires": 5, "interval": 3600})
        assert mended.status_code == 200, mended.text
    assert (await platform.rest.delete(address)).status_code == 204
