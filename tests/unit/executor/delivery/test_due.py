"""What an attempt makes of a pending delivery: its record, and what it says of its endpoint."""

from datetime import UTC, datetime, timedelta

import pytest

from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason
from trigger_contracts.deliveries.records import delivery_id_of, message_of, record_in
from trigger_contracts.ids import uuid7
from trigger_executor.domain.delivery.attempt import Attempted
from trigger_executor.domain.delivery.due import (
    PendingDelivery,
    attempted_record,
    effect_of,
    ended_record,
)
from trigger_executor.domain.delivery.lane import AttemptEffect
from trigger_executor.domain.delivery.retrying import DEFAULT_DELAYS

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
EVENT_ID = str(uuid7(NOON, "event"))
DELIVERY = PendingDelivery(
    delivery_id=delivery_id_of(EVENT_ID, "shop"),
    event_id=EVENT_ID,
    trigger_id="order",
    target_id="shop",
    round=2,
    attempts=1,
    event_seq=7,
    logged_at=NOON,
    next_attempt_at=NOON,
    expires_at=NOON + timedelta(hours=48),
)


def tried(code: FailureCode | None = None, status: int | None = None, **fields) -> Attempted:
    outcome = Outcome.DELIVERED if code is None else Outcome.FAILED
    if code is FailureCode.BLOCKED:
        outcome = Outcome.BLOCKED
    return Attempted(
        started_at=NOON,
        duration_ms=1500,
        outcome=outcome,
        origin="https://shop.example",
        code=code,
        status=status,
        **fields,
    )


def record(attempted: Attempted, **fields):
    given = {
        "epoch": 4,
        "target_version": 3,
        "delays": DEFAULT_DELAYS,
        "last": DELIVERY.expires_at - timedelta(minutes=2),
        "draw": 0.0,
        **fields,
    }
    return attempted_record(DELIVERY, attempted, **given)


@pytest.mark.parametrize(
    ("attempted", "effect"),
    [
        (tried(status=200), AttemptEffect.DELIVERED),
        (tried(FailureCode.STATUS, 404), AttemptEffect.FAILED),
        (tried(FailureCode.STATUS, 429, retry_after_s=9), AttemptEffect.FAILED),
        (tried(FailureCode.REDIRECT, 302), AttemptEffect.FAILED),
        (tried(FailureCode.NO_STREAM), AttemptEffect.FAILED),
        (tried(FailureCode.STATUS, 500), AttemptEffect.OVERLOADED),
        (tried(FailureCode.STATUS, 503, retry_after_s=9), AttemptEffect.OVERLOADED),
        (tried(FailureCode.TIMEOUT), AttemptEffect.OVERLOADED),
        (tried(FailureCode.DNS), AttemptEffect.OVERLOADED),
        (tried(FailureCode.REFUSED), AttemptEffect.OVERLOADED),
        (tried(FailureCode.RESET), AttemptEffect.OVERLOADED),
        (tried(FailureCode.TLS), AttemptEffect.OVERLOADED),
        (tried(FailureCode.PROTOCOL), AttemptEffect.OVERLOADED),
        (
            tried(
                FailureCode.STATUS,
                410,
                final=Final.DEAD,
                reason=Reason.FINAL_STATUS,
                is_gone=True,
            ),
            AttemptEffect.GONE,
        ),
        (tried(status=200, is_gone=True), AttemptEffect.GONE),
        (
            tried(FailureCode.STATUS, 422, final=Final.DEAD, reason=Reason.FINAL_STATUS),
            AttemptEffect.UNJUDGED,
        ),
        (tried(FailureCode.BLOCKED), AttemptEffect.UNJUDGED),
    ],
)
def test_what_an_attempt_says_of_its_endpoint(attempted, effect):
    assert effect_of(attempted) is effect


def test_a_failed_attempt_says_when_the_next_one_is_from_its_end():
    made = record(tried(FailureCode.TIMEOUT))

    assert (made.round, made.attempt, made.epoch, made.target_version) == (2, 2, 4, 3)
    assert made.final is None
    assert made.next_attempt_at == NOON + timedelta(seconds=1.5 + 30)


def test_a_delivered_one_ends_it():
    made = record(tried(status=204))

    assert made.final is Final.DELIVERED
    assert made.next_attempt_at is None


def test_a_blocked_one_ends_it():
    assert record(tried(FailureCode.BLOCKED)).final is Final.BLOCKED


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"delays": DEFAULT_DELAYS[:1]}, Reason.EXHAUSTED),
        ({"last": NOON + timedelta(seconds=31)}, Reason.EXPIRED),
    ],
)
def test_one_that_is_not_tried_again_ends_dead(fields, reason):
    made = record(tried(FailureCode.TIMEOUT), **fields)

    assert (made.final, made.reason) == (Final.DEAD, reason)


def test_what_the_answer_ends_is_dead_whatever_the_schedule():
    made = record(tried(FailureCode.STATUS, 422, final=Final.DEAD, reason=Reason.FINAL_STATUS))

    assert (made.final, made.reason) == (Final.DEAD, Reason.FINAL_STATUS)


def test_retry_after_is_waited_for():
    made = record(tried(FailureCode.STATUS, 503, retry_after_s=3000))

    assert made.next_attempt_at == NOON + timedelta(seconds=3001.5)


def test_every_record_can_be_read_as_it_was_written():
    for made in (
        record(tried(status=200)),
        record(tried(FailureCode.TIMEOUT)),
        ended_record(DELIVERY, Reason.TARGET_DELETED, NOON),
    ):
        message = message_of(made, expires_at=DELIVERY.expires_at, now=NOON)
        assert message is not None
        assert record_in(message.subject, message.body) == made
