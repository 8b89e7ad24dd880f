"""Schedules in words: true, whatever the expression, and never a failure."""

import re
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import assume, given, settings

from tests.unit.contracts.cron_cases import expressions
from trigger_api.adapters.descriptions import describe
from trigger_api.domain.triggers.cron_words import in_words
from trigger_contracts.cron_parse import fields_of, parse_expression
from trigger_contracts.definition import parse_definition
from trigger_contracts.errors import Code, Refused
from trigger_contracts.schedule_fields import schedule_of

NOW = datetime(2027, 1, 26, 12, tzinfo=UTC)


def said(**fields: object) -> str:
    definition = parse_definition({"name": "x", "type": "scheduled", **fields})
    schedule = schedule_of(definition, NOW)
    assert schedule is not None
    return describe(schedule, definition)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"schedule_time": "2027-02-01T15:00:00", "timezone": "Europe/Berlin"},
            "Once, on Monday, 1 February 2027 at 15:00 (Europe/Berlin).",
        ),
        ({"interval": 60}, "Every minute (UTC)."),
        ({"interval": "P1DT2H0.5S"}, "Every 1 day 2 hours 0.5 seconds (UTC)."),
        (
            {"interval": "PT90S", "starts_at": "2027-02-01T00:00:05Z"},
            "Every 1 minute 30 seconds, from Monday, 1 February 2027 at 00:00:05 (UTC).",
        ),
        (
            {"interval": 3600, "ends_at": "2027-02-01T00:00Z", "max_fires": 1},
            "Every hour, until Monday, 1 February 2027 at 00:00, once only (UTC).",
        ),
        ({"cron": "@daily"}, "At 00:00 (UTC)."),
        ({"cron": "0 */23 * * *"}, "At 00:00 and 23:00 (UTC)."),
        ({"cron": "8,*/3 2 * * *"}, "On the cron schedule 8,*/3 2 * * * (UTC)."),
        (
            {"cron": "*/15 8-18 * * MON-FRI", "timezone": "Asia/Kolkata"},
            "Every 15 minutes, between 08:00 and 18:59, Monday through Friday (Asia/Kolkata).",
        ),
        (
            {"cron": "0 9 L * *", "starts_at": "2027-02-01T00:00", "max_fires": 3, "jitter": 60},
            (
                "At 09:00, on the last day of the month, from Monday, 1 February 2027 at 00:00, "
                "3 times, each up to 1 minute later, as its trigger's id has it (UTC)."
            ),
        ),
        (
            {"cron": "0 0 1,15 * 3", "exclude": [f"2027-0{n}-01" for n in range(1, 6)]},
            (
                "At 00:00, on day 1 and 15 of the month, or on Wednesday, "
                "except on 2027-01-01, 2027-02-01, 2027-03-01 and 2 more (UTC)."
            ),
        ),
        (
            {"cron": "0 0 */2 * 3"},
            "At 00:00, on odd days of the month, and only on Wednesday (UTC).",
        ),
        ({"interval": "PT90.000001S"}, "Every 1 minute 30.000001 seconds (UTC)."),
        ({"interval": 100_000.5}, "Every 1 day 3 hours 46 minutes 40.5 seconds (UTC)."),
        (
            {"schedule_time": "2027-02-01T15:00:00.050"},
            "Once, on Monday, 1 February 2027 at 15:00:00.05 (UTC).",
        ),
        (
            {"schedule_time": "2027-10-31T01:30:00Z", "timezone": "europe/berlin"},
            ("Once, on Sunday, 31 October 2027 at 02:30 for the second time (Europe/Berlin)."),
        ),
        (
            {"interval": 3600, "starts_at": "0001-01-01T00:00:00Z"},
            "Every hour (UTC).",
        ),
        (
            {
                "cron": "0 9 * * *",
                "timezone": "Asia/Tokyo",
                "starts_at": "0001-01-01T00:00:00",
                "ends_at": "9999-12-31T23:59:59Z",
                "jitter": 0,
            },
            "At 09:00 (Asia/Tokyo).",
        ),
        ({"cron": "0 0 * * MON#1,FRI#3"}, "On the cron schedule 0 0 * * MON#1,FRI#3 (UTC)."),
    ],
)
def test_a_schedule_is_one_sentence(fields: dict[str, object], sentence: str):
    assert said(**fields) == sentence


