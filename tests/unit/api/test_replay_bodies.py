"""What a request to replay many may say."""

from typing import Any

import pytest

from tests.unit.api.fakes import NOW
from trigger_api.domain.log.replays import requested
from trigger_contracts.errors import Refused
from trigger_contracts.events import EntryStatus, Source


def test_a_body_is_a_filter_as_in_the_query_string() -> None:
    fields = {
        "state": "active",
        "trigger_id": "t",
        "trigger_name": "n",
        "type": "api",
        "source": "nats",
        "status": "fired",
        "is_test": False,
        "min_lateness": 1,
        "max_lateness": 2.5,
        "from": "2027-01-01T00:00:00Z",
        "to": "2027-01-01T00:00:00.000001",
        "q": "a word",
    }
    found = requested({"filter": fields, "dry_run": True})
    assert found.dry_run
    assert set(fields) == {name.rstrip("_") for name in found.filter.model_dump(exclude_none=True)}
    assert (found.filter.from_, found.filter.source) == (NOW.replace(hour=0), (Source.NATS,))
    assert not requested({"filter": {"q": "x"}}).dry_run


def test_a_field_of_several_values_is_an_array_or_one_alone() -> None:
    alone = requested({"filter": {"status": "missed"}}).filter
    assert alone == requested({"filter": {"status": ["missed", "missed"]}}).filter
    either = requested({"filter": {"status": ["missed", "fired"], "state": ["active"]}}).filter
    assert either.status == (EntryStatus.FIRED, EntryStatus.MISSED)
    assert (
        either
        == requested({"filter": {"state": "active", "status": ["fired", "missed", "fired"]}}).filter
    )
    assert either.life == "active"
    assert requested({"filter": {"state": ["archived", "active"]}}).filter.life is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (None, ""),
        ([], ""),
        ("filter", ""),
        ({}, "/filter"),
        ({"filter": None}, "/filter"),
        ({"filter": []}, "/filter"),
        ({"filter": {}}, "/filter"),
        ({"filter": {"trigger_id": None}}, "/filter"),
        ({"filter": {"q": "x"}, "dry_run": "yes"}, "/dry_run"),
        ({"filter": {"q": "x"}, "dry_run": 1}, "/dry_run"),
        ({"filter": {"q": "x"}, "dry_run": None}, "/dry_run"),
        ({"filter": {"q": "x"}, "colour": 1}, "/colour"),
        ({"filter": {"limit": 5}}, "/filter/limit"),
        ({"filter": {"cursor": "x"}}, "/filter/cursor"),
        ({"filter": {"from_": "2027-01-01T00:00:00Z"}}, "/filter/from_"),
        ({"filter": {"from": 5}}, "/filter/from"),
        ({"filter": {"from": "yesterday"}}, "/filter/from"),
        ({"filter": {"to": True}}, "/filter/to"),
        ({"filter": {"is_test": "true"}}, "/filter/is_test"),
        ({"filter": {"is_test": 1}}, "/filter/is_test"),
        ({"filter": {"min_lateness": "1"}}, "/filter/min_lateness"),
        ({"filter": {"min_lateness": -1}}, "/filter/min_lateness"),
        ({"filter": {"min_lateness": 10**400}}, "/filter/min_lateness"),
        ({"filter": {"status": "lost"}}, "/filter/status"),
        ({"filter": {"source": ["cron"]}}, "/filter/source/0"),
        ({"filter": {"source": ["api", "cron"]}}, "/filter/source/1"),
        ({"filter": {"source": []}}, "/filter/source"),
        ({"filter": {"status": [["fired"]]}}, "/filter/status/0"),
        ({"filter": {"state": {"active": 1}}}, "/filter/state"),
        ({"filter": {"trigger_id": ["a", 5]}}, "/filter/trigger_id/1"),
        ({"filter": {"trigger_id": 5}}, "/filter/trigger_id"),
        ({"filter": {"trigger_id": ""}}, "/filter/trigger_id"),
        ({"filter": {"trigger_id": "\x00"}}, "/filter/trigger_id"),
        ({"filter": {"q": "x" * 201}}, "/filter/q"),
        ({"filter": {"q": "%"}}, "/filter/q"),
        ({"filter": {"min_lateness": 2, "max_lateness": 1}}, "/filter/max_lateness"),
        (
            {"filter": {"from": "2027-01-02T00:00:00Z", "to": "2027-01-01T00:00:00Z"}},
            "/filter/to",
        ),
    ],
)
def test_a_bad_body_is_refused_where_it_is_bad(body: Any, pointer: str) -> None:
    with pytest.raises(Refused) as caught:
        requested(body)
    found = caught.value.problem
    assert (found.status, [error.pointer for error in found.errors]) == (422, [pointer])
    assert not found.errors[0].message.startswith("Value error")
