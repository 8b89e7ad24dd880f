"""Live rows are those of the lists, although another one writes them down."""

from datetime import timedelta
from uuid import uuid4

from nats.aio.client import Client

from tests.integration.api.conftest import Running
from tests.integration.api.streams import opened
from tests.support.eventually import eventually
from tests.support.log_entries import make_entry, store
from trigger_contracts.errors import FieldError
from trigger_contracts.events import EntryStatus, LogEntry, Source


def entries() -> list[LogEntry]:
    fired = make_entry('"said" \n 1', trigger_name='"a"\n ü', payload={"n": ["word", None]})
    assert fired.fired_at is not None
    due = fired.fired_at - timedelta(microseconds=1_234_567)
    unfired = {"fired_at": None, "payload": None}
    wrong = (FieldError(pointer="/payload", message='no "n"'), FieldError(pointer="", message="b"))
    return [
        fired,
        make_entry("late", scheduled_for=due, trigger_type="scheduled", misfire=True),
        make_entry("test", is_test=True, source=Source.TEST),
        make_entry("again", replay_of=str(uuid4()), source=Source.REPLAY),
        make_entry("missed", status=EntryStatus.MISSED, reason="away", count=3,
                   scheduled_for=due, last_scheduled_for=due, **unfired),
        make_entry("rejected", status=EntryStatus.REJECTED, errors=wrong, **unfired),
        make_entry("whole", now=fired.fired_at.replace(microsecond=0)),
        make_entry("archived", age=timedelta(hours=3)),
    ]  # fmt: skip


async def test_rows_of_the_stream_are_those_of_the_lists(
    gateway: Running, retention: None, executor: Client
) -> None:
    stored = entries()
    await store(executor, stored)

    async def listed() -> dict[str, object]:
        rows = (await gateway.http.get("/events/")).json()
        return {row["id"]: row for row in rows} if len(rows) == len(stored) else {}

    rows = await eventually(listed, what="every event has its row")
    async with opened(gateway, "0", params={"shape": "row"}) as source:
        events = await source.take(len(stored))
    for entry, event in zip(stored, events, strict=True):
        assert event.json == rows[entry.event_id]
        assert event.type == f"trigger.{entry.status}.v1"
    # The filters are the same, and so are the ids to go on from.
    words = {"shape": "row", "q": "word", "last_event_id": "0"}
    async with opened(gateway, params=words) as source:
        assert (await source.next()).json["id"] == stored[0].event_id
    for shape in ("event", None):
        params = {} if shape is None else {"shape": shape}
        async with opened(gateway, events[0].id, params=params) as source:
            assert (await source.next()).json["data"]["payload"] == "late"
    wrong = await gateway.http.get("/events/stream?shape=rows")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/query/shape")
