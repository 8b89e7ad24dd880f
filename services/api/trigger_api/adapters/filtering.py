"""``domain.filtering.passes`` in SQL: which rows of retention's views a filter means."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    ColumnElement,
    Interval,
    Text,
    cast,
    func,
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY

from trigger_api.domain.queries import EventFilter
from trigger_api.domain.words import words_of

Condition = ColumnElement[bool]


def conditions(c: Any, wanted: EventFilter, *, are_rare: bool = False) -> Iterator[Condition]:
    """What a row must meet; ``c`` are the columns of a view of the log.

    ``are_rare``: the words are known to be in few rows only.
    """
    for column, value in (
        (c.trigger_id, wanted.trigger_id),
        (c.trigger_name, wanted.trigger_name),
    ):
        if value is not None:
            yield column == value
    # Written out, as are the next: with a parameter no partial index could be chosen.
    for column, word in (
        (c.trigger_type, wanted.type),
        (c.source, wanted.source),
        (c.status, wanted.status),
    ):
        if word is not None:
            yield column == literal_column(f"'{word}'")
    if wanted.is_test is not None:
        yield c.is_test if wanted.is_test else ~c.is_test
    yield from _lateness(c, wanted)
    if wanted.from_ is not None:
        yield c.logged_at >= wanted.from_
    if wanted.to is not None:
        yield c.logged_at < wanted.to
    if wanted.q is not None:
        yield from _words(c, wanted.q, are_rare=are_rare)


def _lateness(c: Any, wanted: EventFilter) -> Iterator[Condition]:
    if wanted.min_lateness is not None:
        yield c.lateness >= _seconds(wanted.min_lateness)
    if wanted.max_lateness is not None:
        yield c.lateness <= _seconds(wanted.max_lateness)


def _words(c: Any, q: str, *, are_rare: bool) -> Iterator[Condition]:
    """By the index of words where the hour has one.

    Where it has none, looking for the word's letters in the text costs a tenth of taking the
    text apart, and leaves few to take apart. The planner believes that LIKE leaves next to
    nothing, and never reads all hours in their order in the hope of filling a page soon.
    """
    yield c.word_hashes.contains(_hashes(q))
    for word in words_of(q):
        yield c.said.contains(word, autoescape=True) if are_rare else func.strpos(c.said, word) > 0


def says(payload: ColumnElement[Any], q: str) -> Iterator[Condition]:
    """The same of a payload at hand, without any index."""
    said = func.retention.said(payload)
    for word in words_of(q):
        yield func.strpos(said, word) > 0
    yield func.retention.word_hashes(payload, type_=ARRAY(BigInteger)).contains(_hashes(q))


def _hashes(q: str) -> ColumnElement[Any]:
    return func.retention.word_hashes(func.to_json(cast(q, Text)))


def _seconds(count: float) -> ColumnClause[Any]:
    microseconds = timedelta(seconds=count) // timedelta(microseconds=1)
    return literal_column(f"interval '{microseconds} microseconds'", Interval)
