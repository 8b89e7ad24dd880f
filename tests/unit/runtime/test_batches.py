"""What is written at once: cut by number and by bytes, in order, as late as it can be."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_runtime.jetstream.batches import (
    MAX_BATCH,
    MAX_BATCH_BYTES,
    WHOLE,
    BatchLimits,
    cut,
)
from trigger_runtime.jetstream.message import Message


def of_size(size: int) -> Message:
    return Message("a", b"x" * size)


def sizes(batches: Iterator[list[Message]]) -> list[list[int]]:
    return [[len(message.payload) for message in batch] for batch in batches]


@pytest.mark.parametrize(
    ("given_sizes", "cut_sizes"),
    [
        ([], []),
        ([0], [[0]]),
        ([9, 9], [[9], [9]]),
        ([5, 5, 1], [[5, 5], [1]]),
        ([1, 1, 1, 1], [[1, 1, 1], [1]]),
        ([11, 1, 12, 13], [[11], [1], [12], [13]]),
        ([0, 0, 0, 10], [[0, 0, 0], [10]]),
        ([1, 10, 1], [[1], [10], [1]]),
    ],
)
def test_a_batch_ends_before_the_message_that_would_be_too_much(
    given_sizes: list[int], cut_sizes: list[list[int]]
) -> None:
    limits = BatchLimits(messages=3, payload_bytes=10)
    assert sizes(cut(map(of_size, given_sizes), limits)) == cut_sizes


@given(st.lists(st.integers(0, 30)), st.integers(1, 6), st.integers(1, 40))
def test_nothing_is_lost_moved_or_cut_more_often_than_needed(
    given_sizes: list[int], messages: int, payload_bytes: int
) -> None:
    batches = sizes(cut(map(of_size, given_sizes), BatchLimits(messages, payload_bytes)))
    assert [size for batch in batches for size in batch] == given_sizes
    for batch in batches:
        assert 1 <= len(batch) <= messages
        assert len(batch) == 1 or sum(batch) <= payload_bytes
    for batch, following in pairwise(batches):
        assert len(batch) == messages or sum(batch) + following[0] > payload_bytes


def test_without_limits_of_ones_own_it_is_what_the_broker_takes() -> None:
    assert BatchLimits(MAX_BATCH, MAX_BATCH_BYTES) == WHOLE
    assert [len(batch) for batch in cut(map(of_size, [1] * 2001))] == [1000, 1000, 1]


def test_messages_are_made_as_they_are_needed() -> None:
    """Ten thousand at once would hold up whatever else the process does."""
    made: list[int] = []

    def endless() -> Iterator[Message]:
        while True:
            made.append(1)
            yield of_size(1)

    batches = cut(endless(), BatchLimits(messages=100, payload_bytes=10**6))
    assert len(next(batches)) == 100
    assert len(made) == 101
