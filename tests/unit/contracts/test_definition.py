"""Definitions: each refusal has the code and the pointer that tell the owner what to change."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.contracts.factories import HOUR, NOON, api_fields, fields, refusal_of
from trigger_contracts.definition import parse_definition
from trigger_contracts.errors import Code, Refused
from trigger_contracts.schedule import HORIZON, Interval, Once
from trigger_contracts.schedule_fields import schedule_of

FIELDS = {
    *("name", "type", "payload", "schedule_time", "interval", "cron", "timezone"),
    *("dst_policy", "starts_at", "ends_at", "max_fires", "jitter", "exclude", "misfire"),
    *("payload_schema", "description", "labels"),
}


def refusal(given_fields: Any, at: datetime = NOON) -> tuple[Code, list[str]]:
    with pytest.raises(Refused) as refused:
        schedule_of(parse_definition(given_fields), at)
    assert refused.value.problem.status == 422
    return refusal_of(refused.value)


def test_the_seeds_examples_are_definitions():
    one_time = parse_definition(fields(schedule_time="2027-01-26T15:00:00", payload="a string"))
    repeated = parse_definition(fields(interval="PT15M", payload={"nested": {"a": [1, None]}}))

    assert schedule_of(one_time, NOON) == Once(at=NOON + 3 * HOUR)
    assert schedule_of(repeated, NOON) == Interval(anchor=NOON, every=timedelta(minutes=15))
    assert schedule_of(parse_definition(api_fields()), NOON) is None


def test_a_local_time_is_read_in_the_zone():
    definition = parse_definition(
        fields(schedule_time="2027-01-26T15:00:00", timezone="Europe/Berlin")
    )

    assert schedule_of(definition, NOON) == Once(at=NOON + 2 * HOUR)


def test_an_interval_with_a_start_fires_at_it():
    definition = parse_definition(
        fields(interval=60, starts_at="2027-01-26T12:30:00Z", ends_at="2027-01-26T13:00:00Z")
    )

    assert schedule_of(definition, NOON) == Interval(
        anchor=NOON + HOUR / 2,
        every=timedelta(minutes=1),
        fires_at_anchor=True,
        ends_at=NOON + HOUR,
    )


@pytest.mark.parametrize(
    "field",
    [
        "status",
        "state",
        "paused",
        "pause",
        "enabled",
        "disabled",
        "active",
        "is_active",
        "suspended",
    ],
)
@pytest.mark.parametrize("value", [True, False, "paused", None])
def test_an_attempt_to_pause_names_the_alternatives(field: str, value: Any):
    with pytest.raises(Refused) as refused:
        parse_definition(fields(**{field: value}))

    assert refusal_of(refused.value) == (Code.PAUSE_NOT_SUPPORTED, [f"/{field}"])
    assert "ends_at" in refused.value.problem.detail
    assert "delete" in refused.value.problem.detail


@pytest.mark.parametrize(
    ("given_fields", "pointers"),
    [
        (None, [""]),
        ([], [""]),
        ("text", [""]),
        (5, [""]),
        ({}, ["/name", "/type"]),
        ({"name": "x"}, ["/type"]),
        (fields(name=""), ["/name"]),
        (fields(name="x" * 201), ["/name"]),
        (fields(name=5), ["/name"]),
        (fields(name=None), ["/name"]),
        (fields(type="cron"), ["/type"]),
        (fields(type=None), ["/type"]),
        (fields(description="x" * 2001), ["/description"]),
        (fields(labels=["x"] * 21), ["/labels"]),
        (fields(labels=["x" * 65]), ["/labels/0"]),
        (fields(labels=["a", ""]), ["/labels/1"]),
        (fields(labels=["a", 5]), ["/labels/1"]),
        (fields(labels="a"), ["/labels"]),
        (fields(labels={"a": "b"}), ["/labels"]),
        (fields(colour="red"), ["/colour"]),
        (fields(**{"a/b~c": 1}), ["/a~1b~0c"]),
        (fields(schedule_time=5), ["/schedule_time"]),
        (fields(schedule_time="soon"), ["/schedule_time"]),
        (fields(schedule_time=""), ["/schedule_time"]),
        (fields(schedule_time="2027-02-30T00:00:00Z"), ["/schedule_time"]),
        (fields(timezone=5), ["/timezone"]),
        (fields(interval=True), ["/interval"]),
        (fields(interval=[1]), ["/interval"]),
        (fields(interval={"hours": 1}), ["/interval"]),
        (fields(interval="1 h"), ["/interval"]),
        (fields(interval=""), ["/interval"]),
        (fields(interval=0), ["/interval"]),
        (fields(interval=-60), ["/interval"]),
        (fields(interval=0.999), ["/interval"]),
        (fields(interval="PT0.999999S"), ["/interval"]),
        (fields(interval=10**400), ["/interval"]),
        (fields(interval=1e300), ["/interval"]),
        (fields(interval=HORIZON.total_seconds() + 1), ["/interval"]),
        (fields(interval="P99999W"), ["/interval"]),
        (fields(interval=60, starts_at="now"), ["/starts_at"]),
        (fields(interval=60, ends_at="never"), ["/ends_at"]),
        (fields(interval=60, starts_at=5), ["/starts_at"]),
        (
            fields(interval=60, starts_at="2027-01-27T00:00Z", ends_at="2027-01-26T00:00Z"),
            ["/ends_at"],
        ),
        (fields(interval=60, max_fires=0), ["/max_fires"]),
        (fields(interval=60, max_fires=-1), ["/max_fires"]),
        (fields(interval=60, max_fires=2**31), ["/max_fires"]),
        (fields(interval=60, max_fires=1.5), ["/max_fires"]),
        (fields(interval=60, max_fires="3"), ["/max_fires"]),
        (fields(interval=60, max_fires=True), ["/max_fires"]),
        (fields(interval=60, jitter=-1), ["/jitter"]),
        (fields(interval=60, jitter=86_401), ["/jitter"]),
        (fields(interval=60, jitter="5 min"), ["/jitter"]),
        (fields(interval=60, jitter=True), ["/jitter"]),
        (fields(interval=60, exclude="2027-12-25"), ["/exclude"]),
        (fields(interval=60, exclude=["2027-12-25", "Easter"]), ["/exclude/1"]),
        (fields(interval=60, exclude=["2027-02-29"]), ["/exclude/0"]),
        (fields(interval=60, exclude=["2027-12-25T00:00Z"]), ["/exclude/0"]),
        (fields(interval=60, exclude=["2027-12-25/2027-12-24"]), ["/exclude/0"]),
        (fields(interval=60, exclude=["2027-01-01/2047-01-01"]), ["/exclude/0"]),
        (fields(interval=60, exclude=[5]), ["/exclude/0"]),
        (fields(interval=60, exclude=["2027-12-25"] * 201), ["/exclude"]),
        (fields(interval=60, misfire="all"), ["/misfire"]),
        (fields(interval=60, misfire={"policy": "some"}), ["/misfire/policy"]),
        (fields(interval=60, misfire={"policy": None}), ["/misfire/policy"]),
        (fields(interval=60, misfire={"policies": "all"}), ["/misfire/policies"]),
        (fields(interval=60, misfire={"max_count": 0}), ["/misfire/max_count"]),
        (fields(interval=60, misfire={"max_count": 1001}), ["/misfire/max_count"]),
        (fields(interval=60, misfire={"max_count": "5"}), ["/misfire/max_count"]),
        (fields(interval=60, misfire={"max_age": 0}), ["/misfire/max_age"]),
        (fields(interval=60, misfire={"max_age": "P3D"}), ["/misfire/max_age"]),
        (fields(interval=60, misfire={"max_age": "long"}), ["/misfire/max_age"]),
        (fields(cron="* * * * *", dst_policy="spring"), ["/dst_policy"]),
        (fields(cron="* * * * *", dst_policy=None), ["/dst_policy"]),
        (fields(interval=60, dst_policy="literal"), ["/dst_policy"]),
        (fields(cron="* * * * *", starts_at="2027-02-01", ends_at="2027-01-01"), ["/starts_at"]),
        (fields(cron="* * *"), ["/cron"]),
        (fields(cron=""), ["/cron"]),
        (fields(cron="60 * * * *"), ["/cron"]),
        (fields(cron="* * * * MOO"), ["/cron"]),
        ({"name": "x", "type": "scheduled"}, ["/schedule_time"]),
        (fields(schedule_time="2027-01-27T00:00Z", interval=60), ["/interval"]),
        (fields(schedule_time="2027-01-27T00:00Z", cron="* * * * *"), ["/cron"]),
        (fields(interval=60, cron="* * * * *"), ["/cron"]),
        (fields(payload_schema={}), ["/payload_schema"]),
        (fields(payload_schema=True), ["/payload_schema"]),
        (api_fields(payload_schema="{}"), ["/payload_schema"]),
        (api_fields(payload_schema=[1]), ["/payload_schema"]),
        (api_fields(schedule_time="2027-01-27T00:00Z"), ["/schedule_time"]),
        (api_fields(interval=60), ["/interval"]),
        (api_fields(cron="* * * * *"), ["/cron"]),
        (api_fields(starts_at="2027-01-27T00:00Z"), ["/starts_at"]),
        (api_fields(ends_at="2027-01-27T00:00Z"), ["/ends_at"]),
        (api_fields(max_fires=3), ["/max_fires"]),
        (api_fields(jitter=3), ["/jitter"]),
        (api_fields(exclude=["2027-12-25"]), ["/exclude"]),
        (api_fields(misfire={}), ["/misfire"]),
        (api_fields(dst_policy="literal"), ["/dst_policy"]),
        (fields(cron=5), ["/cron"]),
    ],
)
def test_a_wrong_field_is_pointed_at(given_fields: Any, pointers: list[str]):
    assert refusal(given_fields) == (Code.INVALID, pointers)


def test_every_wrong_field_is_pointed_at_at_once():
    code, pointers = refusal({"name": "", "type": "x", "labels": [""], "oops": 1})

    assert code is Code.INVALID
    assert set(pointers) == {"/name", "/type", "/labels/0", "/oops"}


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "+01:00", "../UTC", "x" * 1000])
def test_an_unknown_zone_has_a_code_of_its_own(name: str):
    assert refusal(fields(timezone=name)) == (Code.UNKNOWN_TIMEZONE, ["/timezone"])


@pytest.mark.parametrize(
    "written",
    [
        "America.Argentina/Buenos_Aires",
        "America.New_York",
        "posix/UTC",
        "tzdata.zi",
        "America",
        " ",
    ],
)
@pytest.mark.parametrize(
    "kind",
    [{"schedule_time": "2027-01-27T00:00Z"}, {"interval": 60}, {"cron": "* * * * *"}],
)
def test_only_what_the_list_of_zones_has_is_a_zone(written: str, kind: dict[str, Any]):
    code, pointers = refusal(fields(**kind, timezone=written))
    assert (code, pointers) == (Code.UNKNOWN_TIMEZONE, ["/timezone"])
    assert refusal(api_fields(timezone=written)) == (code, pointers)


def test_blanks_and_capitals_are_nobodys_meaning():
    padded = fields(
        cron=" 0 9 * * *\n",
        timezone=" europe/BERLIN\n",
        starts_at="2027-01-26T00:00:00Z\r\n",
        ends_at="\u00a02027-02-26T00:00:00Z",
        jitter=" PT5M",
        exclude=["2027-01-27 ", " 2027-01-28/2027-01-29"],
        misfire={"max_age": "PT1H "},
    )
    plain = fields(
        cron="0 9 * * *",
        timezone="Europe/Berlin",
        starts_at="2027-01-26T00:00:00Z",
        ends_at="2027-02-26T00:00:00Z",
        jitter="PT5M",
        exclude=["2027-01-27", "2027-01-28/2027-01-29"],
        misfire={"max_age": "PT1H"},
    )
    assert parse_definition(padded) == parse_definition(plain)
    assert parse_definition(padded).model_fields_set == parse_definition(plain).model_fields_set


def test_a_schema_that_cannot_be_used_has_a_code_of_its_own():
    code, pointers = refusal(api_fields(payload_schema={"$ref": "http://127.0.0.1:9/x"}))

    assert code is Code.INVALID_SCHEMA
    assert pointers == ["/payload_schema/$ref"]


@pytest.mark.parametrize(
    ("given_fields", "pointer"),
    [
        (fields(schedule_time="9999-12-31T23:59:59Z"), "/schedule_time"),
        (fields(schedule_time="9999-12-31T23:59:59", timezone="Asia/Tokyo"), "/schedule_time"),
        (fields(interval=60, starts_at="2040-01-01T00:00Z"), "/starts_at"),
        (fields(schedule_time=(NOON + HORIZON + HOUR).isoformat()), "/schedule_time"),
    ],
)
def test_nothing_is_scheduled_beyond_the_horizon(given_fields: Any, pointer: str):
    assert refusal(given_fields) == (Code.SCHEDULE_BEYOND_HORIZON, [pointer])


def test_the_bounds_themselves_are_allowed():
    at_horizon = parse_definition(fields(schedule_time=(NOON + HORIZON).isoformat()))
    shortest = parse_definition(fields(interval=1))
    longest = parse_definition(fields(interval=HORIZON.total_seconds()))

    assert schedule_of(at_horizon, NOON) == Once(at=NOON + HORIZON)
    assert schedule_of(shortest, NOON) == Interval(anchor=NOON, every=timedelta(seconds=1))
    assert schedule_of(longest, NOON) == Interval(anchor=NOON, every=HORIZON)
    assert parse_definition(fields(name="x" * 200, labels=["y" * 64] * 20))


def test_what_an_owner_wrote_is_what_is_kept():
    written = fields(
        interval="PT1.50S", timezone="Europe/Berlin", payload={"a": None}, labels=["b"]
    )

    kept = parse_definition(written).model_dump(mode="json", exclude_defaults=True)

    assert kept == {key: value for key, value in written.items() if value is not None}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), JSON),
    st.sampled_from([{}, fields(), api_fields(), {"name": "x", "type": "scheduled"}]),
)
def test_any_json_is_a_definition_or_refused(given_fields: dict[str, Any], base: dict[str, Any]):
    try:
        schedule_of(parse_definition({**base, **given_fields}), NOON)
    except Refused as refused:
        assert refused.problem.errors  # noqa: PT017  # both outcomes are right
        for error in refused.problem.errors:
            assert error.pointer.split("/")[1:2] == [] or error.pointer.split("/")[1] in FIELDS


def test_too_many_labels_are_refused_before_any_is_looked_at():
    """One error, not one a label: 60,000 wrong ones made an answer of 4 MB."""
    with pytest.raises(Refused) as refused:
        parse_definition(api_fields(labels=[1] * 60_000))

    assert refusal_of(refused.value) == (Code.INVALID, ["/labels"])
    assert "at most 20" in refused.value.problem.detail
