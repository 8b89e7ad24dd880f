"""Triggers by REST, against real NATS and PostgreSQL and a stand-in for the scheduler."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.integration.api.conftest import Running
from tests.integration.api.stand_in import StandInScheduler

AHEAD = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0, tzinfo=None).isoformat()
SEED = {
    "name": "Test Trigger",
    "type": "scheduled",
    "payload": "Sample Payload",
    "schedule_time": AHEAD,
}


async def create(http: httpx.AsyncClient, **fields: object) -> httpx.Response:
    response = await http.post("/triggers/", json={**SEED, **fields})
    assert response.status_code == 201, response.text
    return response


async def test_the_seeds_create_answers_the_trigger(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    response = await create(http)
    body = response.json()
    assert response.headers["location"] == f"/triggers/{body['id']}"
    assert response.headers["etag"] == '"1"'
    assert response.headers["content-type"] == "application/json"
    assert body["payload"] == "Sample Payload"
    assert body["next_fire_at"] == f"{AHEAD}Z"
    shown = await http.get(response.headers["location"])
    assert shown.json() == body
    assert body["in_words"].endswith(f"at {AHEAD[11:]} (UTC).")
    assert body["next_fire_local"] == f"{AHEAD}+00:00"
    assert shown.headers["etag"] == '"1"'
    assert (await http.get("/triggers/")).json() == [shown.json()]
    assert scheduler.commands[0]["actor"].startswith("key:")


@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_route_answers_with_and_without_slash(
    http: httpx.AsyncClient, scheduler: StandInScheduler, slash: str
) -> None:
    created = await http.post(f"/triggers{slash}", json=SEED)
    assert created.status_code == 201
    one = f"/triggers/{created.json()['id']}"
    for path in ("/triggers", one, f"{one}/history", "/events", "/health", "/ready"):
        assert (await http.get(f"{path}{slash}")).status_code == 200, path
    for path in ("/metrics", "/docs", "/openapi.json", "/asyncapi"):
        assert (await http.get(f"{path}{slash}")).status_code == 200, path
    assert (await http.post(f"{one}/fire{slash}")).status_code == 202
    assert (await http.post(f"{one}/test{slash}")).status_code == 202
    assert (await http.post(f"/test/api{slash}", json={"payload": 1})).status_code == 202
    assert (await http.post(f"{one}/pause{slash}")).json()["code"] == "pause-not-supported"
    assert (await http.patch(f"{one}{slash}", json={"name": "x"})).status_code == 200
    assert (await http.put(f"{one}{slash}", json=SEED)).status_code == 200
    assert (await http.delete(f"{one}{slash}")).status_code == 204


async def test_an_edit_shows_the_fires_before_and_after(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    created = await create(http)
    later = (datetime.fromisoformat(AHEAD) + timedelta(days=1)).isoformat()
    response = await http.patch(created.headers["location"], json={"schedule_time": later})
    assert response.status_code == 200
    assert response.headers["etag"] == '"2"'
    assert response.json()["next_fires"] == {"before": [f"{AHEAD}Z"], "after": [f"{later}Z"]}
    history = (await http.get(f"{created.headers['location']}/history")).json()
    assert [(v["version"], v["kind"]) for v in history] == [(2, "updated"), (1, "created")]
    assert history[0]["definition"]["schedule_time"] == later


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        *(('"1"', 200), ("*", 200), ('"1", "x"', 200), ('"a,b", "1"', 200)),
        *(('W/"1"', 412), ('"a,b"', 412), ('"1,1"', 412), ('W/"1", "x"', 412)),
        *(('"2"', 412), ('"x"', 412), ("1", 422), ("", 422), ('"1", "2"', 422)),
    ],
)
async def test_if_match(
    http: httpx.AsyncClient, scheduler: StandInScheduler, if_match: str, status: int
) -> None:
    created = await create(http)
    for method, body in (("PATCH", {"name": "other"}), ("DELETE", None)):
        response = await http.request(
            method, created.headers["location"], json=body, headers={"If-Match": if_match}
        )
        if method == "PATCH":
            assert response.status_code == status
            if status == 200:
                break


@pytest.mark.parametrize(
    "seed",
    [
        {"name": "n", "type": "api", "payload_schema": {"type": "object"}, "payload": {}},
        {"name": "n", "type": "scheduled", "schedule_time": AHEAD},
        {"name": "n", "type": "scheduled", "interval": "PT1H", "labels": ["l"]},
    ],
)
async def test_a_trigger_as_it_is_shown_may_be_sent_back_edited(
    http: httpx.AsyncClient, scheduler: StandInScheduler, seed: dict[str, object]
) -> None:
    one = (await http.post("/triggers/", json=seed)).headers["location"]
    shown = await http.get(one)
    edited = await http.put(
        one, json={**shown.json(), "name": "m"}, headers={"If-Match": shown.headers["etag"]}
    )
    assert edited.status_code == 200, edited.text
    assert (edited.json()["name"], edited.json()["version"]) == ("m", 2)
    again = await http.put(one, json={**edited.json(), "name": "o"})
    assert again.status_code == 200, again.text
    paused = await http.put(one, json={**again.json(), "status": "paused"})
    assert paused.json()["code"] == "pause-not-supported"


async def test_a_stale_version_is_named(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    created = await create(http)
    response = await http.delete(created.headers["location"], headers={"If-Match": '"7"'})
    assert response.status_code == 412
    assert response.json()["code"] == "version-mismatch"
    assert response.json()["current_version"] == 1
    excluded = {"If-None-Match": created.headers["etag"]}
    for condition in (excluded, {"If-None-Match": "*"}):
        refused = await http.patch(created.headers["location"], json={}, headers=condition)
        assert (refused.status_code, refused.json()["current_version"]) == (412, 1)
    unnamed = await http.delete(created.headers["location"], headers={"If-Match": '"x"'})
    assert "current_version" not in unnamed.json()


async def test_a_deleted_trigger_is_gone_and_its_history_stays(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    location = (await create(http)).headers["location"]
    assert (await http.delete(location)).status_code == 204
    assert (await http.get(location)).status_code == 404
    assert (await http.delete(location)).status_code == 404
    assert (await http.get("/triggers/")).json() == []
    history = (await http.get(f"{location}/history")).json()
    assert [v["kind"] for v in history] == ["deleted", "created"]


async def test_without_a_scheduler_writes_are_accepted_for_later(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    scheduler.silent = True
    response = await http.post("/triggers/", json=SEED)
    assert response.status_code == 202
    body = response.json()
    assert response.headers["location"] == f"/triggers/{body['id']}"
    assert body["status"] == "accepted"
    assert scheduler.commands[0]["trigger_id"] == body["id"]


async def test_a_keyed_create_answers_the_same_and_refuses_another_body(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    keyed = {"Idempotency-Key": "order 17"}
    first = await http.post("/triggers/", json=SEED, headers=keyed)
    again = await http.post("/triggers/", json=SEED, headers=keyed)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    other = await http.post("/triggers/", json={**SEED, "name": "x"}, headers=keyed)
    assert other.status_code == 409
    assert other.json()["code"] == "idempotency-mismatch"
    assert len((await http.get("/triggers/")).json()) == 1


async def test_a_keyed_create_keeps_its_location_while_the_scheduler_is_away(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    scheduler.silent = True
    keyed = {"Idempotency-Key": "k"}
    first = await http.post("/triggers/", json=SEED, headers=keyed)
    again = await http.post("/triggers/", json=SEED, headers=keyed)
    assert first.status_code == again.status_code == 202
    assert first.headers["location"] == again.headers["location"]


async def test_lists_are_paged_by_key_and_filtered(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    names = [f"n{i}" for i in range(5)]
    for name in names:
        await create(http, name=name, labels=["odd" if int(name[1]) % 2 else "even"])
    await create(http, name="100% _api_", type="api", schedule_time=None)
    found: list[str] = []
    response = await http.get("/triggers/", params={"limit": 2, "type": "scheduled"})
    while True:
        found += [t["name"] for t in response.json()]
        following = response.links.get("next")
        if following is None:
            break
        assert "type=scheduled" in following["url"]
        await create(http, name="newer")  # newer rows never shift what follows
        response = await http.get(following["url"])
    assert found == names[::-1]
    for params, expected in (
        ({"label": "odd"}, ["n3", "n1"]),
        ({"q": "N2"}, ["n2"]),
        ({"q": "%"}, ["100% _api_"]),
        ({"q": "_"}, ["100% _api_"]),
        ({"type": "api"}, ["100% _api_"]),
        ({"status": "completed"}, []),
    ):
        response = await http.get("/triggers/", params=params)
        assert [t["name"] for t in response.json()] == expected, params


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=501", "/query/limit"),
        ("limit=x", "/query/limit"),
        ("type=cron", "/query/type"),
        ("status=deleted", "/query/status"),
        ("q=", "/query/q"),
        ("q=%00", "/query/q"),
        ("cursor=x", "/query/cursor"),
        ("cursor=%ff", "/query/cursor"),
        ("cursor=WyIyMDI2IiwiYSJd", "/query/cursor"),
        ("cursor=bnVsbA", "/query/cursor"),
        ("colour=red", "/query/colour"),
    ],
)
async def test_a_bad_query_is_refused_where_it_is_bad(
    http: httpx.AsyncClient, query: str, pointer: str
) -> None:
    response = await http.get(f"/triggers/?{query}")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"schedule_time": "2020-01-01T00:00:00"}, "schedule-in-past", "/schedule_time"),
        ({"schedule_time": "9999-12-31T23:59:59"}, "schedule-beyond-horizon", "/schedule_time"),
        ({"schedule_time": "soon"}, "invalid", "/schedule_time"),
        ({"timezone": "Mars/Olympus"}, "unknown-timezone", "/timezone"),
        ({"schedule_time": None, "cron": "* * 30 2 *"}, "cron-never-fires", "/cron"),
        ({"paused": True}, "pause-not-supported", "/paused"),
        ({"colour": "red"}, "invalid", "/colour"),
        ({"actor": "root"}, "invalid", "/actor"),
        ({"command_id": "x"}, "invalid", "/command_id"),
        ({"trigger_id": "x"}, "invalid", "/trigger_id"),
        ({"name": ""}, "invalid", "/name"),
        ({"type": "webhook"}, "invalid", "/type"),
        ({"payload_schema": {}}, "invalid", "/payload_schema"),
        (
            {"type": "api", "schedule_time": None, "payload_schema": {"$ref": "http://127.0.0.1/"}},
            "invalid-schema",
            "/payload_schema/$ref",
        ),
    ],
)
async def test_a_bad_definition_is_refused_at_once(
    http: httpx.AsyncClient,
    scheduler: StandInScheduler,
    fields: dict[str, object],
    code: str,
    pointer: str,
) -> None:
    response = await http.post("/triggers/", json={**SEED, **fields})
    assert response.status_code == 422
    assert response.json()["code"] == code
    assert response.json()["errors"][0]["pointer"] == pointer
    assert scheduler.commands == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"a": NaN}', 400),
        (b'{"a": 1, "a": 2}', 400),
        (b'{"a": "\\ud800"}', 400),
        (b'{"a": "\\u0000"}', 400),
        (b"\xff", 400),
        (b"[" * 10_000 + b"]" * 10_000, 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b"1" * 5_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"text"', 422),
        (b'{"payload": "' + b"x" * 262_144 + b'"}', 413),
    ],
)
async def test_a_bad_body_is_a_problem_and_never_an_error(
    http: httpx.AsyncClient, body: bytes, status: int
) -> None:
    for method, path in (
        ("POST", "/triggers/"),
        ("PUT", "/triggers/some"),
        ("PATCH", "/triggers/some"),
        ("POST", "/test/scheduled/"),
        ("POST", "/test/api/"),
    ):
        response = await http.request(
            method, path, content=body, headers={"Content-Type": "application/json"}
        )
        assert response.status_code == status, path
        problem = response.json()
        assert problem["status"] == status
        assert problem["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize(
    "odd", ["a.b", "*", ">", "a%20b", "a%0d%0ab", "a%00", "x" * 65, "ä", "%ff"]
)
async def test_an_id_that_cannot_be_one_names_nothing(
    http: httpx.AsyncClient, scheduler: StandInScheduler, odd: str
) -> None:
    for method, path, body in (
        ("GET", f"/triggers/{odd}", None),
        ("GET", f"/triggers/{odd}/history", None),
        ("DELETE", f"/triggers/{odd}", None),
        ("PUT", f"/triggers/{odd}", SEED),
        ("PATCH", f"/triggers/{odd}", {"name": "x"}),
        ("POST", f"/triggers/{odd}/fire", {}),
        ("POST", f"/triggers/{odd}/test", {}),
    ):
        response = await http.request(method, path, json=body)
        assert response.status_code == 404, path
        assert response.json()["code"] == "not-found"
    assert (await http.get(f"/events/{odd}")).status_code == 404
    assert (await http.get("/events/", params={"trigger_id": "a.*>"})).json() == []
    assert scheduler.commands == []


async def test_a_patch_that_pauses_or_is_unknown_is_refused_at_once(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    paused = await http.patch("/triggers/some", json={"enabled": False})
    assert paused.json()["code"] == "pause-not-supported"
    assert "ends_at" in paused.json()["detail"]
    unknown = await http.patch("/triggers/some", json={"colour": "red"})
    assert unknown.json()["errors"] == [
        {"pointer": "/colour", "message": "This field is not known"}
    ]
    assert scheduler.commands == []


async def test_a_refusal_of_the_scheduler_keeps_its_status(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    response = await http.patch("/triggers/nowhere", json={"name": "x"})
    assert response.status_code == 404
    created = await create(http)
    response = await http.patch(
        created.headers["location"], json={"schedule_time": "2020-01-01T00:00:00"}
    )
    assert response.status_code == 422
    assert response.json()["code"] == "schedule-in-past"


async def test_a_put_replaces_everything(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    created = await create(http, description="x", labels=["a"])
    response = await http.put(created.headers["location"], json={**SEED, "name": "new"})
    assert response.json()["description"] is None
    assert response.json()["name"] == "new"
    assert response.json()["version"] == 2


async def test_wrong_methods_addresses_and_media_types(gateway: Running) -> None:
    http = gateway.http
    response = await http.delete("/triggers/")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert response.json()["code"] == "method-not-allowed"
    assert (await http.get("/triggers/x/fire")).status_code == 405
    assert (await http.get("/nowhere")).json()["code"] == "not-found"
    for content_type, status in (("text/plain", 415), ("application/merge-patch+json", 422)):
        response = await http.post(
            "/triggers/", content=b"{}", headers={"Content-Type": content_type}
        )
        assert response.status_code == status
    raw = await http.post("/triggers/", content=b"{}")
    assert raw.status_code == 422


async def test_a_test_of_a_schedule_is_never_saved(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    response = await http.post("/test/scheduled/", json={"schedule_time": AHEAD})
    assert response.status_code == 202
    assert response.json()["fires_at"] == f"{AHEAD}Z"
    assert response.headers["location"] == f"/events/{response.json()['event_id']}"
    assert (await http.get("/triggers/")).json() == []
    scheduler.silent = True
    later = await http.post("/test/scheduled/", json={"interval": 60, "payload": [1]})
    assert later.status_code == 202
    assert len(later.json()["next_fires"]) == 5


async def test_a_tests_event_id_is_what_the_scheduler_says(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    """The gateway computes it itself when no answer comes, so both must agree."""
    for path, body in (
        ("/test/scheduled/", {"schedule_time": AHEAD}),
        ("/test/scheduled/", {"interval": 60}),
        ("/test/api/", {"payload": {"key": "value"}}),
    ):
        response = await http.post(path, json=body)
        done = list(scheduler.answers.values())[-1]
        scheduler.silent = True
        assert response.json()["event_id"] == done.event_id
        command = scheduler.commands[-1]
        scheduler.silent = False
        assert json.dumps(command["accepted_at"])


async def test_a_bad_test_is_refused_at_once(
    http: httpx.AsyncClient, scheduler: StandInScheduler
) -> None:
    for path, body, code in (
        ("/test/scheduled/", {"schedule_time": "2020-01-01T00:00:00"}, "schedule-in-past"),
        ("/test/scheduled/", {"payload": 1}, "invalid"),
        ("/test/scheduled/", {"type": "api", "payload": 1}, "invalid"),
        ("/test/api/", {}, "invalid"),
        ("/test/api/", {"payload": 1, "schedule_time": AHEAD}, "invalid"),
        (
            "/test/api/",
            {"payload": {"a": "x"}, "payload_schema": {"properties": {"a": {"type": "integer"}}}},
            "payload-schema-mismatch",
        ),
    ):
        response = await http.post(path, json=body)
        assert response.status_code == 422, body
        assert response.json()["code"] == code
    assert scheduler.commands == []
