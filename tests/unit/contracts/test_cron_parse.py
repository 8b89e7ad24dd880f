"""Cron expressions as people write them, right and wrong."""

import pytest

from trigger_contracts.cron_parse import (
    MAX_LENGTH,
    CronError,
    CronNeverFires,
    Expression,
    parse_expression,
)


def numbers(bits: int) -> list[int]:
    return [n for n in range(bits.bit_length()) if bits >> n & 1]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("*", list(range(60))),
        ("0", [0]),
        ("05", [5]),
        ("5,1,5", [1, 5]),
        ("10-13", [10, 11, 12, 13]),
        ("7-7", [7]),
        ("*/20", [0, 20, 40]),
        ("*/60", [0]),
        ("50/4", [50, 54, 58]),
        ("10-20/5", [10, 15, 20]),
        ("10-21/5,1,58/1", [1, 10, 15, 20, 58, 59]),
    ],
)
def test_values_ranges_steps_and_lists(text: str, minutes: list[int]):
    assert numbers(parse_expression(f"{text} * * * *").minutes) == minutes
    assert numbers(parse_expression(f"{text} 0 * * * *").seconds) == minutes


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [
        ("*", [0, 1, 2, 3, 4, 5, 6]),
        ("0", [0]),
        ("7", [0]),
        ("0-7", [0, 1, 2, 3, 4, 5, 6]),
        ("5-7", [0, 5, 6]),
        ("mon-Fri", [1, 2, 3, 4, 5]),
        ("FRI-SUN", [0, 5, 6]),
        ("SUN-TUE", [0, 1, 2]),
        ("SUN", [0]),
        ("SUN-SUN", [0]),
        ("0-SUN", [0]),
        ("7-SUN", [0]),
        ("SUN-0", [0]),
        ("SUN-7", [0]),
        ("7-0", [0]),
        ("7-7", [0]),
        ("00-SUN", [0]),
        ("SUN-SUN/2", [0]),
        ("0-SUN,WED", [0, 3]),
        ("0-7/2", [0, 2, 4, 6]),
        ("00-07", [0, 1, 2, 3, 4, 5, 6]),
        ("MON-SUN", [0, 1, 2, 3, 4, 5, 6]),
        ("SUN-SAT", [0, 1, 2, 3, 4, 5, 6]),
        ("SAT-SUN", [0, 6]),
        ("SAT-7", [0, 6]),
        ("MON-FRI/2,sat", [1, 3, 5, 6]),
        ("1/2", [0, 1, 3, 5]),
        ("*/2", [0, 2, 4, 6]),
        ("?", [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_weekdays(text: str, weekdays: list[int]):
    assert numbers(parse_expression(f"0 0 * * {text}").day_rule.weekdays) == weekdays


@pytest.mark.parametrize("blank", [" ", "\n", "\r\n", "\t", "\u00a0", "\u3000"])
@pytest.mark.parametrize("text", ["30 9 * * MON", "@daily", "5 30 9 * * *"])
def test_blanks_around_an_expression_are_none_of_it(text: str, blank: str):
    for padded in (f"{text}{blank}", f"{blank}{text}", f"{blank}{text}{blank}{blank}"):
        assert parse_expression(padded) == parse_expression(text)


def test_months_have_names_and_numbers():
    rule = parse_expression("0 0 1 jan,MAR-5,Dec *").day_rule

    assert numbers(rule.months) == [1, 3, 4, 5, 12]


def test_extensions_of_the_days():
    rule = parse_expression("0 0 L,LW,3,15W,1W * FRI#2,0#5,7#1,2L,SUNL,4").day_rule

    assert rule.last_day
    assert rule.last_weekday
    assert numbers(rule.days) == [3]
    assert numbers(rule.nearest_weekdays) == [1, 15]
    assert [numbers(nth) for nth in rule.nth_weekdays] == [[0], [5], [], [], [0]]
    assert numbers(rule.last_weekdays) == [0, 2]
    assert numbers(rule.weekdays) == [4]


@pytest.mark.parametrize(
    ("days", "weekdays", "either"),
    [
        ("1", "1", True),
        ("L", "1", True),
        ("1-31", "1", True),
        ("5,*", "1", True),
        ("*", "1", False),
        ("*/2", "1", False),
        ("*,5", "1", False),
        ("1", "*/2", False),
        ("?", "1", False),
        ("1", "?", False),
    ],
)
def test_days_are_joined_by_or_where_neither_begins_with_a_star(
    days: str, weekdays: str, either: object
):
    assert parse_expression(f"0 0 {days} * {weekdays}").day_rule.either is either


@pytest.mark.parametrize(
    ("text", "fixed_time"),
    [
        ("30 2 * * *", True),
        ("0-59 0-23 * * *", True),
        ("5/20 2/3 * * *", True),
        ("*/20 2 * * *", False),
        ("0 */2 * * *", False),
        ("0,* 2 * * *", False),
        ("* 30 2 * * *", True),
        ("0 * 2 * * *", False),
        ("@daily", True),
        ("@hourly", False),
    ],
)
def test_fixed_time_is_no_star_in_minute_and_hour(text: str, fixed_time: object):
    assert parse_expression(text).fixed_time is fixed_time


@pytest.mark.parametrize(
    ("nickname", "meaning"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        (" @Annually\t", "0 0 1 1 *"),
    ],
)
def test_nicknames(nickname: str, meaning: str):
    assert parse_expression(nickname) == parse_expression(meaning)


def test_five_fields_fire_at_the_beginning_of_the_minute():
    assert parse_expression(" 1\t2  3 4 5 ") == parse_expression("0 1 2 3 4 5")


FIELDS = {
    "second": (0, "0-59"),
    "minute": (1, "0-59"),
    "hour": (2, "0-23"),
    "day-of-month": (3, "1-31"),
    "month": (4, "1-12"),
    "day-of-week": (5, "0-7"),
}
WRONG = {
    "empty": ",",
    "empty entry": "1,,2",
    "trailing comma": "1,",
    "out of range": "60",
    "huge": "9" * 300,
    "range out of range": "1-99",
    "step 0": "*/0",
    "step of nothing": "*/",
    "step too long": "*/61",
    "second step": "*/2/2",
    "reversed": "5-2",
    "open range": "5-",
    "negative": "-5",
    "garbage": "x",
    "long garbage": "x" * 300,
    "unknown name": "FOO",
    "other digits": "\u0663",
    "other letters that have ASCII capitals": "\u017fUN",
    "no ASCII space": "1\u00a02",
    "fraction": "1.5",
    "star and more": "*5",
    "L and a number": "L5",
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_an_error_names_the_field_its_place_and_what_is_allowed(field: str, wrong: str):
    index, allowed = FIELDS[field]
    fields = ["1"] * 6
    fields[index] = wrong

    with pytest.raises(CronError) as caught:
        parse_expression(" ".join(fields))

    error = caught.value
    assert error.field == field
    assert str(error).startswith(f"{field}: ")
    assert f"values {allowed}" in error.message
    assert 2 * index <= error.position <= 2 * index + len(wrong)
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("text", "field", "position", "says"),
    [
        ("*/15 24 * * *", "hour", 5, "'24' is out of range"),
        ("0 9 * * 1,2,8", "day-of-week", 12, "'8' is out of range"),
        ("0 9 * 13 *", "month", 6, "values 1-12 or JAN-DEC"),
        ("0 22-2 * * *", "hour", 2, "22-23,0-2"),
        ("0 0 * * FRI-MON", "day-of-week", 8, "FRI-7,0-MON"),
        ("0 0 * * 6-0", "day-of-week", 8, "6-7,0-0"),
        ("*/90 * * * *", "minute", 0, "step of 1 to 60"),
        ("0 0 * * MON#6", "day-of-week", 8, "no week of the month"),
        ("0 0 * * MON#0", "day-of-week", 8, "d#n with n 1-5"),
        ("0 0 * * L", "day-of-week", 8, "dL"),
        ("0 0 32W * *", "day-of-month", 4, "nW"),
        ("0 0 0 * *", "day-of-month", 4, "values 1-31"),
        ("0 0 1,? * *", "day-of-month", 6, "allowed are"),
        ("? 0 * * *", "minute", 0, "'?' is not understood"),
        ("0 0 MON * *", "day-of-month", 4, "'MON' is not understood"),
        ("0 0 * * JAN", "day-of-week", 8, "SUN-SAT"),
        ("0 0 * * FR\u0131", "day-of-week", 8, "is not understood"),
        ("0 0 * * \xdf,9", "day-of-week", 8, "is not understood"),
        ("0 0 * 1,\xdf *", "month", 8, "is not understood"),
        ("", "expression", 0, "has 0 fields"),
        ("* * * *", "expression", 7, "has 4 fields: 5 are needed"),
        ("* * * * * * 2027", "expression", 12, "6 with a leading second"),
        ("@reboot", "expression", 0, "no instant"),
        ("@every 5m", "expression", 0, "interval"),
        ("@fortnightly", "expression", 0, "@hourly, @daily"),
        ("@daily 5", "expression", 0, "stands alone"),
        ("0 0 12 * * ? 2027", "expression", 13, "`starts_at` and `ends_at`"),
        ("0 0 12 * * ? *", "expression", 13, "7 fields, the last one for years"),
        ("CRON_TZ=Europe/Berlin 0 9 * * *", "expression", 0, "`timezone`, here 'Europe/Berlin'"),
        (" tz=UTC 0 9 * * *", "expression", 1, "`timezone`"),
        ("0\u00a09 * * *", "expression", 1, "NO-BREAK SPACE (U+00A0) separates no fields"),
        ("0 9\u200b * * *", "hour", 2, "ZERO WIDTH SPACE (U+200B)"),
        ("0\u00a09 * * * *", "minute", 0, "NO-BREAK SPACE (U+00A0)"),
        ("0 9 *\u3000* *", "expression", 5, "IDEOGRAPHIC SPACE (U+3000)"),
        ("0 9 * * *\n0 10 * * *", "expression", 9, "another trigger"),
    ],
)
def test_what_errors_say(text: str, field: str, position: int, says: str):
    with pytest.raises(CronError) as caught:
        parse_expression(text)

    assert (caught.value.field, caught.value.position) == (field, position)
    assert says in caught.value.message
    assert not isinstance(caught.value, CronNeverFires)


@pytest.mark.parametrize("text", ["*" * 1000, "1," * 500, " " * 1000, "* " * 500, "@" * 1000])
def test_what_is_too_long_is_not_looked_at(text: str):
    with pytest.raises(CronError, match="longer than 600 characters"):
        parse_expression(text)


def test_every_value_written_out_is_not_too_long():
    sizes = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
    text = " ".join(",".join(str(n) for n in range(low, high + 1)) for low, high in sizes)

    assert len(text) < MAX_LENGTH
    assert parse_expression(text).hours == parse_expression("* * * * *").hours


def test_an_expression_is_a_value():
    expression = parse_expression("30 9 * * MON-FRI")

    assert isinstance(expression, Expression)
    assert hash(expression) == hash(parse_expression("30 9 * * 1-5"))
    assert expression == parse_expression("30 9 * * 1-5")
