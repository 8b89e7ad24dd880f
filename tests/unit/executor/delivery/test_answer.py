"""What answers mean: each rule of statuses, of Retry-After and of webhook-delivery."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_contracts.deliveries.outcomes import FailureCode, Final, Outcome, Reason
from trigger_executor.domain.delivery.answer import AnswerHead, Verdict, judged
from trigger_executor.domain.delivery.retry_after import retry_after

from .attempts import NOON


def verdict(status: int, *final: int, **head: str) -> Verdict:
    return judged(AnswerHead(status, **head), final or (410,), NOON)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    assert verdict(status) == Verdict(Outcome.DELIVERED, final=Final.DELIVERED)


@pytest.mark.parametrize("status", [101, 400, 401, 404, 409, 429, 500, 502, 503, 599, 600])
def test_all_else_failed_and_is_tried_again(status: int) -> None:
    assert verdict(status) == Verdict(Outcome.FAILED, FailureCode.STATUS)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_failed_and_is_not_followed(status: int) -> None:
    assert verdict(status) == Verdict(Outcome.FAILED, FailureCode.REDIRECT)


def test_final_statuses_end_a_delivery() -> None:
    ended = verdict(422, 410, 422)
    assert (ended.final, ended.reason, ended.code) == (
        Final.DEAD,
        Reason.FINAL_STATUS,
        FailureCode.STATUS,
    )
    assert not ended.is_gone


def test_410_ends_a_delivery_and_says_that_the_receiver_is_gone() -> None:
    assert verdict(410).final is Final.DEAD
    assert verdict(410).is_gone
    assert verdict(410, 404).final is None
    assert verdict(410, 404).is_gone


@pytest.mark.parametrize("text", ["abort-message", " Abort-Message ", "disable, abort-message"])
def test_abort_message_ends_a_delivery(text: str) -> None:
    ended = verdict(500, webhook_delivery=text)
    assert (ended.final, ended.reason) == (Final.DEAD, Reason.REFUSED_BY_RECEIVER)


def test_disable_says_that_the_receiver_is_gone_and_ends_nothing() -> None:
    asked = verdict(500, webhook_delivery="disable")
    assert (asked.is_gone, asked.final) == (True, None)


def test_an_answer_that_took_the_event_delivered_it_whatever_else_it_says() -> None:
    told = verdict(200, webhook_delivery="abort-message")
    assert (told.final, told.is_gone) == (Final.DELIVERED, False)
    assert verdict(200, webhook_delivery="disable").is_gone


def test_retry_after_is_heard_on_429_and_503_alone() -> None:
    paused = {s: verdict(s, retry_after="30").retry_after_s for s in (200, 301, 429, 500, 503)}
    assert paused == {200: None, 301: None, 429: 30, 500: None, 503: 30}


HOUR = 3600


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", None),
        ("3601", HOUR),
        ("31536000", HOUR),
        ("9" * 5000, HOUR),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("٣", None),
        ("", None),
        (None, None),
        ("soon", None),
        ("Fri, 01 Jan 2027 12:00:30 GMT", 30),
        ("Friday, 01-Jan-27 12:00:30 GMT", 30),
        ("Fri Jan  1 12:00:30 2027", 30),
        ("Fri, 01 Jan 2027 11:00:00 GMT", None),
        ("Sat, 01 Jan 2028 12:00:00 GMT", HOUR),
        ("Fri, 99 Jan 2027 12:00:00 GMT", None),
        ("Fri, 01 Jan 99999 12:00:00 GMT", None),
        ("Fri, 01 Jan 2027 12:00:30 +9999", None),
        ("x" * 9000, None),
    ],
)
def test_retry_after_in_each_form(value: str | None, seconds: int | None) -> None:
    assert retry_after(value, NOON) == seconds


def test_a_date_is_counted_by_the_clock_of_whoever_wrote_it() -> None:
    theirs = NOON + timedelta(seconds=90)
    until = format_datetime(theirs + timedelta(seconds=10), usegmt=True)
    assert retry_after(until, NOON, format_datetime(theirs, usegmt=True)) == 10
    assert retry_after(until, NOON, "yesterday") == 100


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_receiver_writes_a_pause_is_at_most_an_hour(value: str, date: str) -> None:
    paused = retry_after(value, NOON, date)
    assert paused is None or 1 <= paused <= HOUR
