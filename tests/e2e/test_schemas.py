"""Schemas of any cost, nulls, numbers and words: the same answer at both doors, and nobody waits.

Good traffic of another user goes on beside all of it, and is timed.
"""

# ruff: noqa: RUF001

import json

import psutil
import pytest
from nats.aio.client import Client

from tests.support import sse
from tests.support.eventually import eventually
from tests.support.whole_platform import Json, Platform
from trigger_contracts import subjects

WORDS = r"\w" * 9_000
"""Kept the gateway deaf for 112 s."""
LETTERS = [r"\p{L}{3}" + str(n) for n in range(630)]
"""Took 100 MB."""

COSTLY: dict[str, tuple[Json, str]] = {
    "words": ({"pattern": WORDS}, "/payload_schema/pattern"),
    "in a member": (
        {"properties": {"a": {"items": {"pattern": WORDS}}}},
        "/payload_schema/properties/a/items/pattern",
    ),
    "of names": ({"propertyNames": {"pattern": WORDS}}, "/payload_schema/propertyNames/pattern"),
    "letters": ({"allOf": [{"pattern": one} for one in LETTERS]}, "/payload_schema/allOf/"),
    "as names": (
        {"patternProperties": {one: {"minLength": 1} for one in LETTERS}},
        "/payload_schema/patternProperties/",
    ),
    "nested": ({"pattern": "(((a{99}){99}){99}){99}"}, "/payload_schema/pattern"),
    "both cases": ({"pattern": "(?i)[" + "Ā-￿" * 900 + "]"}, "/payload_schema/pattern"),
}
WRONG: dict[str, tuple[Json, str, str]] = {
    "look-ahead": (
        {"properties": {"a": {"pattern": "a(?=b)"}}},
        "/payload_schema/properties/a/pattern",
        "look-ahead",
    ),
    "backreference": ({"pattern": r"(a)\1"}, "/payload_schema/pattern", "backreferences"),
    "type": ({"items": {"type": "text"}}, "/payload_schema/items/type", "type: must be one of"),
}

pytestmark = pytest.mark.usefixtures("beside_good_traffic")


def definition(schema: Json) -> Json:
    return {"name": "costly", "type": "api", "payload_schema": schema}


async def refused_by_both(platform: Platform, client: Client, schema: Json) -> Json:
    """The answer, which must be the same at each door, and to an edit."""
    response = await platform.rest.post("/triggers/", json=definition(schema))
    assert response.status_code == 422, response.text
    by_rest = response.json()
    by_nats = await platform.ask(client, "create", definition(schema))
    parts = ("code", "status", "detail", "errors")
    assert [by_rest[part] for part in parts] == [by_nats[part] for part in parts]
    return by_rest


async def test_costly_patterns_are_refused_by_both_doors_beside_good_traffic(
    platform: Platform, client: Client
) -> None:
    services = {name: psutil.Process(platform.pids()[name]) for name in ("api", "scheduler")}
    before = {name: service.memory_info().rss for name, service in services.items()}
    for name, (schema, pointer) in COSTLY.items():
        problem = await refused_by_both(platform, client, schema)
        assert problem["code"] == "invalid-schema", name
        assert problem["errors"][0]["pointer"].startswith(pointer), name
    # Sent again, it is known; and nobody waits for an answer to what is only thrown in.
    for _ in range(50):
        await platform.send(client, "create", definition(COSTLY["words"][0]))
    # The dearest that is taken, twenty times, each another one.
    for n in range(20):
        letters = {"allOf": [{"pattern": one + f"x{n}"} for one in LETTERS[:12]]}
        response = await platform.rest.post("/triggers/", json=definition(letters))
        assert response.status_code == 201, response.text
        payload = {"payload": "abc0"}
        address = f"/triggers/{response.json()['id']}/fire"
        assert (await platform.rest.post(address, json=payload)).status_code == 422
    for name, service in services.items():
        assert service.memory_info().rss - before[name] < 150_000_000, name
    await platform.until_quiet()


