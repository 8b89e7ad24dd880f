"""The ends of the calendar: what lies there is taken, or refused at its field, and never falls."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.contracts.factories import fields
from trigger_contracts import commands, trigger
from trigger_contracts.commands import CreateTrigger, UpdateTrigger
from trigger_contracts.definition import parse_definition
from trigger_contracts.errors import Code, Refused
from trigger_contracts.events import TriggerChanged
from trigger_contracts.instants import FIRST_INSTANT, LAST_INSTANT
from trigger_contracts.preview import preview
from trigger_contracts.schedule import AnySchedule, Interval, Limited, Once
from trigger_contracts.schedule_fields import schedule_of
from trigger_contracts.subjects import Verb
from trigger_scheduler.domain.planning import DueRow, plan
from trigger_scheduler.domain.results import done

NOW = datetime(2027, 1, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = ("UTC", "Asia/Tokyo", "Pacific/Kiritimati", "America/New_York", "Etc/GMT+12")
FAR = ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.9999999", "9999-12-31T23:59:59-12:00")
ZERO = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00")


def created(**given_fields: Any) -> TriggerChanged:
    command = CreateTrigger(name="x", type="scheduled", **given_fields)  # type: ignore[call-arg]
    moment = trigger.Moment(NOW, NOW)
    decision = trigger.decide(command, None, moment, trigger_id="t", command_id="c")
    if isinstance(decision, trigger.Rejected):
        raise Refused(decision.problem)
    assert isinstance(decision, trigger.Changed)
    return TriggerChanged.model_validate_json(decision.change.model_dump_json())


def lived_through(change: TriggerChanged) -> None:
    """All that is asked of a trigger in its life, soon and a century late."""
    schedule, first = change.schedule, trigger.first_fire(change)
    assert schedule is not None
    assert first is not None
    done("c", change, None)
    shown = preview(schedule, change.definition.timezone, first - HOUR, count=5)
    assert shown.occurrences[0].scheduled_for <= first
    row = DueRow("t", "c", 1, 1, schedule, first, None, 0, None)
    for late in (timedelta(), HOUR, timedelta(days=365), timedelta(days=36_500)):
        step = plan(row, first + late, timedelta(seconds=30))
        assert step is not None
        step.record(row, first + late).model_dump_json()
    walked_at_the_ends(schedule)


def walked_at_the_ends(schedule: AnySchedule) -> None:
    for end in (FIRST_INSTANT, LAST_INSTANT):
        following, before = schedule.next_after(end), schedule.last_before(end)
        assert following is None or following > end
        assert before is None or before < end
        schedule.count(end, end)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("kind", [{"cron": "0 9 * * *"}, {"interval": "PT1H"}])
@pytest.mark.parametrize(
    "limits",
    [
        *({"ends_at": far} for far in FAR),
        *({"starts_at": zero} for zero in ZERO),
        {"starts_at": ZERO[1], "ends_at": FAR[1], "jitter": "P1D"},
        {"exclude": ["9999-12-31", "0001-01-01"]},
        {"exclude": ["9999-01-01/9999-12-31", "0001-01-01/0001-12-31"], "ends_at": FAR[0]},
    ],
)
def test_limits_at_the_ends_of_the_calendar_are_none(
    zone: str, kind: dict[str, Any], limits: dict[str, Any]
):
    change = created(**kind, **limits, timezone=zone)

    lived_through(change)
    if "jitter" not in limits and "starts_at" not in limits:
        assert trigger.first_fire(change) == trigger.first_fire(created(**kind, timezone=zone))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("far", FAR)
def test_a_once_that_ends_far_ahead_fires(zone: str, far: str):
    lived_through(created(schedule_time="2027-02-01T00:00:00", ends_at=far, timezone=zone))


@pytest.mark.parametrize(
    ("given_fields", "code", "pointer"),
    [
        ({"schedule_time": ZERO[0]}, Code.SCHEDULE_IN_PAST, "/schedule_time"),
        ({"schedule_time": ZERO[2]}, Code.INVALID, "/schedule_time"),
        ({"schedule_time": FAR[0]}, Code.SCHEDULE_BEYOND_HORIZON, "/schedule_time"),
        ({"interval": 60, "starts_at": FAR[0]}, Code.SCHEDULE_BEYOND_HORIZON, "/starts_at"),
        ({"interval": 60, "starts_at": FAR[2]}, Code.SCHEDULE_BEYOND_HORIZON, "/starts_at"),
        ({"interval": 60, "ends_at": ZERO[0]}, Code.SCHEDULE_IN_PAST, "/ends_at"),
        ({"cron": "* * * * *", "ends_at": ZERO[2]}, Code.SCHEDULE_IN_PAST, "/ends_at"),
        ({"interval": 60, "exclude": ["9999-12-32"]}, Code.INVALID, "/exclude/0"),
        ({"interval": 60, "exclude": ["0000-01-01"]}, Code.INVALID, "/exclude/0"),
        ({"interval": 60, "exclude": ["0001-01-01/9999-12-31"]}, Code.INVALID, "/exclude/0"),
        ({"interval": 60, "ends_at": "9999-12-31T23:59:59+05:60"}, Code.INVALID, "/ends_at"),
        ({"interval": 60, "starts_at": "2027-01-01T00:00+24:00"}, Code.INVALID, "/starts_at"),
    ],
)
@pytest.mark.parametrize("zone", ZONES[:1])
def test_what_means_nothing_there_is_refused_at_its_field(
    given_fields: dict[str, Any], code: Code, pointer: str, zone: str
):
    with pytest.raises(Refused) as refusal:
        created(**given_fields, timezone=zone)
    problem = refusal.value.problem
    assert (problem.code, [error.pointer for error in problem.errors]) == (code, [pointer])


@pytest.mark.parametrize(
    ("given_fields", "says"),
    [
        ({"schedule_time": "2099-02-30T00:00:00"}, "2099-02 has 28 days"),
        ({"interval": 60, "ends_at": "2099-12-31T24:00:00"}, "write 2100-01-01T00:00:00"),
        ({"interval": 60, "starts_at": "2027-12-31T23:59:60Z"}, "leap seconds"),
        ({"interval": 60, "exclude": ["2099-02-30"]}, "2099-02 has 28 days"),
        ({"interval": 60, "exclude": ["2027-01-01/2027-13-01"]}, "there is no month 13"),
        ({"schedule_time": "2099-02-30"}, "there is no such day: 2099-02 has 28 days"),
        ({"interval": 60, "starts_at": "2099-13-01"}, "there is no such day"),
        ({"interval": 60, "ends_at": "2099-366"}, "there is no such day"),
        ({"interval": 60, "exclude": ["2099-2-30"]}, "there is no such day"),
        ({"interval": 60, "exclude": ["2099-W05-3"]}, "write 2099-01-28"),
        ({"interval": 60, "exclude": ["20991224/2099-12-32T00:00"]}, "write 2099-12-24"),
        ({"interval": 60, "exclude": ["2099-12-24/2099-12-32T00:00"]}, "there is no such day"),
        ({"interval": 60, "exclude": ["0000-01-01"]}, "years are 0001 to 9999"),
        ({"interval": 1.0000001}, "finer than a microsecond"),
        ({"interval": "PT1.0000001S"}, "finer than a microsecond"),
        ({"interval": 60, "jitter": 0.00000001}, "finer than a microsecond"),
        ({"interval": 60, "misfire": {"policy": "all", "max_age": 1.23456789}}, "'PT1.234568S'"),
    ],
)
def test_what_does_not_exist_is_refused_in_our_words(given_fields: dict[str, Any], says: str):
    with pytest.raises(Refused) as refusal:
        created(**given_fields)
    message = refusal.value.problem.errors[0].message

    assert says in message
    assert not any(pythons in message for pythons in ("must be in", "out of range", "isoformat"))


@pytest.mark.parametrize(
    "schedule",
    [
        Once(at=LAST_INSTANT),
        Once(at=FIRST_INSTANT),
        Interval(anchor=FIRST_INSTANT, every=HOUR, fires_at_anchor=True, ends_at=LAST_INSTANT),
        Interval(anchor=LAST_INSTANT, every=HOUR, fires_at_anchor=True),
        Limited(
            rule=Interval(anchor=FIRST_INSTANT, every=HOUR, fires_at_anchor=True),
            shift=timedelta(days=1),
            starts_at=FIRST_INSTANT,
            ends_at=LAST_INSTANT,
            exclude=((FIRST_INSTANT.date(), FIRST_INSTANT.date()),),
            timezone="Asia/Tokyo",
        ),
    ],
)
def test_what_was_stored_with_such_limits_is_walked(schedule: AnySchedule):
    walked_at_the_ends(schedule)
    assert schedule.count(FIRST_INSTANT, LAST_INSTANT) >= 0


def test_a_trigger_stored_with_a_dotted_zone_is_shown_and_mended():
    """Its name was once read as a path, and the create was accepted."""
    change = created(schedule_time="2027-02-01T00:00:00Z")
    dotted = change.definition.model_copy(update={"timezone": "America.Argentina/Buenos_Aires"})
    stored = change.model_copy(update={"definition": dotted})
    stored = TriggerChanged.model_validate_json(stored.model_dump_json())
    state = trigger.Trigger(stored, 7)

    (shown,) = trigger.shown_occurrences(stored, trigger.next_fires(stored, NOW))
    assert shown.local.isoformat() == "2027-01-31T21:00:00-03:00"
    for patch, is_mended in (
        ({"timezone": "America/Argentina/Buenos_Aires"}, True),
        ({"cron": "0 9 * * *", "schedule_time": None}, False),
    ):
        command = UpdateTrigger(trigger_id="t", patch=patch)
        moment = trigger.Moment(NOW, NOW)
        decision = trigger.decide(command, state, moment, trigger_id="t", command_id="u")
        assert isinstance(decision, trigger.Changed if is_mended else trigger.Rejected)
        if isinstance(decision, trigger.Changed):
            done("u", decision.change, state)
        elif isinstance(decision, trigger.Rejected):
            assert decision.problem.code is Code.UNKNOWN_TIMEZONE


ENDS = st.sampled_from([*FAR, *ZERO, "9999-12-31T00:00:00+0200", "9989-12-31T00:00", "x", "+05:60"])
JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
DATES = st.sampled_from(["9999-12-31", "0001-01-01", "9999-12-01/9999-12-31", "2027-01-27", "x"])
FIELDS = {
    "cron": st.sampled_from(["0 9 * * *", "59 59 23 31 12 *", "@daily\n", "0\u00a00 * * *"]),
    "interval": st.sampled_from([1, "PT1H", "P3653D", "P1M", "PT0.5H", 1e300]),
    "schedule_time": ENDS,
    "starts_at": ENDS,
    "ends_at": ENDS,
    "timezone": st.sampled_from([*ZONES, "asia/tokyo", "Asia.Tokyo", "Etc"]),
    "jitter": st.sampled_from([0, "P1D", 86_401]),
    "exclude": st.lists(DATES, max_size=3),
    "accepted_at": ENDS,
}


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(["cron", "interval", "schedule_time"]).flatmap(
        lambda kind: st.fixed_dictionaries(
            {kind: FIELDS[kind]},
            optional={name: FIELDS[name] | JSON for name in FIELDS.keys() - {kind}},
        )
    )
)
def test_any_definition_is_decided_or_refused(given_fields: dict[str, Any]):
    """Nothing else leaves the contracts, whatever JSON a definition is."""
    try:
        command = commands.parse_command(
            Verb.CREATE, {"name": "x", "type": "scheduled", **given_fields}
        )
    except Refused:
        return
    assert isinstance(command, CreateTrigger)
    moment = trigger.Moment(commands.accepted_at(command, NOW), NOW)
    decision = trigger.decide(command, None, moment, trigger_id="t", command_id="c")
    if isinstance(decision, trigger.Changed):
        lived_through(TriggerChanged.model_validate_json(decision.change.model_dump_json()))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("after", [FIRST_INSTANT, LAST_INSTANT, LAST_INSTANT - HOUR])
def test_a_preview_may_begin_at_an_end(zone: str, after: datetime):
    definition = parse_definition(fields(cron="*/10 * * * *", timezone=zone))
    schedule = schedule_of(definition, after)
    assert schedule is not None
    shown = preview(schedule, zone, after, count=1000, until=LAST_INSTANT)
    for one in shown.occurrences:
        assert one.local == one.scheduled_for
        assert one.dst is None
