"""``domain.log.filtering.passes`` in SQL: which rows of retention's views a filter means."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnClause,
    ColumnElement,
    Interval,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from trigger_api.domain.log.words import is_run, words_of
from trigger_api.domain.queries import EventFilter, LogFilter

from .tables import DELIVERIES

Condition = ColumnElement[bool]


_NOBODY = UUID(int=0)

_STAND_INS: Mapping[str, Any] = {
    **dict.fromkeys(("trigger_id", "trigger_name", "target_id"), "?"),
    **dict.fromkeys(("event_id", "replay_of"), _NOBODY),
    **dict.fromkeys(("from_", "to"), datetime.min.replace(tzinfo=UTC)),
}
"""For what ``conditions`` makes parameters of, by their names."""

Q = TypeVar("Q", bound=EventFilter)


def without_values(wanted: Q) -> tuple[Q, dict[str, Any]]:
    """``wanted`` with stand-ins, the same for all that make the same statement; and the values
    for its parameters.
    """
    values = {name: getattr(wanted, name, None) for name in _STAND_INS}
    values = {name: value for name, value in values.items() if value is not None}
    stand_ins = {name: _stand_in(name, value) for name, value in values.items()}
    return wanted.model_copy(update=stand_ins), {n: _bound(v) for n, v in values.items()}


def _stand_in(name: str, value: Any) -> Any:
    """One stands for one, two for any number of several."""
    if not isinstance(value, tuple):
        return _STAND_INS[name]
    return (_STAND_INS[name],) * min(len(value), 2)


def _bound(value: Any) -> Any:
    """A parameter's value: of several an array, of one itself."""
    if not isinstance(value, tuple):
        return value
    return value[0] if len(value) == 1 else list(value)


def conditions(c: Any, wanted: EventFilter) -> Iterator[Condition]:
    """What a row must meet; ``c`` are the columns of a view of the log."""
    for column, name in (
        (c.trigger_id, "trigger_id"),
        (c.trigger_name, "trigger_name"),
        (c.event_id, "event_id"),
        (c.replay_of, "replay_of"),
    ):
        value = getattr(wanted, name)
        if value is not None:
            yield _is_any(column, name, value)
    if wanted.replay_of is not None:
        # What the index of replays is for.
        yield c.source == literal_column("'replay'")
    # Written out, as are the next: with a parameter no partial index could be chosen.
    for column, words in (
        (c.trigger_type, wanted.type),
        (c.source, wanted.source),
        (c.status, wanted.status),
    ):
        if words is not None:
            yield _is_one_of(column, words)
    if wanted.is_test is not None:
        yield c.is_test if wanted.is_test else ~c.is_test
    yield from _lateness(c, wanted)
    if wanted.from_ is not None:
        yield c.logged_at >= bindparam("from_", wanted.from_)
    if wanted.to is not None:
        yield c.logged_at < bindparam("to", wanted.to)
    yield from _deliveries(c, wanted)
    if wanted.q is not None:
        yield says(c.payload, wanted.q)
        # The same once more, for the indexes of closed hours.
        yield c.word_hashes.contains(hashes_of(wanted.q))


def of_deliveries(d: Any, wanted: LogFilter) -> Iterator[Condition]:
    """What a delivery must meet for its event to pass; ``d`` are the columns of their view.

    What it has in common with its event is asked of both, for either's indexes.
    """
    for column, name in ((d.target_id, "target_id"), (d.trigger_id, "trigger_id")):
        value = getattr(wanted, name)
        if value is not None:
            yield _is_any(column, name, value)
    states = [one for one in wanted.delivery or () if one != "none"]
    if states:
        yield _is_one_of(d.state, states)
    if wanted.from_ is not None:
        yield d.logged_at >= bindparam("from_", wanted.from_)
    if wanted.to is not None:
        yield d.logged_at < bindparam("to", wanted.to)


def _deliveries(c: Any, wanted: EventFilter) -> Iterator[Condition]:
    if not isinstance(wanted, LogFilter) or not wanted.asks_for_deliveries:
        return
    to_any = wanted.model_copy(update={"delivery": None})
    if wanted.delivery == ("none",):
        yield ~_has_delivery(c, to_any)
    elif "none" in (wanted.delivery or ()):
        yield or_(~_has_delivery(c, to_any), _has_delivery(c, wanted))
    else:
        yield _has_delivery(c, wanted)


def _has_delivery(c: Any, wanted: LogFilter) -> Condition:
    d = DELIVERIES.c
    found = select(d.event_id).where(d.event_id == c.event_id, *of_deliveries(d, wanted))
    return found.exists()


def _is_any(column: ColumnElement[Any], name: str, value: Any) -> Condition:
    """Of one an equation: more plans fit it."""
    bound = _bound(value)
    if isinstance(bound, list):
        return column == bindparam(name, bound, type_=ARRAY(column.type)).any_()
    return column == bindparam(name, bound, type_=column.type)


def _is_one_of(column: ColumnElement[Any], words: Sequence[str]) -> Condition:
    """``words`` are ours, whoever chose among them. One is an equation: more indexes fit it."""
    written: list[ColumnClause[Any]] = [literal_column(f"'{word}'") for word in words]
    return column == written[0] if len(written) == 1 else column.in_(written)


def _lateness(c: Any, wanted: EventFilter) -> Iterator[Condition]:
    if wanted.min_lateness is not None:
        yield c.lateness >= _seconds(wanted.min_lateness)
    if wanted.max_lateness is not None:
        yield c.lateness <= _seconds(wanted.max_lateness)


def says(payload: ColumnElement[Any], q: str) -> Condition:
    """Whether a payload at hand has the words, without any index."""
    words = words_of(q)
    spaced = cast([word for word in words if not is_run(word)], ARRAY(Text))
    runs = cast([word for word in words if is_run(word)], ARRAY(Text))
    return func.retention.says(payload, spaced, runs, type_=Boolean)


def hashes_of(q: str) -> ColumnElement[Any]:
    """Those of its words, as retention's indexes have them."""
    return func.retention.word_hashes(func.to_json(cast(q, Text)))


def _seconds(count: float) -> ColumnClause[Any]:
    microseconds = timedelta(seconds=count) // timedelta(microseconds=1)
    return literal_column(f"interval '{microseconds} microseconds'", Interval)
