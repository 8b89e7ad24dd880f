"""What became of events at targets, by REST, over the real schema of its owner."""

import csv
import io
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.dialects.postgresql import dialect

from tests.integration.api.log_rows import Log, listed
from tests.support.many_rows import filled
from tests.support.plans import Session
from tests.support.servers import Database
from tests.unit.retention.factories import ago, body, make_entry
from tests.unit.retention.records import make_records
from trigger_api.adapters.delivery_queries import deliveries
from trigger_api.adapters.log import list_queries
from trigger_api.adapters.log.views import LOOKED_THROUGH
from trigger_api.domain.deliveries.queries import DeliveryQuery
from trigger_api.domain.log.exports import COLUMNS
from trigger_api.domain.queries import EventQuery
from trigger_contracts.deliveries.records import delivery_id_of
from trigger_contracts.events import LogEntry, Source
from trigger_contracts.ids import uuid7
from trigger_retention.adapters.delivery_statements import DeliveryStatements
from trigger_retention.adapters.insert import write, write_records
from trigger_retention.adapters.statements import Statements
from trigger_retention.domain.deliveries import rows_of
from trigger_retention.domain.rows import LogRow, read


class Projected:
    """Stores rows and records as retention does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: LogEntry, *, excerpt: str | None = None, **stories: str) -> UUID:
        """An event, and of its deliveries what happened: by target the steps, with commas."""
        row = read(body(entry), 1)
        assert isinstance(row, LogRow)
        records = [
            rows_of(record, seq)
            for target, story in stories.items()
            for seq, record in enumerate(
                make_records(entry, target, *filter(None, story.split(",")), excerpt=excerpt), 2
            )
        ]
        statements = Statements("retention")
        since = {"erased_before": ago(days=9), "known_hours": set[int]()}
        async with self._database.connected() as admin, admin.transaction():
            await write(admin, statements, [row], **since)
            await write_records(
                admin, statements, DeliveryStatements("retention"), records, **since
            )
        return UUID(entry.event_id)


@pytest.fixture
async def projected(empty_database: Database) -> Projected:
    return Projected(empty_database)


async def ids(http: httpx.AsyncClient, **params: Any) -> list[tuple[str, str]]:
    """Events and targets of a page of deliveries."""
    response = await http.get("/deliveries/", params=params)
    assert response.status_code == 200, response.text
    return [(row["event_id"], row["target_id"]) for row in response.json()]


async def test_an_event_shows_its_deliveries_and_each_attempt(
    http: httpx.AsyncClient, projected: Projected
) -> None:
    entry = make_entry(ago(minutes=5))
    event_id = await projected.add(entry, erp="failed,delivered", crm="failed", excerpt="not today")
    shown = (await http.get(f"/events/{event_id}")).json()
    assert shown["payload"] == entry.payload
    crm, erp = shown["deliveries"]
    assert (crm["target_id"], crm["state"], crm["attempt_count"]) == ("crm", "pending", 1)
    assert crm["next_attempt_at"] is not None
    assert (erp["state"], erp["next_attempt_at"], erp["round"]) == ("delivered", None, 1)
    assert erp["id"] == delivery_id_of(entry.event_id, "erp")
    assert [one["outcome"] for one in erp["attempts"]] == ["failed", "delivered"]
    first = erp["attempts"][0]
    assert (first["code"], first["status"], first["excerpt"]) == ("status", 503, "not today")
    assert (first["origin"], first["address"]) == ("https://erp.example", "192.0.2.7")
    assert first["next_attempt_at"] is not None
    # One of them by its own id, and the same.
    assert (await http.get(f"/deliveries/{erp['id']}")).json() == erp


async def test_an_event_without_targets_has_none(http: httpx.AsyncClient, log: Log) -> None:
    event_id = await log.add()
    assert (await http.get(f"/events/{event_id}")).json()["deliveries"] == []


async def test_rounds_follow_each_other(http: httpx.AsyncClient, projected: Projected) -> None:
    event_id = await projected.add(make_entry(), erp="failed,dead,planned 2,failed")
    (erp,) = (await http.get(f"/events/{event_id}")).json()["deliveries"]
    assert (erp["state"], erp["round"], erp["attempt_count"]) == ("pending", 2, 1)
    assert (erp["reason"], erp["ended_at"]) == (None, None)
    rounds = [(one["round"], one["attempt"], one["final"]) for one in erp["attempts"]]
    assert rounds == [(1, 1, None), (1, 2, "dead"), (2, 1, None)]


async def test_deliveries_are_listed_by_state_target_trigger_and_time(
    http: httpx.AsyncClient, projected: Projected
) -> None:
    old = str(await projected.add(make_entry(ago(hours=30), trigger_id="a"), erp="ended"))
    middle = str(await projected.add(make_entry(ago(hours=3), trigger_id="b"), erp="blocked"))
    new = str(
        await projected.add(make_entry(ago(minutes=1), trigger_id="a"), erp="delivered", crm="")
    )
    everything = [(new, "erp"), (new, "crm"), (middle, "erp"), (old, "erp")]
    assert await ids(http) == everything
    assert await ids(http, state="pending") == [(new, "crm")]
    assert await ids(http, state=["dead", "blocked"]) == [(middle, "erp"), (old, "erp")]
    assert await ids(http, target_id="crm") == [(new, "crm")]
    assert await ids(http, target_id=["crm", "erp"], trigger_id="a", state="dead") == [(old, "erp")]
    assert await ids(http, trigger_id=["b"]) == [(middle, "erp")]
    an_hour_ago = ago(hours=1).isoformat()
    assert await ids(http, **{"from": an_hour_ago}) == everything[:2]
    assert await ids(http, to=an_hour_ago) == everything[2:]
    (dead,) = (await http.get("/deliveries/", params={"state": "dead"})).json()
    assert dead["reason"] == "cancelled"
    assert "attempts" not in dead


async def test_deliveries_are_listed_by_what_their_events_are(
    http: httpx.AsyncClient, projected: Projected
) -> None:
    """As a filtered log shows them, whatever of it is not written beside a delivery."""
    ours = make_entry(ago(minutes=2), trigger_name="ours", payload={"order": "c4n4ry"})
    test = make_entry(ago(minutes=3), source=Source.TEST, is_test=True)
    first, second = [
        str(await projected.add(entry, crm="", erp="delivered")) for entry in (ours, test)
    ]
    both = [(first, "erp"), (first, "crm")]
    for params in (
        {"q": "C4N4RY"},
        {"trigger_name": "ours"},
        {"event_id": first},
        {"is_test": False},
        {"source": ["api", "schedule"], "type": ["api", "scheduled"]},
    ):
        assert await ids(http, **params) == both, params
    assert await ids(http, event_id=[first, second], state="pending", source="test") == [
        (second, "crm")
    ]
    assert await ids(http, max_lateness=0, min_lateness=0, q="nobody says this") == []
    assert await ids(http, replay_of=first) == []
    for wanted, count in (({"q": "c4n4ry", "target_id": "erp"}, 1), ({"source": "test"}, 2)):
        counted = await http.post("/deliveries/redeliver", json={"filter": wanted, "dry_run": True})
        assert counted.json() == {"dry_run": True, "count": count}


async def test_pages_meet_each_delivery_once(http: httpx.AsyncClient, projected: Projected) -> None:
    """Of events that share an instant, too, whatever comes meanwhile."""
    at = ago(minutes=3)
    for number in range(5):
        entry = make_entry(at if number % 2 else ago(minutes=number))
        await projected.add(entry, crm="failed", erp="delivered", log="")
    everything = await ids(http)
    found: list[tuple[str, str]] = []
    url = "/deliveries/?limit=4"
    while url:
        page = await http.get(url)
        found += [(row["event_id"], row["target_id"]) for row in page.json()]
        await projected.add(make_entry(), erp="failed")
        url = page.links["next"]["url"] if page.links else ""
    assert found == everything
    assert len(set(found)) == 15


async def test_what_is_asked_wrongly_is_refused_at_its_field(http: httpx.AsyncClient) -> None:
    for query, where in (
        ("state=lost", "/query/state"),
        ("from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z", "/query/to"),
        ("cursor=x", "/query/cursor"),
        ("target_id=%00", "/query/target_id"),
        ("colour=red", "/query/colour"),
        ("status=fired", "/query/status"),
        ("min_lateness=2&max_lateness=1", "/query/max_lateness"),
        ("q=%25", "/query/q"),
    ):
        answer = await http.get(f"/deliveries/?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["pointer"].startswith(where)
    answer = await http.get("/events/?delivery=lost")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/query/delivery")


async def test_a_delivery_that_is_not_there_was_never_or_is_over(
    http: httpx.AsyncClient, projected: Projected
) -> None:
    over = uuid7(ago(hours=49), "an event of before")
    for delivery_id, status in (
        (uuid4(), 404),
        ("no-id", 404),
        (uuid7(ago(minutes=1), "another"), 404),
        ("ffffffff-ffff-7fff-bfff-ffffffffffff", 404),
        (over, 410),
    ):
        answer = await http.get(f"/deliveries/{delivery_id}")
        assert answer.status_code == status, delivery_id


async def test_deliveries_go_with_their_event(
    http: httpx.AsyncClient, projected: Projected
) -> None:
    entry = make_entry(ago(hours=48, seconds=1), id_at=ago(hours=47))
    event_id = await projected.add(entry, erp="failed", excerpt="canary")
    assert await ids(http) == []
    assert (await http.get(f"/events/{event_id}")).status_code == 404
    assert (await http.get(f"/deliveries/{delivery_id_of(entry.event_id, 'erp')}")).text.find(
        "canary"
    ) < 0


async def test_the_log_is_filtered_by_what_became_of_its_events(
    http: httpx.AsyncClient, projected: Projected
) -> None:
    both = str(await projected.add(make_entry(ago(minutes=1)), erp="delivered", crm="dead"))
    waits = str(await projected.add(make_entry(ago(minutes=2)), erp="failed"))
    none = str(await projected.add(make_entry(ago(minutes=3))))
    blocked = str(await projected.add(make_entry(ago(hours=3), trigger_id="b"), crm="blocked"))
    assert await listed(http, delivery="delivered") == [both]
    assert await listed(http, delivery="dead") == [both]
    assert await listed(http, delivery="pending") == [waits]
    assert await listed(http, delivery="none") == [none]
    assert await listed(http, delivery=["blocked", "none"]) == [none, blocked]
    assert await listed(http, target_id="crm") == [both, blocked]
    assert await listed(http, target_id="erp", delivery="dead") == []
    assert await listed(http, target_id="erp", delivery="none") == [none, blocked]
    assert await listed(http, delivery=["dead", "blocked"], state="archived") == [blocked]
    assert await listed(http, delivery="blocked", trigger_id="b") == [blocked]
    counted = await http.get("/events/", params={"delivery": "dead", "count": "true", "limit": 1})
    assert counted.headers["x-total-count"] == "1"
    chart = (await http.get("/events/stats", params={"target_id": "crm"})).json()
    assert (chart["total"], chart["counts"]["fired"]) == (2, 2)
    lines = (await http.get("/events/export", params={"delivery": "pending"})).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [waits]
    wanted = {"filter": {"delivery": "none"}, "dry_run": True}
    replay = await http.post("/events/replay", json=wanted)
    assert replay.json()["count"] == 1


async def test_an_export_has_deliveries_and_attempts_where_they_are_asked_for(
    http: httpx.AsyncClient, projected: Projected
) -> None:
    """As one event shows them, at the end of each row; without the parameter rows are as before."""
    told = await projected.add(
        make_entry(ago(minutes=1)), excerpt='=1+1\r\n"quoted" ä', erp="failed", crm="delivered"
    )
    await projected.add(make_entry(ago(hours=3)))
    rows = []
    for row in await listed_whole(http):
        for one in row["deliveries"]:
            del one["waits_for"]
        rows.append(row)
    asked = {"deliveries": "true"}
    lines = (await http.get("/events/export", params=asked)).text.splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert [len(row["deliveries"]) for row in rows] == [2, 0]
    assert [list(json.loads(line)) for line in lines] == [[*COLUMNS, "deliveries"]] * 2
    text = (await http.get("/events/export", params={**asked, "format": "csv"})).text
    cells = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert [list(row) for row in cells] == [[*COLUMNS, "deliveries"]] * 2
    assert [json.loads(row["deliveries"]) for row in cells] == [row["deliveries"] for row in rows]
    before = (await http.get("/events/export", params={"format": "csv"})).text
    assert before.splitlines()[0] == ",".join(COLUMNS)
    few = await http.get("/events/export", params={**asked, "state": "active", "target_id": "erp"})
    assert [json.loads(line)["id"] for line in few.text.splitlines()] == [str(told)]


async def listed_whole(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    """All events of the log as each is shown by itself."""
    return [(await http.get(f"/events/{event_id}")).json() for event_id in await listed(http)]


async def test_pages_of_a_filtered_log_meet_each_event_once(
    http: httpx.AsyncClient, projected: Projected
) -> None:
    wanted = [
        str(await projected.add(make_entry(ago(minutes=n)), erp="dead", crm="dead"))
        for n in range(7)
    ]
    await projected.add(make_entry(), erp="delivered")
    found: list[str] = []
    url = "/events/?delivery=dead&limit=3"
    while url:
        page = await http.get(url)
        found += [row["id"] for row in page.json()]
        url = page.links["next"]["url"] if page.links else ""
    assert found == wanted


async def test_a_live_tail_takes_no_filter_by_what_comes_later(http: httpx.AsyncClient) -> None:
    answer = await http.get("/events/stream?delivery=dead")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/delivery"


MANY = """
    INSERT INTO retention.delivery (event_id, target_id, delivery_id, trigger_id, logged_at, round,
        planned_seq, planned_at, is_test, attempts, epoch, state, ended_seq, ended_at)
    SELECT event_id, 'erp', gen_random_uuid(), trigger_id, logged_at, 1,
           stream_seq, logged_at, false, 1, 1,
           CASE WHEN stream_seq > $1 THEN 'dead' ELSE 'delivered' END, stream_seq, logged_at
    FROM retention.event
"""
"""Of each event one, dead where it was stored last: of the oldest ones."""
MOST_PAGES = 1000
"""Whoever looks through all of the events for their deliveries visits a hundred thousand."""


async def test_few_among_many_are_found_without_looking_through_all(
    empty_database: Database,
) -> None:
    """Dead ones of ten hours ago, among events that were delivered since."""
    await filled(empty_database, 30_000, step=timedelta(seconds=4), size=10)
    wanted = EventQuery.model_validate({"delivery": "dead", "limit": 20})
    of_events, values = list_queries.events(wanted, None, LOOKED_THROUGH)
    of_deliveries = deliveries(DeliveryQuery.model_validate({"state": "dead"}), None)
    async with empty_database.connected() as owner:
        await owner.execute(MANY, 30_000 - 60)
        await owner.execute("ANALYZE retention.delivery")
        for statement, rows in ((of_events.params(**values), 21), (of_deliveries, 51)):
            written = statement.compile(dialect=dialect(), compile_kwargs={"literal_binds": True})
            done = await Session(owner).explain(str(written))
            assert done.rows == rows
            assert done.pages < MOST_PAGES, done.scans
