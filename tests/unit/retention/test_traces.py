"""What retention tells of an event's trace: once its row is in the table."""

import pytest

from tests.support.kept_spans import KeptSpans
from tests.unit.retention.factories import body, make_entry
from tests.unit.retention.test_handlers import (
    NOW,
    FakeDeadLetters,
    FakeLog,
    Stored,
    Tally,
    messages,
)
from trigger_contracts.tracing import root_of, stage_of
from trigger_retention.handlers import Projector
from trigger_runtime.process.errors import DatabaseUnavailable


def projector_of(log: FakeLog, kept: KeptSpans) -> Projector:
    return Projector(log, FakeDeadLetters(), log.clock, Tally(), lambda _: None, kept)


async def test_each_row_of_a_batch_has_its_span() -> None:
    log, kept = FakeLog(), KeptSpans()
    await projector_of(log, kept)(messages(3))
    assert {f"{span.context.trace_id:032x}" for span in kept.spans} == {
        event_id.replace("-", "") for event_id in log.rows
    }
    for event_id in log.rows:
        span = kept.of(event_id)["project"]
        assert (span.context, span.parent) == (stage_of(event_id, "project"), root_of(event_id))
        assert span.attributes["etp.status"] == "fired"
        assert span.attributes["messaging.batch.message_count"] == 3


async def test_a_batch_that_comes_again_makes_the_same_spans() -> None:
    log, kept = FakeLog(), KeptSpans()
    batch = messages(2)
    for _ in range(2):
        await projector_of(log, kept)(batch)
    first, second = kept.spans[:2], kept.spans[2:]
    assert [span.context for span in first] == [span.context for span in second]


async def test_what_is_no_row_has_no_span() -> None:
    log, kept = FakeLog(refuses="bad"), KeptSpans()
    assert await projector_of(log, kept)(messages(4, poison=(1,), refused=(3,))) == []
    assert len(kept.spans) == len(log.rows) == 2


async def test_of_what_is_not_sampled_only_what_was_asked_for_is_told() -> None:
    log, kept = FakeLog(), KeptSpans(ratio=0)
    asked, other = make_entry(NOW), make_entry(NOW)
    header = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    await projector_of(log, kept)([Stored(body(asked), 1, headers=header), Stored(body(other), 2)])
    assert [span.attributes["etp.event_id"] for span in kept.spans] == [asked.event_id]


async def test_what_is_not_committed_is_not_told() -> None:
    class Away(FakeLog):
        async def insert(self, rows: object) -> None:
            raise DatabaseUnavailable

    kept = KeptSpans()
    with pytest.raises(DatabaseUnavailable):
        await projector_of(Away(), kept)(messages(1))
    assert kept.spans == []
