"""What the page on schedules shows is what the platform answers."""

import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from docs import make_pictures
from trigger_api.adapters.descriptions import describe
from trigger_api.domain.triggers.previews import MAX_OCCURRENCES, preview_request
from trigger_api.handlers.previews import Previews
from trigger_contracts.cron import Cron
from trigger_contracts.cron_parse import MAX_LENGTH
from trigger_contracts.definition import MAX_EXCLUDED, MAX_FIRES, Definition, parse_definition
from trigger_contracts.errors import Refused
from trigger_contracts.future import must_fire
from trigger_contracts.misfire import MAX_COUNT
from trigger_contracts.schedule import HORIZON, upcoming
from trigger_contracts.schedule_fields import schedule_of

PAGE = make_pictures.FOLDER.with_name("schedules.md").read_text(encoding="utf-8")
NOW = datetime(2026, 12, 1, tzinfo=UTC)

_PICTURE = re.compile(r"!\[([^\]]*)\]\(pictures/([\w.-]+)\)")
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_REQUEST = re.compile(r'curl -sS "\$URL([^"]+)".*? -d \'(.*?)\'', re.DOTALL)
_ROW = re.compile(r"^\| `([^` ]+ [^`]+)` \| [^|]+ \| ([\d, -]+) \|$", re.MULTILINE)

BLOCKS: list[tuple[str, str]] = _BLOCK.findall(PAGE)
REQUESTS = [
    (address, json.loads(body))
    for language, text in BLOCKS
    if language == "sh"
    for address, body in _REQUEST.findall(text)
]
ANSWERS = [
    (_REQUEST.findall(asked)[0], json.loads(answer))
    for (_, asked), (language, answer) in pairwise(BLOCKS)
    if language == "json"
]
FIRST_DAYS: list[tuple[str, str]] = _ROW.findall(PAGE)


class Standing:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


def answer(fields: dict[str, Any]) -> dict[str, Any]:
    """What ``POST /schedules/preview`` answers, and 422 for what it refuses."""
    previews = Previews(views=None, clock=Standing(), describe=describe)  # type: ignore[arg-type]
    try:
        shown = previews.preview(preview_request(fields))
    except Refused as refusal:
        return refusal.problem.model_dump(mode="json")
    return json.loads(shown.model_dump_json())


def test_each_picture_is_on_the_page_and_described():
    found = {name: alternative for alternative, name in _PICTURE.findall(PAGE)}
    assert set(found) == set(make_pictures.pictures())
    assert all(len(alternative) > 100 for alternative in found.values())


@pytest.mark.parametrize(("request_", "shown"), ANSWERS)
def test_answers_are_those_of_the_platform(request_: tuple[str, str], shown: dict[str, Any]):
    address, body = request_
    assert address == "/schedules/preview"
    # An answer's own id is another one each time.
    assert {**shown, "request_id": None} == {"request_id": None, **answer(json.loads(body))}


@pytest.mark.parametrize("body", [body for address, body in REQUESTS if address == "/triggers/"])
def test_definitions_can_be_created(body: dict[str, Any]):
    definition = parse_definition(body)
    schedule = schedule_of(definition, NOW, "trigger")
    assert schedule is not None
    must_fire(definition, schedule, NOW)


@pytest.mark.parametrize(("expression", "days"), FIRST_DAYS)
def test_first_days_are_those_on_which_it_fires(expression: str, days: str):
    shown = days.split(", ")
    start = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    found = [at.date().isoformat() for at in upcoming(Cron.parse(expression), start, len(shown))]
    assert [day.removeprefix("2027-") for day in found] == shown


def test_the_page_names_every_field_of_a_schedule():
    others = {"name", "type", "payload", "payload_schema", "description", "labels", "targets"}
    fields = Definition.model_fields.keys() - others
    assert [
        field for field in fields if f"`{field}`" not in PAGE and f'"{field}"' not in PAGE
    ] == []


def test_the_page_knows_the_limits_of_numbers():
    limits = (HORIZON.days, MAX_FIRES, MAX_EXCLUDED, MAX_COUNT, MAX_OCCURRENCES, MAX_LENGTH)
    table = PAGE.partition("## Numbers")[2]
    assert [limit for limit in limits if f" {limit:,} " not in table] == []


def test_the_page_was_taken_apart():
    assert (len(REQUESTS), len(ANSWERS), len(FIRST_DAYS)) == (5, 2, 10)
