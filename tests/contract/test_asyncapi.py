"""The AsyncAPI documents, held against the subjects that the services really use.

What a service consumes is what its durable consumers filter; what it publishes is what the
broker lets its user publish. A document that says more or less is wrong: hot paths, which
travel past FastStream's publishers, are in it like the rest.
"""

import importlib
import importlib.metadata
import json
from html import escape
from typing import Any
from urllib.parse import unquote

import pytest
from faststream.specification import AsyncAPI

from trigger_contracts import subjects, topology
from trigger_contracts.subjects import Service, Verb
from trigger_runtime.http.message_page import page

CORE_SUBSCRIPTIONS: dict[Service, set[str]] = {
    Service.API: {subjects.ALL_CHANGED, subjects.ALL_ALIVE},
    Service.SCHEDULER: {subjects.WAKE, subjects.redrive(Service.SCHEDULER)},
    Service.EXECUTOR: {
        subjects.redrive(Service.EXECUTOR),
        subjects.EXECUTOR_WAKE,
        subjects.ALL_TARGETS,
        subjects.REDRIVE_DELIVERIES,
        subjects.EXECUTOR_PROBE,
    },
    Service.RETENTION: {subjects.redrive(Service.RETENTION)},
}
"""What a service hears besides its durable consumers: what may be lost."""


_OF_DELIVERIES = {Verb.REDELIVER: "Redeliver", Verb.CANCEL: "CancelDelivery"}


def _type(verb: Verb) -> str:
    if verb in _OF_DELIVERIES:
        return _OF_DELIVERIES[verb]
    kind, _, of = verb.partition("-")
    return f"{kind.capitalize()}{of.capitalize() or 'Trigger'}"


PAYLOADS: dict[str, set[str]] = {
    **{subjects.command(verb): {_type(verb)} for verb in Verb},
    subjects.ALL_CHANGED: {"TriggerChanged"},
    subjects.ALL_TESTED: {"TriggerChanged"},
    subjects.ALL_TARGETS: {"TargetChanged"},
    subjects.ALL_DUE: {"Due", "Missed", "Fence"},
    **{subject: {"CloudEvent"} for subject in subjects.LOG_ROWS},
    subjects.ALL_DELIVERY: {"DeliveryEvent"},
    subjects.ALL_HEALTH: {"HealthEvent"},
    **{
        subjects.dead_letters(service): {"DeadLetter", "DeadLetterHandled"}
        for service in topology.WORKERS
    },
    **{subjects.redrive(service): {"Redrive"} for service in topology.WORKERS},
    subjects.REDRIVE_DELIVERIES: {"Redrive"},
    subjects.EXECUTOR_PROBE: {"Probe"},
    subjects.SWEPT: {"Swept"},
    subjects.ALL_ALIVE: {"Heartbeat"},
    **{subjects.alive(service): {"Heartbeat"} for service in topology.WORKERS},
}
"""The message types that belong on each subject; results and wakes are asked for below."""

RESULTS = {
    Service.SCHEDULER: {"CommandDone", "TargetDone", "Problem", "Redriven"},
    Service.EXECUTOR: {"FireDone", "DeliveryDone", "Probed", "Problem", "Redriven"},
    Service.RETENTION: {"Redriven"},
}

WAKES = (subjects.WAKE, subjects.EXECUTOR_WAKE)

SERVICES = pytest.mark.parametrize("service", list(Service))


