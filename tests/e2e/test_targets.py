"""Targets on a running platform: made, edited, rotated, named and deleted, and what none may be.

What is refused is refused alike by REST and by NATS: a 422 with its pointers, and never a 500. No
name in a URL is one that would be looked up.
"""

import base64
import json
from functools import partial
from typing import Any

import pytest
from nats.aio.client import Client

from tests.support.whole_platform import Json, Platform
from tests.unit.contracts.targets import test_fields
from trigger_contracts.targets.sealing import SECRET_FIELD, SealingKey, header_field, sealing_key
from trigger_contracts.targets.secrets import new_secret
from trigger_contracts.topology import STREAMS

HOOK: Json = {"type": "webhook", "url": "https://1.1.1.1/T0/hook"}
NATS: Json = {"type": "nats", "subject": "out.e2e"}
CANARY = "Bearer c4n4ry-0f-the-e2e"


@pytest.fixture
async def key(platform: Platform) -> SealingKey:
    told = await platform.rest.get("/targets/sealing-key")
    assert told.status_code == 200, told.text
    return sealing_key(told.json()["public_key"])


async def made(platform: Platform, **fields: Any) -> Json:
    response = await platform.rest.post("/targets/", json=fields)
    assert response.status_code == 201, response.text
    found: Json = response.json()
    return found


def said(problem: Json) -> tuple[int, str, list[str]]:
    pointers = [one["pointer"] for one in problem.get("errors", ())]
    return problem["status"], problem["code"], pointers


