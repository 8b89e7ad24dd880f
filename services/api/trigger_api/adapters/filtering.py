"""``domain.filtering.passes`` in SQL: which rows of retention's views a filter means."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnClause, ColumnElement, Interval, Text, cast, func, literal_column

from trigger_api.domain.queries import EventFilter
from trigger_api.domain.words import words_of

Condition = ColumnElement[bool]


def conditions(c: Any, wanted: EventFilter) -> Iterator[Condition]:
    """What a row must meet; ``c`` are the columns of a view of the log."""
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
        yield from _words(c, wanted.q)


def _lateness(c: Any, wanted: EventFilter) -> Iterator[Condition]:
    if wanted.min_lateness is not None:
        yield c.lateness >= _seconds(wanted.min_lateness)
    if wanted.max_lateness is not None:
        yield c.lateness <= _seconds(wanted.max_lateness)


def _words(c: Any, q: str) -> Iterator[Condition]:
    """By the index of words where the hour has one.

    Where it has none, looking for the word's letters in the text costs a tenth of taking the
    text apart, and leaves few to take apart. (With LIKE the planner would believe that next to
    nothing is left, and would always take the index.)
    """
    yield c.word_hashes.contains(func.retention.word_hashes(func.to_json(cast(q, Text))))
    for word in words_of(q):
        yield func.strpos(c.said, word) > 0


def _seconds(count: float) -> ColumnClause[Any]:
    microseconds = timedelta(seconds=count) // timedelta(microseconds=1)
    return literal_column(f"interval '{microseconds} microseconds'", Interval)
