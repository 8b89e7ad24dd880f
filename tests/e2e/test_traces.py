"""One fire is one trace, by every door: what the real platform sends a collector on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial

import psutil
import pytest
from nats.aio.client import Client

from tests.support.eventually import eventually
from tests.support.otlp_receiver import Received, Receiver, receiving
from tests.support.whole_platform import Platform, ahead, now, running, text
from trigger_contracts import subjects
from trigger_contracts.tracing import root_of, stage_of
from trigger_runtime.process.ids import new_id

CALLERS_TRACE, CALLERS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = f"00-{CALLERS_TRACE}-{CALLERS_SPAN}-01"
BY_REST = {"POST fire", "publish", "decide", "project"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture(scope="module")
async def platform(
    receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    headers = tmp_path_factory.mktemp("secret") / "headers"
    headers.write_text("authorization=Bearer%20canary-key\n")
    environment = {
        "ETP_TRACE_HEADERS_FILE": str(headers),
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=tea",
        "ETP_TRACE_RATIO": "1",
        "ETP_MISFIRE_GRACE": "2s",
    }
    async with running("--retention-replicas", "2", environment=environment) as started:
        yield started


def span_id(event_id: str, stage: str) -> str:
    return f"{stage_of(event_id, stage).span_id:016x}"


async def trace_of(receiver: Receiver, event_id: str, names: set[str]) -> dict[str, Received]:
    """The trace by the names of its spans, once all of them are there."""
    await eventually(lambda: receiver.names(event_id) >= names, within=30, what=f"{names}")
    spans = receiver.of(event_id)
    assert {span.name for span in spans} == names
    assert len(spans) == len(names)
    root, *others = sorted(spans, key=lambda span: span.parent_id)
    assert (root.parent_id, root.span_id) == ("", f"{root_of(event_id).span_id:016x}")
    assert {span.parent_id for span in others} == {root.span_id}
    for span in spans:
        assert span.attributes["etp.event_id"] == event_id
        assert span.start_ns <= span.end_ns
    return {span.name: span for span in spans}


async def make(platform: Platform, **fields: object) -> str:
    trigger = await platform.create(name="traced", type="api", **fields)
    trigger_id: str = trigger["id"]
    return trigger_id


async def test_a_fire_by_rest_is_one_trace_to_its_row(
    platform: Platform, receiver: Receiver
) -> None:
    trigger_id = await make(platform)
    event_id = await platform.fire(trigger_id, payload={"secret": "canary-payload"})
    spans = await trace_of(receiver, event_id, BY_REST)
    assert {name: span.service for name, span in spans.items()} == {
        "POST fire": "etp-api",
        "publish": "etp-api",
        "decide": "etp-executor",
        "project": "etp-retention",
    }
    root = spans["POST fire"]
    assert root.kind == "SERVER"
    assert root.attributes["http.route"] == "/triggers/{trigger_id}/fire"
    assert root.attributes["http.response.status_code"] == 202
    assert {span.attributes["etp.trigger_id"] for span in spans.values()} == {trigger_id}
    assert spans["publish"].kind == "PRODUCER"
    assert spans["decide"].attributes["messaging.destination.name"] == "TRIGGER_COMMANDS"
    assert spans["project"].attributes["messaging.destination.name"] == "TRIGGER_EVENTS"
    for name in ("decide", "project"):
        assert spans[name].kind == "CONSUMER"
        assert spans[name].attributes["etp.status"] == "fired"
        assert spans[name].attributes["messaging.system"] == "nats"
        assert spans[name].attributes["messaging.batch.message_count"] >= 1
        assert spans[name].span_id == span_id(event_id, name)
    assert root.start_ns <= spans["publish"].start_ns <= spans["project"].end_ns
    assert receiver.paths == {"/v1/traces"}
    assert receiver.headers[-1]["x-tenant"] == "tea"
    assert receiver.headers[-1]["authorization"] == "Bearer canary-key"
    assert "canary" not in platform.logs()
    assert "canary" not in repr(receiver.spans)


async def test_nothing_of_it_is_in_the_messages(platform: Platform, receiver: Receiver) -> None:
    trigger_id = await make(platform)
    event_id = await platform.fire(trigger_id)
    await trace_of(receiver, event_id, BY_REST)
    for stream in ("TRIGGER_COMMANDS", "TRIGGER_EVENTS"):
        ours = [one for one in await platform.stored(stream) if trigger_id.encode() in one.payload]
        assert ours
        assert not [one for one in ours if "traceparent" in one.headers]


async def test_a_fire_under_a_key_is_traced_once_and_its_repetition_below_it(
    platform: Platform, receiver: Receiver
) -> None:
    trigger_id = await make(platform)
    key = {"Idempotency-Key": new_id()}
    event_ids = [
        (await platform.rest.post(f"/triggers/{trigger_id}/fire", headers=key)).json()["event_id"]
        for _ in range(2)
    ]
    assert event_ids[0] == event_ids[1]
    await eventually(
        lambda: (
            receiver.names(event_ids[0]) == {*BY_REST, "claim"}
            and len(receiver.of(event_ids[0])) == 6
        ),
        within=30,
    )
    fires = [span for span in receiver.of(event_ids[0]) if span.name == "POST fire"]
    assert [span.parent_id for span in fires] == ["", fires[0].span_id]
    assert [span.attributes.get("etp.repeated") for span in fires] == [None, True]


async def test_a_fire_by_nats_is_one_trace(
    platform: Platform, receiver: Receiver, client: Client
) -> None:
    trigger_id = await make(platform)
    answer = await platform.ask(client, "fire", {"trigger_id": trigger_id})
    spans = await trace_of(receiver, answer["event_id"], {"NATS fire", "decide", "project"})
    assert spans["NATS fire"].service == "etp-executor"
    assert spans["NATS fire"].attributes["etp.source"] == "nats"


async def test_an_occurrence_is_one_trace_from_its_row(
    platform: Platform, receiver: Receiver
) -> None:
    at = ahead(1.5)
    trigger = await platform.create(name="due", type="scheduled", schedule_time=at)
    (row,) = await platform.until_events(1, trigger_id=trigger["id"])
    spans = await trace_of(receiver, row["id"], {"due", "decide", "project"})
    due = spans["due"]
    assert (due.service, due.kind, due.moments) == (
        "etp-scheduler",
        "PRODUCER",
        ("claimed", "published"),
    )
    assert due.attributes["etp.misfire"] is False
    assert due.attributes["etp.scheduled_for"][:19] == at[:19]
    assert spans["decide"].attributes["messaging.destination.name"] == "TRIGGER_DUE"


async def test_an_occurrence_that_is_missed_is_one_trace(
    platform: Platform, receiver: Receiver
) -> None:
    at = now() + timedelta(seconds=1.5)
    trigger = await platform.create(
        name="missed", type="scheduled", schedule_time=text(at), misfire={"policy": "none"}
    )
    async with platform.gone("scheduler"):
        # Longer than the grace.
        await eventually(lambda: now() > at + timedelta(seconds=3), within=20)
    (row,) = await platform.until_events(1, within=60, trigger_id=trigger["id"])
    assert row["status"] == "missed"
    spans = await trace_of(receiver, row["id"], {"due", "decide", "project"})
    assert {span.attributes["etp.status"] for span in spans.values()} == {"missed"}


async def test_a_replay_is_a_trace_of_its_own_that_leads_to_its_origin(
    platform: Platform, receiver: Receiver
) -> None:
    trigger_id = await make(platform)
    origin = await platform.fire(trigger_id)
    await platform.until_events(1, trigger_id=trigger_id)
    response = await platform.rest.post(f"/events/{origin}/replay")
    event_id = response.json()["event_id"]
    spans = await trace_of(receiver, event_id, {"POST replay", "publish", "decide", "project"})
    root = spans["POST replay"]
    assert root.attributes["etp.replay_of"] == origin
    assert root.links == {(origin.replace("-", ""), span_id(origin, "root"))}

    body = {"filter": {"trigger_id": trigger_id}}
    many = await platform.rest.post("/events/replay", json=body)
    assert many.json()["replayed"] == 2
    rows = await platform.until_events(4, trigger_id=trigger_id)
    for one in {row["id"] for row in rows} - {origin, event_id}:
        spans = await trace_of(receiver, one, {"POST replays", "publish", "decide", "project"})
        assert spans["POST replays"].kind == "INTERNAL"


async def test_a_fire_that_is_refused_is_one_trace(platform: Platform, receiver: Receiver) -> None:
    trigger_id = await make(platform, payload_schema={"type": "integer"})
    response = await platform.rest.post(f"/triggers/{trigger_id}/fire", json={"payload": "no"})
    assert response.status_code == 422
    (row,) = await platform.until_events(1, trigger_id=trigger_id)
    spans = await trace_of(receiver, row["id"], {"POST fire", "decide", "project"})
    assert spans["POST fire"].attributes["http.response.status_code"] == 422
    assert {span.attributes["etp.status"] for span in spans.values()} == {"rejected"}
    assert not [span for span in spans.values() if span.is_error]


async def test_what_is_delivered_again_makes_the_same_trace(
    platform: Platform, receiver: Receiver
) -> None:
    """A replica of retention is killed with the event in hand, before its row is in the table."""
    trigger_id = await make(platform)
    async with platform.database() as blocking:
        await blocking.execute("BEGIN; LOCK TABLE retention.event IN SHARE ROW EXCLUSIVE MODE")
        event_id = await platform.fire(trigger_id)
        holder = await eventually(partial(waiting_replica, platform, WRITING), within=20)
        assert "project" not in receiver.names(event_id)
        killed = await platform.kill(holder)
        await eventually(
            partial(waiting_replica, platform, WRITING_OR_BEFORE, *killed.values()),
            within=30,
            what="another has it",
        )
        await blocking.execute("ROLLBACK")
    spans = await trace_of(receiver, event_id, BY_REST)
    assert spans["project"].span_id == span_id(event_id, "project")
    assert len(await platform.log_rows(trigger_id)) == 1


WRITING = "INSERT INTO retention[.]event "
WRITING_OR_BEFORE = f"{WRITING}|ensure_partitions"
"""The dead one's session makes the first partitions of a process, and nobody else may meanwhile."""


