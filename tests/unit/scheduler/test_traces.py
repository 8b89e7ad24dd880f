"""What the scheduler tells of an occurrence: the root of its event's trace."""

from datetime import UTC, datetime, timedelta

from tests.support.kept_spans import KeptSpans
from tests.unit.scheduler.factories import MINUTE, NOON, SECOND, make_row
from trigger_contracts.ids import occurrence_event_id
from trigger_contracts.tracing import root_of
from trigger_scheduler.domain.planning import FireStep, MissStep
from trigger_scheduler.handlers.tracing import DueTraces

CLAIMED = NOON - timedelta(milliseconds=150)


class Clock:
    def now(self) -> datetime:
        return NOON + SECOND


def event_id(occurrence: datetime) -> str:
    return str(occurrence_event_id("t1", "c1", occurrence))


def fire(at: datetime = NOON, *, misfire: bool = False) -> FireStep:
    return FireStep(at, misfire, None)


def miss(*occurrences: datetime, count: int | None = None) -> MissStep:
    return MissStep(occurrences, NOON, NOON + MINUTE, count or len(occurrences), "late", None)


def test_an_occurrence_begins_its_trace() -> None:
    kept = KeptSpans()
    DueTraces(kept, Clock()).published([(make_row(), fire(misfire=True))], NOON, CLAIMED)
    (span,) = kept.spans
    assert (span.name, span.context, span.parent) == ("due", root_of(event_id(NOON)), None)
    assert (span.begun_at, span.ended_at) == (CLAIMED, NOON + SECOND)
    assert span.moments == (("claimed", CLAIMED), ("published", NOON))
    assert span.attributes["etp.trigger_id"] == "t1"
    assert span.attributes["etp.event_id"] == event_id(NOON)
    assert span.attributes["etp.misfire"] is True


def test_each_missed_occurrence_that_becomes_a_row_begins_one() -> None:
    kept = KeptSpans()
    steps = [(make_row(), miss(NOON, NOON + MINUTE)), (make_row(), miss(count=500))]
    DueTraces(kept, Clock()).published(steps, NOON, CLAIMED)
    assert [span.attributes["etp.event_id"] for span in kept.spans] == [
        event_id(NOON),
        event_id(NOON + MINUTE),
        event_id(NOON),
    ]
    assert {span.attributes["etp.status"] for span in kept.spans} == {"missed"}


def test_the_sampled_ones_alone_are_told_and_they_are_those_of_the_other_services() -> None:
    kept = KeptSpans(ratio=0.3)
    occurrences = [NOON + n * MINUTE for n in range(400)]
    steps = [(make_row(), fire(at)) for at in occurrences]
    DueTraces(kept, Clock()).published(steps, NOON, CLAIMED)
    expected = [event_id(at) for at in occurrences if kept.samples(root_of(event_id(at)).trace_id)]
    assert [span.attributes["etp.event_id"] for span in kept.spans] == expected
    assert 60 < len(expected) < 180


def test_an_instant_that_no_id_can_have_stops_nobody() -> None:
    kept = KeptSpans()
    steps = [(make_row(), fire(datetime(1, 1, 1, tzinfo=UTC))), (make_row(), fire())]
    DueTraces(kept, Clock()).published(steps, NOON, CLAIMED)
    assert [span.attributes["etp.event_id"] for span in kept.spans] == [event_id(NOON)]