@settings(deadline=None)
@given(expressions)
def test_every_expression_that_can_fire_has_a_sentence(expression: str):
    try:
        sentence = said(cron=expression)
    except Refused as refusal:
        assert refusal.problem.code is Code.CRON_NEVER_FIRES  # noqa: PT017 - nothing to be said
        return
    assert sentence.endswith(" (UTC).")
    assert len(sentence) > len(" (UTC).") + 5


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("* * 1 * 1", "on day 1 of the month, or on Monday"),
        ("0 0 1-7 * MON", "between day 1 and 7 of the month, or on Monday"),
        ("0 9 13 * FRI#2", "on day 13 of the month, or on the second Friday of the month"),
        (
            "0 0 LW 3-5 5L",
            (
                "on the last weekday of the month, or on the last Friday of the month, "
                "March through May"
            ),
        ),
        ("0 0 */2 2 3", "on odd days of the month, only in February, and only on Wednesday"),
    ],
)
def test_days_of_both_kinds_are_joined_as_they_are_matched(expression: str, days: str):
    assert days in said(cron=expression)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("0 0 * * */2", "At 00:00, only on Sunday, Tuesday, Thursday, and Saturday"),
        ("0 0 * */5 *", "At 00:00, only in January, June, and November"),
        ("0 0 */10 * *", "At 00:00, on day 1, 11, 21, and 31 of the month"),
        ("0 0 2/2 * *", "At 00:00, on even days of the month"),
        ("0 0 1-31 * MON", "At 00:00"),
        ("0 0 13 * 0-6", "At 00:00"),
        ("0 0 * * SUN-SUN", "At 00:00, only on Sunday"),
        ("0 0 * * FRI-SUN", "At 00:00, Friday through Sunday"),
        ("* 8,9 * * *", "Every minute, in the hours 8 and 9"),
        ("*/5 8,10 * * *", "Every 5 minutes, in the hours 8 and 10"),
        ("*/20 */7 * * *", "Every 20 minutes, in the hours 0, 7, 14, and 21"),
        ("*/50 * * * *", "At 0 and 50 minutes past the hour"),
        ("0 9-17 * * *", "Every hour, between 09:00 and 17:59"),
        ("*/25 * * * * *", "At 0, 25, and 50 seconds past the minute"),
        ("5/15 * * * *", "At 5, 20, 35, and 50 minutes past the hour"),
        ("*/10 */30 * * * *", "Every 10 seconds, at 0 and 30 minutes past the hour"),
        ("1 0 0 1 1 *", "At 00:00:01, on day 1 of the month, only in January"),
    ],
)
def test_what_steps_do_not_do_is_not_said(expression: str, sentence: str):
    assert said(cron=expression) == f"{sentence} (UTC)."


def meaning(expression: str) -> tuple[object, ...]:
    """What fires when, without how it was written."""
    parsed = parse_expression(expression)
    rule = parsed.day_rule
    dates = (rule.days, rule.last_day, rule.last_weekday, rule.nearest_weekdays)
    weekdays = (rule.weekdays, rule.nth_weekdays, rule.last_weekdays)
    all_dates, all_weekdays = dates[0] == (1 << 32) - 2, weekdays[0] == (1 << 7) - 1
    if (all_dates and all_weekdays) or (rule.either and (all_dates or all_weekdays)):
        days: object = rule.months
    elif all_dates:
        days = (rule.months, weekdays)
    elif all_weekdays:
        days = (rule.months, dates)
    else:
        days = (rule.months, rule.either, dates, weekdays)
    return parsed.seconds, parsed.minutes, parsed.hours, days


