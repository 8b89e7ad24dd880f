"""The OpenAPI document, as clients are generated from it."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi.routing import APIRoute

from tests.support.declared import Declared
from tests.support.known_routes import known_routes
from trigger_api.bootstrap import build
from trigger_api.domain.live_tail.sse import Notice, notice
from trigger_api.entrypoints import examples
from trigger_api.settings import Settings
from trigger_contracts.errors import Code, problem

OPERATIONS = {
    "createTarget": "POST /targets/",
    "createTrigger": "POST /triggers/",
    "createTriggers": "POST /triggers/bulk",
    "deleteTarget": "DELETE /targets/{target_id}",
    "deleteTrigger": "DELETE /triggers/{trigger_id}",
    "exportEvents": "GET /events/export",
    "fireTrigger": "POST /triggers/{trigger_id}/fire",
    "getAsyncApi": "GET /asyncapi",
    "getDeadLetter": "GET /dead-letters/{letter_id}",
    "getDelivery": "GET /deliveries/{delivery_id}",
    "getEvent": "GET /events/{event_id}",
    "getEventStats": "GET /events/stats",
    "getHealth": "GET /health",
    "getMetrics": "GET /metrics",
    "getOverview": "GET /overview",
    "getReady": "GET /ready",
    "getSealingKey": "GET /targets/sealing-key",
    "getServing": "GET /serving",
    "getSession": "GET /session",
    "getTarget": "GET /targets/{target_id}",
    "getTrigger": "GET /triggers/{trigger_id}",
    "getTriggerNext": "GET /triggers/{trigger_id}/next",
    "listActivity": "GET /activity/",
    "listDeadLetters": "GET /dead-letters/",
    "listDeliveries": "GET /deliveries/",
    "listEvents": "GET /events/",
    "listLabels": "GET /labels/",
    "listServices": "GET /services",
    "listTargetVersions": "GET /targets/{target_id}/history",
    "listTargets": "GET /targets/",
    "listTimezones": "GET /schedules/timezones",
    "listTriggerVersions": "GET /triggers/{trigger_id}/history",
    "listTriggers": "GET /triggers/",
    "listUpcoming": "GET /schedules/upcoming",
    "previewSchedule": "POST /schedules/preview",
    "redriveDeadLetter": "POST /dead-letters/{letter_id}/redrive",
    "replaceTarget": "PUT /targets/{target_id}",
    "replaceTrigger": "PUT /triggers/{trigger_id}",
    "cancelDeliveries": "POST /deliveries/cancel",
    "redeliverDeliveries": "POST /deliveries/redeliver",
    "redeliverEvent": "POST /events/{event_id}/redeliver",
    "testTarget": "POST /targets/{target_id}/test",
    "replayEvent": "POST /events/{event_id}/replay",
    "replayEvents": "POST /events/replay",
    "rotateTargetSecret": "POST /targets/{target_id}/rotate-secret",
    "signIn": "POST /session",
    "signOut": "DELETE /session",
    "streamEvents": "GET /events/stream",
    "testApiDefinition": "POST /test/api/",
    "testScheduledDefinition": "POST /test/scheduled/",
    "testTrigger": "POST /triggers/{trigger_id}/test",
    "updateTarget": "PATCH /targets/{target_id}",
    "updateTrigger": "PATCH /triggers/{trigger_id}",
}
"""Clients call operations by these ids: none changes or goes without a word in the CHANGELOG."""

DOCUMENT = build(Settings(database_url="postgresql://nobody@127.0.0.1:1/none")).app.openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def parts(of: Any) -> Iterator[dict[str, Any]]:
    if isinstance(of, dict):
        yield of
        for value in of.values():
            yield from parts(value)
    elif isinstance(of, list):
        for value in of:
            yield from parts(value)


def contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for answer in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from answer.get("content", {}).values()


def test_operations_have_the_ids_that_clients_know() -> None:
    assert {one["operationId"]: where for where, one in operations()} == OPERATIONS
    assert len(list(operations())) == len(OPERATIONS), "an id is there twice"


def test_every_reference_leads_somewhere() -> None:
    for part in parts(DOCUMENT):
        if isinstance(reference := part.get("$ref"), str):
            found: Any = DOCUMENT
            for name in reference.removeprefix("#/").split("/"):
                found = found[name]
            assert found


def test_every_body_has_a_name() -> None:
    """Of JSON: a component, an array of one, or one of several."""
    for where, operation in operations():
        for content in contents(operation):
            schema = content["schema"]
            named = schema.get("oneOf", [schema.get("items", schema)])
            assert all("$ref" in one for one in named) or schema == {"type": "string"}, where
    assert not [name for name in SCHEMAS if name.startswith(("Body_", "Response_"))]
    assert not [name for name in SCHEMAS if name.endswith(("-Input", "-Output"))]


def test_nothing_is_titled_by_its_own_name() -> None:
    del_titles = [part for part in parts(SCHEMAS) if isinstance(part.get("title"), str)]
    assert not del_titles


def test_every_parameter_and_every_schema_is_described() -> None:
    for where, operation in operations():
        assert operation["summary"], where
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (where, parameter["name"])
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), where
    for name, schema in SCHEMAS.items():
        assert schema.get("description"), name


def test_every_header_is_described_in_one_place() -> None:
    for where, operation in operations():
        for answer in operation["responses"].values():
            for name, header in answer.get("headers", {}).items():
                (reference,) = header.values()
                described = reference.removeprefix("#/components/headers/")
                assert described in DOCUMENT["components"]["headers"], where
                assert described.startswith(name), where
    assert all(one["description"] for one in DOCUMENT["components"]["headers"].values())


def test_lists_declare_their_headers() -> None:
    for path, names in (
        ("/events/", {"Link", "X-Total-Count", "X-Total-Count-Kind", "X-Log-Position"}),
        ("/triggers/", {"Link", "X-Total-Count", "X-Total-Count-Kind"}),
        ("/activity/", {"X-Log-Position"}),
        ("/targets/", {"Link", "X-Total-Count", "X-Total-Count-Kind"}),
        ("/targets/{target_id}/history", {"Link"}),
    ):
        assert DOCUMENT["paths"][path]["get"]["responses"]["200"]["headers"].keys() >= names


def test_every_refusal_is_declared_as_a_problem() -> None:
    for code in Code:
        status = problem(code, "").status
        if status == 405:
            continue  # of an address that has no such operation
        answer = DOCUMENT["components"]["responses"][f"Problem{status}"]
        assert f"`{code}`" in answer["description"]
        assert answer["content"].keys() == {"application/problem+json"}
    for where, operation in operations():
        refused = {status for status in operation["responses"] if int(status) >= 400}
        assert refused >= {"400", "408", "422", "431", "500", "501", "503"}, where
        assert ("401" in refused) == (bool(operation["security"]) or where == "POST /session")


@pytest.mark.parametrize(
    ("rule", "value", "name"),
    [
        ("schedule_time", "2030-01-26T15:00:00Z", "OneTimeInput"),
        ("interval", 60, "IntervalInput"),
        ("cron", "@daily", "CronInput"),
        (None, None, "ApiInput"),
    ],
)
def test_a_definition_is_exactly_one_of_four_kinds(rule: str | None, value: Any, name: str) -> None:
    kind = {"type": "api"} if rule is None else {"type": "scheduled", rule: value}
    definition = {"name": "x", **kind}

    def fits(schema: str) -> bool:
        full = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
        return bool(jsonschema_rs.Draft202012Validator(full).is_valid(definition))

    assert fits("TriggerInput")
    kinds = [one["$ref"].rpartition("/")[2] for one in SCHEMAS["TriggerInput"]["oneOf"]]
    assert [kind for kind in kinds if fits(kind)] == [name]


@pytest.mark.parametrize("name", sorted(examples.TARGETS))
def test_a_target_is_exactly_one_of_two_kinds(name: str) -> None:
    target = examples.TARGETS[name]

    def fits(schema: str) -> bool:
        full = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
        return bool(jsonschema_rs.Draft202012Validator(full).is_valid(target))

    kind = target["type"].capitalize()
    for schema in ("TargetInput", "TargetReplacement", "TargetPatch", f"{kind}TargetInput"):
        assert fits(schema), schema
    assert not fits("NatsTargetInput" if kind == "Webhook" else "WebhookTargetInput")


@pytest.mark.parametrize("said", Notice)
def test_what_a_stream_says_of_itself_is_as_declared(said: Notice) -> None:
    data = next(
        line.removeprefix("data: ")
        for line in notice(said).decode().splitlines()
        if line.startswith("data: ")
    )
    schema = {"$ref": "#/components/schemas/StreamNotice"}
    Declared(DOCUMENT).validate(json.loads(data), schema, said)


def test_a_gateway_of_known_routes_is_as_declared_and_calls_what_is_its_own() -> None:
    """The tests of the gateway build theirs so."""
    calls = []
    for _ in range(2):
        with known_routes():
            app = build(Settings(database_url="postgresql://nobody@127.0.0.1:1/none")).app
        assert app.openapi() == DOCUMENT
        calls.append([route.dependant.call for route in app.routes if isinstance(route, APIRoute)])
    assert len(calls[0]) == len(calls[1]) > len(OPERATIONS)
    shared = {call.__qualname__ for call in calls[1] if call in calls[0]}
    assert not [name for name in shared if "." in name], "only functions of a module are anyone's"
