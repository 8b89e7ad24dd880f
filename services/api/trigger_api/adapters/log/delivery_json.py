"""An event's deliveries as JSON, written down by PostgreSQL itself, as ``row_json`` does rows.

Fields are those of the models in ``domain.deliveries.shown`` but for ``waits_for``, which other
services' tables say; a test compares them.
"""

from collections.abc import Iterable

from trigger_api.domain.deliveries.shown import AttemptShown, DeliveryDetail

from .row_json import instant

_INSTANTS = {
    *("next_attempt_at", "attempted_at", "planned_at", "ended_at", "logged_at", "started_at")
}
_COLUMNS = {"id": "delivery_id", "attempt_count": "attempts"}
"""Where a field's name is not its column's."""

_ATTEMPTS = "attempts"
_SHOWN = tuple(name for name in DeliveryDetail.model_fields if name not in {"waits_for", _ATTEMPTS})


def deliveries_of(event_id: str) -> str:
    """SQL for the JSON array of an event's deliveries; ``event_id`` is a column of the outer query,
    with its table's name.
    """
    tries = _array(
        _object(AttemptShown.model_fields),
        "retention.attempts AS tried",
        "tried.event_id = delivered.event_id AND tried.target_id = delivered.target_id",
        "round, attempt, started_at, epoch",
    )
    return _array(
        _object(_SHOWN, {_ATTEMPTS: f"({tries})::json"}),
        "retention.deliveries AS delivered",
        f"delivered.event_id = {event_id}",
        "target_id",
    )


def _array(item: str, source: str, condition: str, order: str) -> str:
    joined = f"string_agg({item}::text, ',' ORDER BY {order})"
    return f"(SELECT concat('[', {joined}, ']') FROM {source} WHERE {condition})"


def _object(names: Iterable[str], more: dict[str, str] | None = None) -> str:
    members = {name: _value(_COLUMNS.get(name, name)) for name in names}
    written = (f"'{name}', {sql}" for name, sql in {**members, **(more or {})}.items())
    return f"json_build_object({', '.join(written)})"


def _value(column: str) -> str:
    return instant(column) if column in _INSTANTS else column
