"""Whatever is refused of a trigger is one row that says where it was wrong, and never what it held.

By both doors; the log is asked as its users do, and every place is looked at in which a payload
must not be.
"""

import json
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client

from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform
from trigger_contracts.topology import MAX_BODY_BYTES, MAX_COMMAND_BYTES
from trigger_runtime.process.ids import new_id

CANARY = f"canary-{new_id()}"
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@dataclass(frozen=True)
class Case:
    """One way to be refused: by REST a body, by NATS what stands beside the trigger's id."""

    pointer: str
    rest: bytes | None
    nats: bytes | None
    code: str
    headers: tuple[tuple[str, str], ...] = ()


def case(code: str, pointer: str, rest: str | None, nats: str | None, **headers: str) -> Case:
    def raw(text: str | None) -> bytes | None:
        return None if text is None else text.replace("CANARY", CANARY).encode("latin-1")

    return Case(pointer, raw(rest), raw(nats), code, tuple(headers.items()))


BOTH: dict[str, tuple[str, str, str]] = {
    "mismatch": ("payload-schema-mismatch", "/payload/n", '"payload": {"n": "CANARY"}'),
    "missing": ("payload-schema-mismatch", "/payload", '"payload": {"m": "CANARY"}'),
    "unknown field": ("invalid", "/colour", '"payload": {"n": 1}, "colour": "CANARY"'),
    "cut": ("malformed-json", "", '"payload": {"n": "CANARY"'),
    "no number": ("malformed-json", "", '"payload": {"CANARY": NaN}'),
    "keys twice": ("malformed-json", "", '"payload": {"CANARY": 1, "CANARY": 2}'),
    "no UTF-8": ("malformed-json", "", '"payload": "CANARY\xff"'),
    "unstorable": ("malformed-json", "", '"payload": "CANARY\\u0000"'),
    "too deep": ("malformed-json", "", '"payload": ' + '{"CANARY":' * 70 + "1" + "}" * 70),
}
CASES = {
    **{
        name: case(code, pointer, f"{{{text}}}", text)
        for name, (code, pointer, text) in BOTH.items()
    },
    "no object": case("invalid", "", '["CANARY"]', None),
    "no JSON type": case(
        "unsupported-media-type", "", '{"payload": "CANARY"}', None, **{"Content-Type": "text/csv"}
    ),
    "bad key": case(
        "invalid",
        "/header/Idempotency-Key",
        '{"payload": {"n": "CANARY"}}',
        None,
        **{"Idempotency-Key": "x" * 256},
    ),
    "bad key by NATS": case("invalid", "/key", None, '"payload": "CANARY", "key": ""'),
    "unknown version": case(
        "unknown-schema-version",
        "/schema_version",
        None,
        '"payload": "CANARY", "schema_version": 9',
    ),
    "too large": case(
        "body-too-large",
        "",
        '{"payload": "' + "CANARY" * (MAX_BODY_BYTES // len(CANARY) + 1) + '"}',
        '"payload": "' + "CANARY" * (MAX_COMMAND_BYTES // len(CANARY) + 1) + '"',
    ),
}


async def test_each_is_answered_and_is_one_row(platform: Platform, client: Client) -> None:
    trigger = await platform.create(name="strict", type="api", payload_schema=SCHEMA)
    trigger_id = trigger["id"]
    answers: list[Json] = []
    expected: list[tuple[str, str]] = []
    for name, one in CASES.items():
        if one.rest is not None:
            headers = {"Content-Type": "application/json", **dict(one.headers)}
            response = await platform.rest.post(
                f"/triggers/{trigger_id}/fire", content=one.rest, headers=headers
            )
            assert response.json()["code"] == one.code, name
            assert CANARY not in str(response.headers), name
            answers.append(response.json())
            expected.append(("api", one.pointer))
        if one.nats is not None:
            body = b'{"trigger_id": "%s", %s}' % (trigger_id.encode(), one.nats)
            if name == "cut":
                body = body[:-1]
            problem = await platform.ask(client, "fire", body)
            assert problem["code"] == one.code, name
            answers.append(problem)
            # Who asks for no answer gets none, and the row is there all the same.
            await platform.send(client, "fire", body)
            expected += [("nats", one.pointer)] * 2

    rows = await platform.until_events(len(expected), trigger_id=trigger_id, status="rejected")
    await platform.until_quiet()

    rows = await platform.events(trigger_id=trigger_id, status="rejected")
    found = [(row["source"], row["errors"][0]["pointer"]) for row in rows]
    assert sorted(found) == sorted(expected)
    assert all(len(row["errors"]) == 1 and row["reason"] for row in rows)
    assert {row["fired_at"] for row in rows} == {None}
    detail = (await platform.rest.get(f"/events/{rows[0]['id']}")).json()
    assert detail["payload"] is None
    assert await platform.events(trigger_id=trigger_id, status="fired") == []
    for said in (answers, rows, [dict(row) for row in await platform.log_rows(trigger_id)]):
        assert CANARY not in json.dumps(said, default=str)
    assert not any(
        CANARY in f"{message.payload.decode()}{message.headers}"
        for message in await platform.stored("TRIGGER_EVENTS")
    )
    assert CANARY not in platform.logs()
    # What NATS clients published is there with its reason until its life is over.
    kept = (await platform.rest.get("/dead-letters/", params={"limit": 500})).json()
    assert CANARY in json.dumps([letter["original"] for letter in kept])
    assert CANARY not in json.dumps([{**letter, "original": None} for letter in kept])


async def test_who_asks_for_what_is_not_there_gets_only_the_error(
    platform: Platform, client: Client
) -> None:
    gone = (await platform.create(name="gone", type="api"))["id"]
    assert (await platform.rest.delete(f"/triggers/{gone}")).status_code == 204
    await platform.until_quiet()
    before = await platform.events(status="rejected")
    for trigger_id in ("nobody", gone):
        response = await platform.rest.post(f"/triggers/{trigger_id}/fire", json={"payload": 1})
        assert (response.status_code, response.json()["code"]) == (404, "not-found")
        response = await platform.rest.post(f"/triggers/{trigger_id}/fire", content=b"{")
        assert (response.status_code, response.json()["code"]) == (400, "malformed-json")
        problem = await platform.ask(client, "fire", {"trigger_id": trigger_id, "payload": 1})
        assert (problem["status"], problem["code"]) == (404, "not-found")
        problem = await platform.ask(client, "fire", b'{"trigger_id": "%s"' % trigger_id.encode())
        assert (problem["status"], problem["code"]) == (400, "malformed-json")
    await platform.until_quiet()
    assert await platform.events(status="rejected") == before


async def test_a_refused_fire_that_is_delivered_again_stays_one_row(
    platform: Platform, client: Client
) -> None:
    """The executor dies in the middle of many: what it had in hand comes again."""
    trigger = await platform.create(name="often refused", type="api", payload_schema=SCHEMA)
    trigger_id = trigger["id"]
    bodies: list[Any] = [{"trigger_id": trigger_id, "payload": n} for n in "abcdef"] * 20
    bodies += [b'{"trigger_id": "%s", "payload": ' % trigger_id.encode()] * 20
    for body in bodies[:70]:
        await platform.send(client, "fire", body)
    await platform.kill("executor")
    for body in bodies[70:]:
        await platform.send(client, "fire", body)

    async def all_there() -> bool:
        rows = await platform.events(trigger_id=trigger_id, status="rejected")
        return len(rows) >= len(bodies)

    await eventually(all_there, within=60)
    await platform.until_quiet()
    assert len(await platform.log_rows(trigger_id)) == len(bodies)
