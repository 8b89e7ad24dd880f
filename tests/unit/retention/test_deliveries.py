"""Records of deliveries as rows: whatever their order, what the fold of their stream makes."""

from datetime import timedelta
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.contracts.deliveries.factories import NOON, attempted, ended, planned
from trigger_contracts.deliveries.fold import folded
from trigger_contracts.deliveries.outcomes import Final, Outcome, Reason
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryRecord,
    message_of,
)
from trigger_retention.domain.deliveries import (
    DeliveryRow,
    RecordRows,
    UnreadableRecord,
    first_attempts,
    merged,
    merged_rows,
    read,
    rows_of,
)


@st.composite
def streams(draw: st.DrawFn) -> list[DeliveryRecord]:
    """Records of one delivery as they are stored: no round is planned before the one before ends.

    Late attempts of replicas that had lost their lane, and plans that were made again, come
    anywhere behind their round's plan.
    """
    records: list[DeliveryRecord] = []
    begins: list[int] = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        if number > 1:
            records.append(draw(finals(number - 1)))
        begins.append(len(records))
        records.append(planned(round=number, planned_at=NOON + timedelta(hours=number)))
        records += draw(st.lists(attempts(number), max_size=3))
    for late in draw(st.lists(st.integers(1, len(begins)), max_size=4)):
        again = planned(round=late, planned_at=NOON + timedelta(days=1))
        place = draw(st.integers(begins[late - 1] + 1, len(records)))
        records.insert(place, draw(st.one_of(attempts(late), finals(late), st.just(again))))
        begins = [begin + (begin >= place) for begin in begins]
    return records


@st.composite
def attempts(draw: st.DrawFn, number: int) -> DeliveryRecord:
    outcome = draw(st.sampled_from([Outcome.FAILED, Outcome.FAILED, *Outcome]))
    more = {"final": Final.DEAD} if outcome is Outcome.FAILED and draw(st.booleans()) else {}
    attempt, epoch = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    started_at = NOON + timedelta(seconds=draw(st.integers(0, 9)))
    if outcome is Outcome.FAILED and not more:
        more["next_attempt_at"] = started_at + timedelta(seconds=5)
    return attempted(
        outcome, round=number, attempt=attempt, epoch=epoch, started_at=started_at, **more
    )


def finals(number: int) -> st.SearchStrategy[DeliveryRecord]:
    return st.one_of(
        st.builds(lambda reason: ended(reason, round=number), st.sampled_from(Reason)),
        st.just(attempted(Outcome.DELIVERED, round=number, attempt=4)),
        st.just(attempted(Outcome.BLOCKED, round=number, attempt=4)),
    )


@settings(max_examples=150, deadline=None)
@given(streams(), st.data())
def test_in_any_order_and_however_often_the_row_is_what_the_fold_makes(
    records: list[DeliveryRecord], data: st.DataObject
):
    stored = [rows_of(record, seq) for seq, record in enumerate(records, 1)]
    shuffled = data.draw(st.permutations(stored))
    shuffled += data.draw(st.lists(st.sampled_from(stored), max_size=3))

    row = reduce(merged, [one.delivery for one in shuffled])

    progress = folded(records)
    assert progress is not None
    assert (row.state, row.reason) == (progress.state, progress.reason)
    assert (row.round, row.planned_at) == (progress.planned.round, progress.planned.planned_at)
    assert (row.attempts, row.epoch) == (progress.attempts, progress.epoch)
    if progress.final is None:
        assert (row.next_attempt_at or row.planned_at) == progress.next_attempt_at
    # A batch in parts, merged each by itself, is the same.
    cut = data.draw(st.integers(0, len(shuffled)))
    parts = [merged_rows(one.delivery for one in part) for part in (shuffled[:cut], shuffled[cut:])]
    assert merged_rows(one for part in parts for one in part) == [row]


@settings(max_examples=50, deadline=None)
@given(streams(), st.data())
def test_each_attempt_is_one_row_as_it_was_stored_first(
    records: list[DeliveryRecord], data: st.DataObject
):
    stored = [rows_of(record, seq) for seq, record in enumerate(records, 1)]
    first: dict[tuple[int, int, int], int] = {}
    for seq, record in enumerate(records, 1):
        if isinstance(record, DeliveryAttempted):
            first.setdefault((record.round, record.attempt, record.epoch), seq)

    rows = first_attempts(
        one.attempt for one in data.draw(st.permutations(stored)) if one.attempt is not None
    )

    assert [(row[2:5], row.stream_seq) for row in rows] == sorted(first.items())


def test_what_a_record_says_of_the_delivery_and_of_the_attempt():
    record = attempted(
        Outcome.FAILED, address="192.0.2.7", excerpt="no", final=Final.DEAD, duration_ms=1500
    )
    message = message_of(record, expires_at=NOON + timedelta(hours=48), now=NOON)
    assert message is not None

    rows = read(message.subject, message.body, 9)

    assert isinstance(rows, RecordRows)
    assert rows.attempt is not None
    assert (rows.attempt.origin, rows.attempt.address) == ("https://erp.example", "192.0.2.7")
    assert (rows.attempt.excerpt, rows.attempt.stream_seq) == ("no", 9)
    assert rows.delivery == DeliveryRow(
        record.event_id,
        record.target_id,
        record.delivery_id,
        record.trigger_id,
        record.logged_at,
        round=1,
        attempts=1,
        epoch=1,
        attempt_seq=9,
        attempted_at=NOON,
        code="status",
        status=503,
        state="dead",
        ended_seq=9,
        ended_at=NOON + timedelta(seconds=1.5),
        reason="exhausted",
    )


def test_what_is_no_record_says_why_and_quotes_nothing():
    for body in (b"", b"{", b"null", b'{"data": {"excerpt": "canary"}}'):
        found = read("trigger.delivery.backup", body, 1)
        assert isinstance(found, UnreadableRecord)
        assert found.reason
        assert "canary" not in found.reason