@pytest.mark.parametrize("name", sorted(WRONG))
async def test_an_error_in_a_schema_says_where_and_which_keyword(
    platform: Platform, client: Client, name: str
) -> None:
    schema, pointer, said = WRONG[name]

    problem = await refused_by_both(platform, client, schema)

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert said in problem["errors"][0]["message"]
    trigger = await platform.create(name="edited", type="api")
    edit = {"payload_schema": schema}
    response = await platform.rest.patch(f"/triggers/{trigger['id']}", json=edit)
    assert response.json()["errors"] == problem["errors"]


async def payload_of(platform: Platform, event_id: str) -> str:
    """The payload of an event's row, as the answer's text has it; once it is there."""

    async def there() -> str | None:
        response = await platform.rest.get(f"/events/{event_id}")
        return response.text if response.status_code == 200 else None

    found = await eventually(there, what=f"{event_id} is logged")
    assert found is not None
    return found


RECEIPT = {"id": 7, "coupon": None, "lines": [{"tax": None}], "buyer": {"phone": None, "name": "A"}}
NULLABLE = {"type": "object", "required": ["coupon"], "properties": {"coupon": {"type": "null"}}}


async def test_nulls_of_a_fired_payload_arrive_by_fire_test_and_replay(
    platform: Platform, client: Client
) -> None:
    """A schema that requires a nullable member could never be met."""
    bare = await platform.create(name="bare", type="api", payload_schema=NULLABLE)
    own = await platform.create(
        name="own", type="api", payload={"shop": "x", "id": 1, "buyer": {"phone": "1", "vip": True}}
    )
    laid_over = {**RECEIPT, "shop": "x", "buyer": {"vip": True, "name": "A"}}
    for trigger, fires in ((bare, RECEIPT), (own, laid_over)):
        trigger_id = trigger["id"]
        fired = await platform.fire(trigger_id, payload=RECEIPT)
        tested = await platform.rest.post(f"/triggers/{trigger_id}/test", json={"payload": RECEIPT})
        by_nats = await platform.ask(client, "fire", {"trigger_id": trigger_id, "payload": RECEIPT})
        await payload_of(platform, fired)
        again = await platform.rest.post(f"/events/{fired}/replay")
        answers = (tested.json(), by_nats, again.json())
        for event_id in (fired, *(answer["event_id"] for answer in answers)):
            assert json.loads(await payload_of(platform, event_id))["payload"] == fires
    unsaved = await platform.rest.post("/test/api/", json={"payload": RECEIPT})
    row = json.loads(await payload_of(platform, unsaved.json()["event_id"]))
    assert row["payload"] == RECEIPT


KEPT = (
    '{"third":0.30000000000000004,"big":123456789012345678901234567890,'
    '"least":5e-324,"most":1.7976931348623157e+308,"exact":9007199254740993,"zero":-0.0}'
)
LOST = ("1e-400", "0.1234567890123456789", "9007199254740993.0", "4e-324", "1e400")


async def test_numbers_come_back_as_they_were_by_every_way_out(
    platform: Platform, client: Client
) -> None:
    trigger = await platform.create(name="numbers", type="api")
    trigger_id = trigger["id"]
    heard = await client.subscribe(subjects.fired(trigger_id))
    await client.flush()
    url, key = platform.status["url"], platform.status["api_key"]
    async with sse.opened(url, key, params={"trigger_id": trigger_id}) as tail:
        body = f'{{"payload":{KEPT}}}'
        by_rest = await platform.rest.post(
            f"/triggers/{trigger_id}/fire",
            content=body,
            headers={"Content-Type": "application/json"},
        )
        by_nats = await platform.ask(
            client, "fire", f'{{"trigger_id":"{trigger_id}","payload":{KEPT}}}'.encode()
        )
        first = by_rest.json()["event_id"]
        await payload_of(platform, first)
        again = (await platform.rest.post(f"/events/{first}/replay")).json()["event_id"]
        for event_id in (first, by_nats["event_id"], again):
            assert KEPT in (await payload_of(platform, event_id)).replace(" ", "")
            told = (await heard.next_msg(timeout=10)).data.decode()
            assert KEPT in told
            assert KEPT in (await tail.next()).data.replace(" ", "")
    exported = await platform.rest.get("/events/export", params={"trigger_id": trigger_id})
    assert exported.text.replace(" ", "").count(KEPT) == 3