async def waiting_replica(platform: Platform, doing: str, *dead: int) -> str | None:
    """A replica of retention that waits for a lock with a batch in hand."""
    found = await platform.query(
        "SELECT client_port FROM pg_stat_activity"
        f" WHERE wait_event_type = 'Lock' AND query ~ '{doing}'"
    )
    ports = {row["client_port"] for row in found}
    for name, pid in platform.pids().items():
        if name.startswith("retention") and pid not in dead:
            own = {one.laddr.port for one in psutil.Process(pid).net_connections()}
            if ports & own:
                return name
    return None


async def test_what_is_handled_again_makes_the_same_spans(
    platform: Platform, receiver: Receiver
) -> None:
    """As after a redelivery: the same bytes, long after they were acknowledged."""
    trigger_id = await make(platform)
    event_id = await platform.fire(trigger_id)
    before = await trace_of(receiver, event_id, BY_REST)
    async with platform.connected("admin") as admin:
        for stream in ("TRIGGER_COMMANDS", "TRIGGER_EVENTS"):
            for message in await platform.stored(stream):
                # Of commands, those that name the trigger; creating it again changes nothing.
                if event_id.encode() in message.payload or message.subject == subjects.command(
                    subjects.Verb.FIRE
                ):
                    await admin.jetstream().publish(message.subject, message.payload)

    def again() -> bool:
        names = [span.name for span in receiver.of(event_id)]
        return names.count("decide") >= 2 and names.count("project") >= 2

    await eventually(again, within=30)
    for span in receiver.of(event_id):
        assert (span.span_id, span.parent_id) == (
            before[span.name].span_id,
            before[span.name].parent_id,
        )