@pytest.fixture
def document(service: Service, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The document of a service as its own wiring makes it, without any server."""
    monkeypatch.setenv("ETP_DATABASE_URL", "postgresql://nobody:none@127.0.0.1:1/none")
    monkeypatch.setenv("ETP_NATS_URL", "nats://127.0.0.1:1")
    settings = importlib.import_module(f"trigger_{service}.settings")
    bootstrap = importlib.import_module(f"trigger_{service}.bootstrap")
    asyncapi = _asyncapi_of(bootstrap.build(settings.Settings()))
    return json.loads(asyncapi.to_specification().to_json())


def _asyncapi_of(built: Any) -> AsyncAPI:
    gateway = getattr(built, "faststream", None)
    if gateway is not None:
        return gateway.schema
    found = built.asyncapi
    return found if isinstance(found, AsyncAPI) else found()


def channels(document: dict[str, Any], action: str) -> dict[str, set[str]]:
    """The subjects of one action, each with the names of its message types."""
    by_subject: dict[str, set[str]] = {}
    for operation in document["operations"].values():
        if operation["action"] == action:
            channel = _followed(document, operation["channel"]["$ref"])
            found = by_subject.setdefault(channel["address"], set())
            for message in channel["messages"].values():
                payload = _followed(document, message["$ref"]).get("payload")
                assert payload, f"{channel['address']} has no payload schema"
                found |= _types(document, payload)
    return by_subject


def _types(document: dict[str, Any], payload: dict[str, Any]) -> set[str]:
    if "$ref" in payload:
        target = _followed(document, payload["$ref"])
        nested = _types(document, target) if not target.get("properties") else set()
        return nested or {payload["$ref"].rpartition("/")[2]}
    inner = [*payload.get("oneOf", []), *payload.get("anyOf", [])]
    return {name for one in inner for name in _types(document, one)}


def _followed(document: dict[str, Any], reference: str) -> Any:
    value: Any = document
    for token in reference.removeprefix("#/").split("/"):
        value = value[_unescaped(token)]
    return value


def _unescaped(token: str) -> str:

    return unquote(token).replace("~1", "/").replace("~0", "~")


@SERVICES
def test_what_is_consumed_is_what_the_consumers_filter(service: Service, document: dict[str, Any]):
    durable = {
        one
        for consumer in topology.CONSUMERS
        if consumer.service is service
        for one in consumer.filters
    }

    assert set(channels(document, "receive")) == durable | CORE_SUBSCRIPTIONS[service]


@SERVICES
def test_core_subscriptions_are_permitted(service: Service):
    assert CORE_SUBSCRIPTIONS[service] <= set(topology.PERMISSIONS[service].subscribe)


@SERVICES
def test_what_is_published_is_what_the_broker_permits(service: Service, document: dict[str, Any]):
    permitted = {
        subject
        for subject in topology.PERMISSIONS[service].publish
        if subject.startswith(("trigger.", *subjects.RESULT_INBOXES))
    }

    assert set(channels(document, "send")) == permitted


@SERVICES
def test_every_channel_says_which_messages_it_carries(service: Service, document: dict[str, Any]):
    received, sent = channels(document, "receive"), channels(document, "send")
    commands = set(map(_type, Verb))

    for subject, types in sent.items():
        if subject.startswith(subjects.RESULT_INBOXES):
            assert types == RESULTS[service], subject
        elif subject not in WAKES:
            assert types == PAYLOADS[subject], subject
    for subject, types in received.items():
        if subject in (*WAKES, subjects.ALL_TARGETS):
            continue  # That there is something to read; what, the log says.
        if subject.startswith("trigger.command."):
            # One consumer of several verbs names the types of all of them.
            assert PAYLOADS[subject] <= types <= commands
        else:
            assert types == PAYLOADS[subject], subject


@SERVICES
def test_no_schema_is_referred_to_that_is_not_there(service: Service, document: dict[str, Any]):
    pending: list[Any] = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                assert _followed(document, value["$ref"]) is not None
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


@SERVICES
def test_the_page_of_every_document_is_plain_and_names_each_subject(
    service: Service, document: dict[str, Any]
):
    made = page(document)

    for channel in document["channels"].values():
        assert escape(channel["address"]) in made
    for word in ("<script", "<link", "src=", 'href="http'):
        assert word not in made


@SERVICES
def test_the_document_tells_what_the_service_is(service: Service, document: dict[str, Any]):
    assert document["asyncapi"].startswith("3.")
    assert service.value in document["info"]["title"].lower()
    assert document["info"]["description"]
    assert document["info"]["version"] == importlib.metadata.version("event-trigger-platform")


def test_what_one_service_consumes_another_or_a_client_publishes():
    published = {
        subject
        for user in topology.PERMISSIONS
        if user != "admin"
        for subject in topology.PERMISSIONS[user].publish
    }

    for consumer in topology.CONSUMERS:
        assert set(consumer.filters) <= published