@settings(deadline=None)
@given(expressions, expressions)
def test_two_expressions_are_one_sentence_where_they_mean_the_same(one: str, other: str):
    """Each against a second one, and against the first written out."""
    for second in (other, written_out(one)):
        sentences = [in_words(one), in_words(second)]
        assume(not any(sentence.startswith("On the cron schedule") for sentence in sentences))
        assert (sentences[0] == sentences[1]) == (meaning(one) == meaning(second))


def written_out(expression: str) -> str:
    """The times of day as lists, the days as they are."""
    parsed = parse_expression(expression)
    times = (parsed.seconds, parsed.minutes, parsed.hours)
    lists = [",".join(str(n) for n in range(60) if bits >> n & 1) for bits in times]
    return " ".join([*lists, *fields_of(expression)[-3:]])


@settings(deadline=None, max_examples=50)
@given(expressions)
def test_the_time_of_day_in_a_sentence_is_the_time_of_the_fields(expression: str):
    """Read back by a reader that knows nothing of cron."""
    sentence = in_words(expression)
    assume(not sentence.startswith("On the cron schedule"))
    parsed = parse_expression(expression)
    fields = (parsed.hours, parsed.minutes, parsed.seconds)
    meant = product(*([n for n in range(60) if bits >> n & 1] for bits in fields))
    assert times_in(sentence) == set(meant)


def times_in(sentence: str) -> set[tuple[int, int, int]]:
    """The times of day that a sentence names."""
    named = re.match(r"At (\d\d:\d\d.*?)(?=, (?:on|or|and [A-Zob]|only|between|[A-Z])|$)", sentence)
    if named is not None:
        found = re.findall(r"(\d\d):(\d\d)(?::(\d\d))?", named[1])
        return {(int(hour), int(minute), int(second or 0)) for hour, minute, second in found}
    within = re.match(r"Every minute between (\d\d):(\d\d) and \d\d:(\d\d)", sentence)
    if within is not None:
        hour, first, last = map(int, within.groups())
        return {(hour, minute, 0) for minute in range(first, last + 1)}
    hours, minutes, seconds = set(range(24)), set(range(60)), {0}
    every = re.match(r"Every (?:(\d+) )?(second|minute|hour)", sentence)
    if every is not None:
        step = int(every[1] or 1)
        if every[2] == "second":
            seconds = set(range(0, 60, step))
        elif every[2] == "minute":
            minutes = set(range(0, 60, step))
        else:
            hours, minutes = set(range(0, 24, step)), {0}
    for numbers, unit in re.findall(
        r"[Aa]t ((?:\d+|, and |, | and )+) (second|minute)s? past", sentence
    ):
        values = set(map(int, re.findall(r"\d+", numbers)))
        seconds, minutes = (values, minutes) if unit == "second" else (seconds, values)
    for unit, first, last in re.findall(r"[Aa]t (second|minute)s (\d+) through (\d+)", sentence):
        values = set(range(int(first), int(last) + 1))
        seconds, minutes = (values, minutes) if unit == "second" else (seconds, values)
    between = re.search(r"between (\d\d):00 and (\d\d):59", sentence)
    if between is not None:
        hours = set(range(int(between[1]), int(between[2]) + 1))
    of_day = re.search(r"in the hours ((?:\d+|, and |, | and )+)", sentence)
    if of_day is not None:
        hours = set(map(int, re.findall(r"\d+", of_day[1])))
    return set(product(hours, minutes, seconds))


def test_a_jitter_that_was_once_rounded_is_still_said() -> None:
    definition = parse_definition({"name": "x", "type": "scheduled", "interval": 60, "jitter": 1})
    schedule = schedule_of(definition, NOW)
    assert schedule is not None
    stored = definition.model_copy(update={"jitter": 1.0000001})

    assert describe(schedule, stored) == describe(schedule, definition)
