"""What the delivery bench computes of receipts."""

import pytest

from bench.delivery.counting import (
    Receipt,
    most_at_once,
    most_within,
    per_second,
    repeated,
    waits_ms,
)


def receipt(began: float, ended: float | None = None, event: str = "e", path: str = "/") -> Receipt:
    return Receipt(path, event, began, began if ended is None else ended)


def test_the_rate_is_that_of_the_span_from_the_first_to_the_last() -> None:
    assert per_second([receipt(10.5), receipt(10.0), receipt(12.0)]) == pytest.approx(1.5)


def test_of_no_span_there_is_no_rate() -> None:
    assert per_second([]) == per_second([receipt(1.0)]) == 0


def test_requests_at_once_are_counted_at_the_worst_instant() -> None:
    assert most_at_once([receipt(0, 3), receipt(1, 2), receipt(1.5, 4), receipt(3.5, 5)]) == 3


def test_what_ends_as_another_begins_is_not_beside_it() -> None:
    assert most_at_once([receipt(0, 1), receipt(1, 2), receipt(2, 3)]) == 1
    assert most_at_once([]) == 0


def test_the_most_within_a_span_is_that_of_any_span_and_half_open() -> None:
    assert most_within([0.0, 0.9, 1.0, 1.8, 1.9], 1.0) == 4
    assert most_within([0.0, 1.0, 2.0], 1.0) == 1
    assert most_within([5.0, 5.0, 5.0], 1.0) == 3
    assert most_within([], 1.0) == 0


def test_an_event_counts_as_repeated_only_on_the_same_path() -> None:
    assert repeated([receipt(0), receipt(1, path="/b"), receipt(2)]) == 1


def test_waits_are_those_of_first_requests_of_rows_acked_in_the_window() -> None:
    receipts = [
        receipt(10.030, event="a"),
        receipt(10.020, event="a"),
        receipt(10.500, event="a", path="/b"),
        receipt(11.5, event="late"),
        receipt(11.5, event="of nobody"),
    ]
    acked = {"a": 10.0, "late": 11.0, "never came": 10.1}
    assert waits_ms(receipts, acked, 10.0, 11.0) == pytest.approx([20.0, 500.0])