@pytest.mark.usefixtures("key")
async def test_a_target_is_made_listed_edited_rotated_named_and_deleted(
    platform: Platform, client: Client
) -> None:
    rest = platform.rest
    created = await rest.post("/targets/", json={**HOOK, "name": "Ein Ziel"})
    address, secret = created.headers["location"], created.json()["secret"]
    own = created.json()["id"]
    assert secret.startswith("whsec_")
    assert own in [one["id"] for one in (await rest.get("/targets/?q=EIN+Z")).json()]

    edited = await rest.patch(address, json={"timeout": "PT5S"}, headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
    stale = await rest.patch(address, json={"timeout": 6}, headers={"If-Match": '"1"'})
    assert said(stale.json()) == (412, "version-mismatch", [])
    assert stale.json()["current_version"] == 2

    rotated = await rest.post(f"{address}/rotate-secret", json={"overlap": "PT1H"})
    assert rotated.json()["secret"] != secret
    assert len(rotated.json()["secrets"]) == 2

    trigger = await platform.create(name="goes there", type="api", targets=[own])
    refused = await rest.delete(address)
    assert said(refused.json()) == (409, "target-in-use", [])
    assert "goes there" in refused.json()["detail"]
    by_nats = await platform.ask(client, "delete-target", {"target_id": own})
    assert said(by_nats) == (409, "target-in-use", [])
    assert (await rest.patch(f"/triggers/{trigger['id']}", json={"targets": []})).is_success
    assert (await rest.delete(address)).status_code == 204
    assert (await rest.get(address)).status_code == 404
    kinds = [one["kind"] for one in (await rest.get(f"{address}/history")).json()]
    assert kinds == ["deleted", "rotated", "updated", "created"]
    await rest.delete(f"/triggers/{trigger['id']}")


FAULTS: dict[str, tuple[Json, str, list[str]]] = {
    "CR LF in a header": ({"headers": {"X-A": "a\r\nHost: b"}}, "invalid", ["/headers/X-A"]),
    "LF": ({"headers": {"X-A": "a\nb"}}, "invalid", ["/headers/X-A"]),
    "a name with LF": ({"headers": {"X\nA": "b"}}, "invalid", ["/headers/X\nA"]),
    "a name with a colon": ({"headers": {"X:A": "b"}}, "invalid", ["/headers/X:A"]),
    "no name": ({"headers": {"": "b"}}, "invalid", ["/headers/"]),
    "a host": ({"headers": {"hOsT": "b"}}, "invalid", ["/headers/hOsT"]),
    "a length": ({"headers": {"Content-Length": "1"}}, "invalid", ["/headers/Content-Length"]),
    "an id": ({"headers": {"WEBHOOK-ID": "1"}}, "invalid", ["/headers/WEBHOOK-ID"]),
    "a trace": ({"headers": {"TraceParent": "1"}}, "invalid", ["/headers/TraceParent"]),
    "a proxy's": (
        {"headers": {"Proxy-Authorization": "1"}},
        "invalid",
        ["/headers/Proxy-Authorization"],
    ),
    "not ASCII": ({"headers": {"X-A": "naïve"}}, "invalid", ["/headers/X-A"]),
    "too many": ({"headers": {f"X-{n}": "a" for n in range(21)}}, "invalid", ["/headers"]),
    "a long name": ({"headers": {"x" * 101: "a"}}, "invalid", ["/headers/" + "x" * 100]),
    "a long value": ({"headers": {"X-A": "a" * 2049}}, "invalid", ["/headers/X-A"]),
    "given twice": ({"headers": {"a": "1", "A": "2"}}, "invalid", ["/headers/A"]),
    "21 retries": ({"retry": [1] * 21}, "invalid", ["/retry"]),
    "a retry at once": ({"retry": [5, 0]}, "invalid", ["/retry/1"]),
    "40 h of retries": ({"retry": ["PT20H", "PT20H"]}, "invalid", ["/retry"]),
    "a retry of 40 h": ({"retry": ["PT40H"]}, "invalid", ["/retry/0"]),
    "a timeout": ({"timeout": 31}, "invalid", ["/timeout"]),
    "a final status": ({"final_statuses": [500]}, "invalid", ["/final_statuses/0"]),
    "a rate": ({"rate": {"count": 0, "per": "1s"}}, "invalid", ["/rate/count"]),
    "concurrency": ({"concurrency": 101}, "invalid", ["/concurrency"]),
    "no certificate": ({"ca": "x"}, "invalid", ["/ca"]),
    "an unknown field": ({"colour": "red"}, "invalid", ["/colour"]),
    "an id that is none": ({"alert_target": "a.b"}, "invalid", ["/alert_target"]),
    "nobody to tell": ({"alert_target": "nobody"}, "unknown-target", ["/alert_target"]),
    "another kind's": ({"subject": "out.a"}, "invalid", ["/subject"]),
    "userinfo": ({"url": "https://u:p@1.1.1.1/"}, "invalid", ["/url"]),
    "a fragment": ({"url": "https://1.1.1.1/#a"}, "invalid", ["/url"]),
    "another scheme": ({"url": "ftp://1.1.1.1/"}, "invalid", ["/url"]),
    "a long URL": ({"url": "https://1.1.1.1/" + "a" * 2048}, "invalid", ["/url"]),
    "http": ({"url": "http://1.1.1.1/"}, "address-not-allowed", ["/url"]),
    "a port": ({"url": "https://1.1.1.1:22/"}, "address-not-allowed", ["/url"]),
    "no port": ({"url": "https://1.1.1.1:70000/"}, "invalid", ["/url"]),
    **{
        url: ({"url": f"https://{url}/"}, "address-not-allowed", ["/url"])
        for url in (
            "127.1",
            "2130706433",
            "0177.0.0.1",
            "0x7f000001",
            "localhost",
            "a.localhost",
            "LOCALHOST.",
            "169.254.169.254",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001:0:7f00:1::]",
            "[fe80::1%25eth0]",
            "①②⑦.⓪.⓪.①",
        )
    },
}
SUBJECTS: dict[str, str] = {
    "out.*": "invalid",
    "out.>": "invalid",
    "out.a b": "invalid",
    "out..a": "invalid",
    "out." + "a" * 65: "invalid",
    ".".join(["out"] * 17): "invalid",
    "elsewhere.a": "subject-not-allowed",
    "trigger.fired.a": "subject-not-allowed",
    "$JS.API.INFO": "invalid",
    "_INBOX.a": "subject-not-allowed",
}


async def refused_alike(platform: Platform, client: Client, fields: Json, sealed: Json) -> Json:
    """The refusal of a create, which must be the same by both; ``sealed`` is what NATS adds."""
    response = await platform.rest.post("/targets/", json=fields)
    assert response.status_code == 422, response.text
    by_rest = response.json()
    by_nats = await platform.ask(client, "create-target", {**fields, **sealed})
    assert said(by_nats) == said(by_rest)
    return by_rest


async def test_what_no_target_may_be_is_refused_alike_by_rest_and_by_nats(
    platform: Platform, client: Client, key: SealingKey
) -> None:
    target = await made(platform, **HOOK)
    own = target["id"]
    secret = {"secret": key.seal(new_secret(), target_id="x", field=SECRET_FIELD), "target_id": "x"}
    for name, (fields, code, pointers) in FAULTS.items():
        if name != "nobody to tell":
            found = await refused_alike(platform, client, {**HOOK, **fields}, secret)
            assert said(found) == (422, code, pointers), name
        for edit, command in (
            ("patch", fields),
            ("put", {**HOOK, **fields}),
        ):
            edited = await platform.rest.request(edit, f"/targets/{own}", json=command)
            assert said(edited.json()) == (422, code, pointers), (name, edit)
        by_nats = await platform.ask(client, "update-target", {"target_id": own, "patch": fields})
        assert said(by_nats) == (422, code, pointers), name
    for subject, code in SUBJECTS.items():
        found = await refused_alike(platform, client, {**NATS, "subject": subject}, {})
        assert said(found) == (422, code, ["/subject"]), subject
    assert (await platform.rest.get(f"/targets/{own}")).headers["etag"] == '"1"'