async def test_kills_leave_each_trace_with_no_other_spans(
    platform: Platform, receiver: Receiver
) -> None:
    trigger_id = await make(platform)
    event_ids = []
    for name in ("executor", "retention"):
        event_ids += await asyncio.gather(*(platform.fire(trigger_id) for _ in range(40)))
        await platform.kill(name)
        event_ids += await asyncio.gather(*(platform.fire(trigger_id) for _ in range(40)))
    rows = await platform.until_events(len(event_ids), within=60, trigger_id=trigger_id)
    assert {row["id"] for row in rows} == set(event_ids)
    await eventually(
        lambda: all({"POST fire", "publish"} <= receiver.names(one) for one in event_ids), within=30
    )
    # What was handled after the last kill is told in full.
    last = await platform.fire(trigger_id)
    await trace_of(receiver, last, BY_REST)
    for event_id in event_ids:
        known = {("POST fire", span_id(event_id, "root"))}
        known |= {(name, span_id(event_id, name)) for name in BY_REST - {"POST fire"}}
        assert {(span.name, span.span_id) for span in receiver.of(event_id)} <= known


@pytest.fixture(scope="module")
async def untraced(receiver: Receiver) -> AsyncIterator[Platform]:
    """Where nothing is sampled that nobody asks for."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "ETP_TRACE_RATIO": "0"}
    async with running(environment=environment) as started:
        yield started


async def until_in_callers_trace(receiver: Receiver, event_id: str) -> Received:
    def there() -> list[Received]:
        return [
            span
            for span in receiver.of(CALLERS_TRACE)
            if span.attributes.get("etp.event_id") == event_id
        ]

    (own,) = await eventually(there, within=30)
    return own


async def test_a_caller_that_is_sampled_has_its_fire_traced_whatever_the_ratio(
    untraced: Platform, receiver: Receiver
) -> None:
    trigger_id = await make(untraced)
    asked = {"traceparent": CALLER}
    response = await untraced.rest.post(f"/triggers/{trigger_id}/fire", headers=asked)
    event_id = response.json()["event_id"]
    spans = await trace_of(receiver, event_id, BY_REST)
    own = await until_in_callers_trace(receiver, event_id)
    assert (own.kind, own.parent_id, own.service) == ("SERVER", CALLERS_SPAN, "etp-api")
    root = spans["POST fire"]
    assert own.links == {(root.trace_id, root.span_id)}
    assert root.links == {(CALLERS_TRACE, own.span_id)}
    ours = f"00-{root.trace_id}-{root.span_id}-01"
    for stream in ("TRIGGER_COMMANDS", "TRIGGER_EVENTS"):
        found = [
            one
            for one in await untraced.stored(stream)
            if trigger_id.encode() in one.payload and "create" not in one.subject
        ]
        assert [one.headers.get("traceparent") for one in found] == [ours]


async def test_a_nats_client_that_is_sampled_has_its_fire_traced_whatever_the_ratio(
    untraced: Platform, receiver: Receiver
) -> None:
    trigger_id = await make(untraced)
    async with untraced.connected("client") as client:
        body = {"trigger_id": trigger_id}
        answer = await untraced.ask(client, "fire", body, headers={"traceparent": CALLER})
    event_id = answer["event_id"]
    spans = await trace_of(receiver, event_id, {"NATS fire", "decide", "project"})
    own = await until_in_callers_trace(receiver, event_id)
    assert (own.kind, own.parent_id) == ("CONSUMER", CALLERS_SPAN)
    root = spans["NATS fire"]
    assert own.links == {(root.trace_id, root.span_id)}
    assert root.links == {(CALLERS_TRACE, own.span_id)}


async def test_nobody_else_is_traced_at_a_ratio_of_zero(
    untraced: Platform, receiver: Receiver
) -> None:
    trigger_id = await make(untraced)
    not_sampled = {"traceparent": CALLER[:-1] + "0"}
    fired = [
        (await untraced.rest.post(f"/triggers/{trigger_id}/fire", headers=headers)).json()
        for headers in ({}, not_sampled, {"traceparent": "nonsense"})
    ]
    asked = await untraced.rest.post(
        f"/triggers/{trigger_id}/fire", headers={"traceparent": CALLER}
    )
    await trace_of(receiver, asked.json()["event_id"], BY_REST)
    assert [receiver.of(one["event_id"]) for one in fired] == [[], [], []]


async def test_a_collector_that_is_away_stops_nothing(
    untraced: Platform, receiver: Receiver
) -> None:
    """Nor one that refuses, and what comes after it is taken again."""
    trigger_id = await make(untraced)
    asked = {"traceparent": CALLER}
    receiver.answer = 400
    try:
        response = await untraced.rest.post(f"/triggers/{trigger_id}/fire", headers=asked)
        await untraced.until_events(1, trigger_id=trigger_id)
        refused = response.json()["event_id"]

        async def failed() -> bool:
            text = (await untraced.rest.get("/metrics")).text
            return any(
                line.startswith('etp_trace_spans_total{result="failed"}')
                and not line.endswith(" 0.0")
                for line in text.splitlines()
            )

        await eventually(failed, within=30)
    finally:
        receiver.answer = 200
    response = await untraced.rest.post(f"/triggers/{trigger_id}/fire", headers=asked)
    await trace_of(receiver, response.json()["event_id"], BY_REST)
    assert not receiver.of(refused) or receiver.names(refused) <= BY_REST


async def test_a_collector_that_hangs_slows_neither_fires_nor_the_stop() -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_it.append(writer)

    with_it: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "ETP_TRACE_RATIO": "1",
    }
    async with running(environment=environment) as platform:
        trigger_id = await make(platform)
        for _ in range(20):
            await platform.fire(trigger_id)
        await platform.until_events(20, trigger_id=trigger_id)
        await eventually(lambda: len(with_it) >= 3, within=30, what="services hang in it")
        pid = platform.signal("executor", 15)
        began = time.monotonic()
        await eventually(lambda: not psutil.pid_exists(pid), within=20)
        assert time.monotonic() - began < 3
        assert "was cut" not in platform.logs()
    for writer in with_it:
        writer.close()
    server.close()