@pytest.mark.parametrize("door", ["rest", "nats"])
async def test_the_negative_zero_of_an_integer_comes_back_as_a_zero_with_its_sign(
    platform: Platform, client: Client, door: str
) -> None:
    """``-0`` was 0 in every answer; as ``-0.0`` it is the same value."""
    own = '"name":"negative zero","type":"api","payload":{"own":-0}'
    if door == "rest":
        headers = {"Content-Type": "application/json"}
        made = await platform.rest.post("/triggers/", content=f"{{{own}}}", headers=headers)
        trigger_id = made.json()["id"]
        address = f"/triggers/{trigger_id}/fire"
        body = '{"payload":{"given":[-0,0,-1]}}'
        fired = (await platform.rest.post(address, content=body, headers=headers)).json()
    else:
        trigger_id = (await platform.ask(client, "create", f"{{{own}}}".encode()))["trigger_id"]
        body = f'{{"trigger_id":"{trigger_id}","payload":{{"given":[-0,0,-1]}}}}'
        fired = await platform.ask(client, "fire", body.encode())
    shown = (await platform.rest.get(f"/triggers/{trigger_id}")).text.replace(" ", "")
    logged = (await payload_of(platform, fired["event_id"])).replace(" ", "")
    assert '"payload":{"own":-0.0}' in shown
    assert '{"own":-0.0,"given":[-0.0,0,-1]}' in logged


async def test_numbers_that_would_be_altered_are_refused_by_both_doors(
    platform: Platform, client: Client
) -> None:
    trigger_id = (await platform.create(name="strict numbers", type="api"))["id"]
    as_json = {"Content-Type": "application/json"}
    for number in LOST:
        for address, verb, body in (
            (
                f"/triggers/{trigger_id}/fire",
                "fire",
                f'"payload":{{"n":[{number}]}}',
            ),
            ("/triggers/", "create", f'"name":"n","type":"api","payload":{number}'),
            ("/triggers/", "create", f'"name":"n","type":"scheduled","interval":{number}'),
        ):
            response = await platform.rest.post(address, content=f"{{{body}}}", headers=as_json)
            assert (response.status_code, response.json()["code"]) == (400, "malformed-json")
            assert "a number" in response.json()["detail"]
            named = f'"trigger_id":"{trigger_id}",' if verb == "fire" else ""
            problem = await platform.ask(client, verb, f"{{{named}{body}}}".encode())
            assert (problem["status"], problem["code"]) == (400, "malformed-json")
            said = problem["detail"].partition(" at line ")[0]
            assert said == response.json()["detail"].partition(" at line ")[0]
    rows = await platform.until_events(2 * len(LOST), trigger_id=trigger_id, status="rejected")
    assert {row["errors"][0]["pointer"] for row in rows} == {""}


WORDS_FOUND = {
    "delivered✅": "DELIVERED",
    "total→99¥": "99",
    "تم؟نعم": "نعم",
    "ΤΕΛΟΣ": "τελος",
    "大阪駅で受取": "大阪",
}


async def test_words_beside_signs_are_found_by_whichever_door_they_came(
    platform: Platform, client: Client
) -> None:
    trigger = await platform.create(name="Größe ЗАКАЗ", type="api")
    ids: dict[str, set[str]] = {}
    for text in WORDS_FOUND:
        fire = {"trigger_id": trigger["id"], "payload": {"said": text}}
        by_nats = await platform.ask(client, "fire", fire)
        ids[text] = {by_nats["event_id"], await platform.fire(trigger["id"], payload=text)}
    await platform.until_events(2 * len(WORDS_FOUND), trigger_id=trigger["id"])
    for text, word in WORDS_FOUND.items():
        rows = await platform.events(trigger_id=trigger["id"], q=word)
        assert {row["id"] for row in rows} == ids[text], word
    for part in ("GRÖSSE", "заказ"):
        shown = (await platform.rest.get("/triggers/", params={"q": part})).json()
        assert [one["id"] for one in shown] == [trigger["id"]], part