async def test_beyond_each_limit_a_field_is_refused_alike_by_rest_and_by_nats(
    platform: Platform, client: Client, key: SealingKey
) -> None:
    secret = {"secret": key.seal(new_secret(), target_id="x", field=SECRET_FIELD), "target_id": "x"}
    for name, (fields, pointer) in test_fields.FAULTS.items():
        found = await refused_alike(platform, client, {**HOOK, **fields}, secret)
        assert said(found) == (422, "invalid", [pointer]), name


async def test_at_each_limit_a_field_is_taken_alike_by_rest_and_by_nats(
    platform: Platform, client: Client, key: SealingKey
) -> None:
    ops = (await made(platform, **NATS))["id"]
    longest = ".".join(["out", *["x" * 64] * 15])
    secrets = [f"whsec_{base64.b64encode(b'x' * size).decode()}" for size in (24, 64)]
    cases: dict[str, Json] = {
        **{name: {**HOOK, **fields} for name, fields in test_fields.LIMITS.items()},
        "an alert target": {**HOOK, "alert_target": ops},
        "a subject of one part of 64": {**NATS, "subject": "out." + "x" * 64},
        "a subject of 16 parts": {**NATS, "subject": longest, "durable": True},
        **{f"a secret of {len(one)} characters": {**HOOK, "secret": one} for one in secrets},
    }
    for name, fields in cases.items():
        by_rest = await made(platform, **fields)
        shown = by_rest.pop("secret", None)
        assert shown == fields.get("secret", shown), name
        sealed = {"target_id": by_rest["id"] + "-n", **fields}
        if fields["type"] == "webhook":
            seal = partial(key.seal, target_id=sealed["target_id"])
            sealed["secret"] = seal(fields.get("secret", new_secret()), field=SECRET_FIELD)
            sealed["secret_headers"] = {
                header: seal(value, field=header_field(header))
                for header, value in fields.get("secret_headers", {}).items()
            }
        answer = await platform.ask(client, "create-target", sealed)
        assert "target" in answer, (name, answer)
        by_nats = (await platform.rest.get(f"/targets/{sealed['target_id']}")).json()
        for field in fields.keys() - {"secret", "secret_headers"}:
            assert by_nats[field] == by_rest[field] == fields[field], (name, field)
        masked = dict.fromkeys(fields.get("secret_headers", ()), "***")
        assert by_nats["secret_headers"] == by_rest["secret_headers"] == masked, name
        for one in (by_rest["id"], sealed["target_id"]):
            assert (await platform.rest.delete(f"/targets/{one}")).status_code == 204


async def test_secrets_of_the_wrong_form_are_refused_and_clear_ones_by_nats(
    platform: Platform, client: Client, key: SealingKey
) -> None:
    own = (await made(platform, **HOOK))["id"]
    for secret in (
        "",
        "plain",
        "whsec_",
        "whsec_!!!!",
        "whsec_AAAA",
        *(f"whsec_{base64.b64encode(b'x' * size).decode()}" for size in (23, 65)),
        7,
        [],
        {},
    ):
        created = await platform.rest.post("/targets/", json={**HOOK, "secret": secret})
        assert said(created.json()) == (422, "invalid", ["/secret"]), secret
        rotated = await platform.rest.post(f"/targets/{own}/rotate-secret", json={"secret": secret})
        assert said(rotated.json()) == (422, "invalid", ["/secret"]), secret
    clear = new_secret()
    must = (422, "secret-must-be-sealed", ["/secret"])
    assert said(await platform.ask(client, "create-target", {**HOOK, "secret": clear})) == must
    assert said(await platform.ask(client, "create-target", HOOK)) == must
    rotation = {"target_id": own, "secret": clear}
    assert said(await platform.ask(client, "rotate-target", rotation)) == must
    headers = {"secret_headers": {"X-A": "clear"}}
    edit = await platform.ask(client, "update-target", {"target_id": own, "patch": headers})
    assert said(edit) == (422, "secret-must-be-sealed", ["/secret_headers/X-A"])

    sealed = {
        "target_id": "by-nats",
        "secret": key.seal(clear, target_id="by-nats", field=SECRET_FIELD),
        "secret_headers": {
            "X-A": key.seal("b", target_id="by-nats", field=header_field("X-A")),
        },
    }
    by_nats = await platform.ask(client, "create-target", {**HOOK, **sealed})
    assert by_nats["target"]["secret_headers"] == {"X-A": "***"}
    assert (await platform.rest.delete("/targets/by-nats")).status_code == 204


