"""The fold: held against a model that looks at all records at once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from trigger_contracts.deliveries.fold import evolve, folded
from trigger_contracts.deliveries.outcomes import DeliveryState, Final, Outcome, Reason
from trigger_contracts.deliveries.records import (
    DeliveryAttempted,
    DeliveryEnded,
    DeliveryRecord,
)

from .factories import attempted, ended, planned

ATTEMPTS = st.builds(
    lambda attempt, epoch, outcome, dead: (
        attempted(outcome, attempt=attempt, epoch=epoch, final=Final.DEAD)
        if dead and outcome is Outcome.FAILED
        else attempted(outcome, attempt=attempt, epoch=epoch)
    ),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from([Outcome.FAILED, Outcome.FAILED, Outcome.DELIVERED, Outcome.BLOCKED]),
    st.booleans(),
)
OF_A_ROUND = st.lists(
    st.one_of(ATTEMPTS, ATTEMPTS, st.builds(ended, st.sampled_from(Reason)), st.just(planned())),
    max_size=6,
)


def naive(records: list[DeliveryRecord]) -> DeliveryState:
    """Of one round: delivered beats all; else the first final; else pending."""
    finals: list[Final] = []
    for record in records:
        if isinstance(record, DeliveryEnded):
            finals.append(Final.DEAD)
        elif isinstance(record, DeliveryAttempted) and record.final is not None:
            finals.append(record.final)
    if Final.DELIVERED in finals:
        return DeliveryState.DELIVERED
    return DeliveryState(finals[0].value) if finals else DeliveryState.PENDING


@settings(max_examples=60)
@given(OF_A_ROUND)
def test_delivered_beats_all_else_the_first_final_else_pending(after: list[DeliveryRecord]):
    delivery = folded([planned(), *after])

    assert delivery is not None
    assert delivery.state is naive(after)
    assert (delivery.reason is not None) == (delivery.final is Final.DEAD)


@settings(max_examples=40)
@given(OF_A_ROUND, st.data())
def test_repeated_records_change_nothing(after: list[DeliveryRecord], data: st.DataObject):
    records = [planned(), *after]
    repeated = []
    for place, record in enumerate(records):
        repeated += [
            record,
            *data.draw(st.lists(st.sampled_from(records[: place + 1]), max_size=2)),
        ]

    assert folded(repeated) == folded(records)


@settings(max_examples=40)
@given(OF_A_ROUND)
def test_attempts_so_far_are_the_newest_number_of_the_newest_lane(after: list[DeliveryRecord]):
    delivery = folded([planned(), *after])

    assert delivery is not None
    made = [(one.attempt, one.epoch) for one in after if isinstance(one, DeliveryAttempted)]
    assert (delivery.attempts, delivery.epoch) == max(made, default=(0, 0))


@settings(max_examples=40)
@given(OF_A_ROUND, OF_A_ROUND)
def test_another_round_begins_where_the_one_before_has_ended(
    first: list[DeliveryRecord], second: list[DeliveryRecord]
):
    again = [record.model_copy(update={"round": 2}) for record in second]
    delivery = folded([planned(), *first, planned(round=2), *again])

    assert delivery is not None
    if naive(first) is DeliveryState.PENDING:
        assert delivery == folded([planned(), *first])
    else:
        assert delivery.planned.round == 2
        assert delivery.state is naive(again)


def test_what_comes_late_of_an_earlier_round_does_not_end_the_next():
    delivery = folded([planned(), ended(), planned(round=2), attempted(Outcome.DELIVERED), ended()])

    assert delivery is not None
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, 0)


def test_a_second_plan_of_what_has_ended_sends_nothing_again():
    """Recorded anew after a crash, past the time that the broker remembers message ids."""
    delivered = folded([planned(), attempted(Outcome.DELIVERED)])

    assert evolve(delivered, planned(event_seq=900)) == delivered


def test_what_was_never_planned_is_no_delivery():
    assert folded([attempted(), ended()]) is None


def test_the_next_attempt_is_due_at_once_and_then_when_the_last_one_said():
    new = folded([planned()])
    failed = folded([planned(), attempted()])

    assert new is not None
    assert failed is not None
    assert new.next_attempt_at == planned().planned_at
    assert failed.next_attempt_at == attempted().next_attempt_at
