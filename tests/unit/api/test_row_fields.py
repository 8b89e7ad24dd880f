"""What the log says of an event, every answer that is one says, too."""

from trigger_api.adapters.log.tables import EVENTS
from trigger_api.domain.schemas import EventDetail
from trigger_contracts.events import LogEntry


def test_every_field_of_an_entry_is_shown() -> None:
    said = {"id" if name == "event_id" else name for name in LogEntry.model_fields}
    assert said - {"schema_version"} <= set(EventDetail.model_fields)


def test_every_field_that_is_shown_is_a_column() -> None:
    shown = {"event_id" if name == "id" else name for name in EventDetail.model_fields}
    assert shown <= set(EVENTS.c.keys())
