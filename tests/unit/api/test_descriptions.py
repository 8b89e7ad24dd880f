"""Schedules in words: true, whatever the expression, and never a failure."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from tests.unit.contracts.cron_cases import expressions
from trigger_api.adapters.descriptions import describe
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
            "At 00:00, every 2 days, and only on Wednesday (UTC).",
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
    assert "cron_descriptor" not in sentence
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
        ("0 0 */2 2 3", "every 2 days, only in February, and only on Wednesday"),
    ],
)
def test_days_of_both_kinds_are_joined_as_they_are_matched(expression: str, days: str):
    assert days in said(cron=expression)