async def test_triggers_name_targets_that_there_are_by_rest_and_by_nats(
    platform: Platform, client: Client
) -> None:
    first, second = [(await made(platform, **NATS))["id"] for _ in range(2)]
    kinds: list[Json] = [{"type": "api"}, {"type": "scheduled", "cron": "@yearly"}]
    for kind in kinds:
        for targets, expected in (
            ([first, "nobody", second, "none"], ("unknown-target", ["/targets/1", "/targets/3"])),
            ([first, second, first], ("invalid", ["/targets/2"])),
            ([f"t-{n}" for n in range(9)], ("invalid", ["/targets"])),
            (["*"], ("invalid", ["/targets/0"])),
            ([5], ("invalid", ["/targets/0"])),
            ("x", ("invalid", ["/targets"])),
        ):
            body = {"name": "n", **kind, "targets": targets}
            by_rest = (await platform.rest.post("/triggers/", json=body)).json()
            by_nats = await platform.ask(client, "create", body)
            assert said(by_rest) == said(by_nats) == (422, *expected)
        lines = "\n".join(
            json.dumps({"name": "n", **kind, "targets": targets})
            for targets in ([first, second], ["nobody"])
        )
        ndjson = {"content-type": "application/x-ndjson"}
        bulk = await platform.rest.post("/triggers/bulk", content=lines, headers=ndjson)
        assert said(bulk.json()) == (422, "invalid", ["/1/targets/0"])
        trigger = await platform.create(name="n", **kind, targets=[first, second])
        assert trigger["targets"] == [first, second]
        history = (await platform.rest.get(f"/triggers/{trigger['id']}/history")).json()
        assert history[0]["definition"]["targets"] == [first, second]
        await platform.rest.delete(f"/triggers/{trigger['id']}")


@pytest.mark.usefixtures("key")
async def test_nothing_that_is_kept_holds_a_secret(platform: Platform) -> None:
    rest, once = platform.rest, {"Idempotency-Key": "canary"}
    own = new_secret()
    fields = {**HOOK, "secret": own, "secret_headers": {"X-Token": CANARY}}
    created = await rest.post("/targets/", json=fields, headers=once)
    assert created.json()["secret"] == own
    address = created.headers["location"]
    answers = [(await rest.post("/targets/", json=fields, headers=once)).text]
    rotated = (await rest.post(f"{address}/rotate-secret", headers=once)).json()["secret"]
    for request in (
        rest.put(address, json={**HOOK, "secret_headers": {"X-Token": CANARY, "b": CANARY}}),
        rest.put(address, json=fields),
        rest.patch(address, json={"secret_headers": {"X-Token": f"{CANARY}\r\n"}}),
        rest.patch(address, json={"secret_headers": [CANARY]}),
        rest.patch(address, json={"token": CANARY}),
        rest.patch(address, json={"secret": own}),
        rest.post("/targets/", json={**fields, "secret": f"{own}x"}),
        rest.post(f"{address}/rotate-secret", json={"secret": f"{own}x"}),
        rest.post(f"{address}/rotate-secret", json={"password": CANARY}),
        rest.get("/targets/"),
        rest.get(address),
        rest.get(f"{address}/history"),
        rest.get("/dead-letters/"),
    ):
        answer = await request
        assert answer.status_code < 500, answer.text
        answers.append(answer.text)

    kept = [*answers, platform.logs(), platform.printed.read_text()]
    for stream in (*(one.name for one in STREAMS), "KV_IDEMPOTENCY"):
        # Others have left there what is no text.
        stored = await platform.stored(stream)
        kept += [message.payload.decode(errors="replace") for message in stored]
    tables = await platform.query(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        # Partitions come and go meanwhile, and are seen in their tables.
        " AND tablename !~ '^(event|delivery|attempt)_[0-9]'"
    )
    for table in tables:
        rows = await platform.query(f"SELECT t::text AS row FROM {table['name']} t")
        kept += [row["row"] for row in rows]
    everything = "\n".join(kept)
    assert "hpke1." in everything
    assert not [text for text in answers if "hpke1." in text]
    for secret in (own, rotated, CANARY):
        assert secret not in everything
        assert secret.removeprefix("whsec_") not in everything
