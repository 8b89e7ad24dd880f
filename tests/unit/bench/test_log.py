"""The pure parts of the log's bench: payloads, hours, arrivals, questions, plans and the report."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from bench.log import loading, payloads, plans
from bench.log import report as log_report
from bench.log.closing import Closed
from bench.log.expiring import Expired, Step
from bench.log.export_load import Exported
from bench.log.payloads import Notes
from bench.log.query_load import Latencies
from bench.log.questions import Question, questions
from bench.log.sql_capture import literal
from bench.log.write_load import entry, message
from bench.support import report
from bench.support.figures import Spread
from bench.support.http_load import Reads
from bench.support.usage import Cost
from trigger_api.domain.log.exports import Format
from trigger_api.domain.log.stats import StatsQuery
from trigger_api.domain.log.words import words_of
from trigger_api.domain.queries import EventQuery
from trigger_contracts.ids import instant_of
from trigger_retention.domain.hours import HOUR
from trigger_retention.domain.rows import LogRow, read

NOW = datetime(2026, 11, 24, 19, 20, 7, 250, tzinfo=UTC)


@pytest.fixture(scope="module")
def notes() -> Notes:
    return payloads.notes()


def test_notes_are_the_same_in_every_run(notes: Notes) -> None:
    again = payloads.notes()
    assert (again.firsts, again.seconds) == (notes.firsts, notes.seconds)
    assert len(notes.firsts) == len(notes.seconds) == payloads.HALVES


def test_payloads_have_about_300_bytes_of_json(notes: Notes) -> None:
    sizes = [
        len(json.dumps(payloads.payload(notes, number), separators=(",", ":")))
        for number in range(500)
    ]
    assert 260 < sum(sizes) / len(sizes) < 320


def test_a_word_is_in_as_many_notes_as_its_share_says(notes: Notes) -> None:
    (word,) = notes.words_in(0.2, 1)
    made = [str(payloads.payload(notes, number)["note"]).split() for number in range(2000)]
    assert sum(word in said for said in made) / len(made) == pytest.approx(0.2, abs=0.04)


def test_words_of_a_share_are_the_nearest_ones() -> None:
    few = Notes(["a b", "a c"], ["a", "d"])
    assert few.shares == {"a": 1.0, "b": 0.5, "c": 0.5, "d": 0.5}
    assert few.words_in(0.6, 3) == ["b", "c", "d"]


def test_rows_are_spread_over_48_hours_up_to_now() -> None:
    hours = loading.hours_until(NOW, 5_000_000)
    assert [hour.start for hour in hours] == [
        NOW.replace(minute=0, second=0, microsecond=0) - number * HOUR
        for number in reversed(range(48))
    ]
    assert sum(hour.rows for hour in hours) == 5_000_000
    assert hours[0].first == 1
    assert all(before.last + 1 == hour.first for before, hour in itertools.pairwise(hours))


def test_no_row_is_beyond_its_hour_or_in_the_future() -> None:
    for hour in loading.hours_until(NOW, 5_000_000):
        last = hour.start + (hour.rows - 1) * hour.step
        assert last < min(hour.start + HOUR, NOW)


def test_of_what_arrives_most_fired_and_all_can_be_read(notes: Notes) -> None:
    arrived = [entry(number, NOW, notes) for number in range(1000)]
    statuses = [one.status.value for one in arrived]
    counts = {status: statuses.count(status) for status in set(statuses)}
    assert counts == {"fired": 980, "missed": 10, "rejected": 10}
    assert len({one.event_id for one in arrived}) == 1000
    for one in arrived:
        sent = message(one)
        row = read(sent.payload, 1)
        assert isinstance(row, LogRow)
        assert sent.subject == f"trigger.{row.status}.{row.trigger_id}"
        assert NOW - timedelta(minutes=1) < instant_of(UUID(row.event_id)) <= NOW


def all_questions(notes: Notes) -> list[Question]:
    return questions(
        notes,
        order_ids=["ord-0123456789ab"],
        event_ids=["01a204d8-1600-7335-a3b5-08e9eface69f"],
        page=1000,
        deep="/events/?limit=50&cursor=abc",
        since=NOW - timedelta(hours=7),
    )


def test_the_gateway_understands_every_question(notes: Notes) -> None:
    for question in all_questions(notes):
        for path in question.paths:
            parts = urlsplit(path)
            asked = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
            if parts.path == "/events/":
                EventQuery.model_validate_strings(asked).checked()
            else:
                StatsQuery.model_validate_strings(asked).checked()


def test_words_are_asked_for_as_the_gateway_takes_them_apart(notes: Notes) -> None:
    by_word = {
        question.name: [dict(parse_qsl(urlsplit(path).query))["q"] for path in question.paths]
        for question in all_questions(notes)
        if question.name.startswith("by a word") or "two words" in question.name
    }
    assert by_word["by a word of one row"] == ["0123456789ab"]
    two = by_word["by two words, of 5 % and 1 %"]
    assert {len(words_of(said)) for said in two} == {2}
    assert len(set(two)) == len(two)


def test_questions_have_a_name_of_their_own(notes: Notes) -> None:
    names = [question.name for question in all_questions(notes)]
    assert len(set(names)) == len(names)


def test_reads_ask_for_each_path() -> None:
    reads = Reads("127.0.0.1", 80, ["/a", "/b?c=1"], (("X-API-KEY", "k"),), 1, 1.0)
    assert reads.requests() == [
        b"GET /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-API-KEY: k\r\n\r\n",
        b"GET /b?c=1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-API-KEY: k\r\n\r\n",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (51, "51"),
        ("it's", "'it''s'"),
        (NOW, "'2026-11-24T19:20:07.000250+00:00'"),
        (timedelta(hours=1), "'3600000000 microseconds'"),
        (UUID(int=1), "'00000000-0000-0000-0000-000000000001'"),
        (["a", "b"], "ARRAY['a', 'b']"),
    ],
)
def test_parameters_are_written_as_literals(value: object, text: str) -> None:
    assert literal(value) == text


def make_scan(hour: int, **changed: Any) -> dict[str, Any]:
    return {
        "Node Type": "Index Scan",
        "Index Name": f"event_20261124{hour:02}_logged_at_event_id_idx",
        "Relation Name": f"event_20261124{hour:02}",
        "Actual Rows": 1,
        "Actual Loops": 1,
        "Shared Hit Blocks": 3,
        "Shared Read Blocks": 1,
        **changed,
    }


def make_plan(*scans: dict[str, Any]) -> dict[str, Any]:
    append = {"Node Type": "Append", "Actual Rows": 2, "Actual Loops": 1, "Plans": list(scans)}
    return {"Plan": append, "Execution Time": 1.5, "Planning Time": 0.25}


def test_a_plan_in_short_counts_partitions_that_are_read_alike() -> None:
    never = {"Actual Loops": 0, "Actual Rows": 0}
    top = make_plan(make_scan(1), make_scan(2), make_scan(3, **never))
    assert plans.in_short(top).splitlines() == [
        "1.50 ms, planned in 0.25 ms",
        "Append: 2 rows, 0 blocks",
        "  2 of: Index Scan using event_*_logged_at_event_id_idx on event_*: 2 rows, 8 blocks",
        "  Index Scan using event_*_logged_at_event_id_idx on event_* (never executed)",
    ]


def test_a_closed_partition_that_is_read_from_end_to_end_is_named() -> None:
    whole = {"Node Type": "Seq Scan"}
    top = make_plan(
        make_scan(1, **whole),
        make_scan(2, **whole, **{"Actual Loops": 0}),
        make_scan(3, **whole),
        make_scan(4),
    )
    closed = [f"event_20261124{hour:02}" for hour in (1, 2, 4)]
    assert plans.read_whole(top, closed) == ["event_2026112401"]


def test_a_plan_is_shortened_where_partitions_repeat() -> None:
    scans = "\n".join(
        f"        ->  Index Scan on event_20261124{hour:02} event_{hour} (rows={hour}.00)\n"
        f"              Index Cond: (logged_at > $1)"
        + ("\n              Rows Removed by Filter: 7" if hour % 2 else "")
        for hour in range(5)
    )
    text = f"Limit (rows=1)\n  ->  Append\n{scans}\nPlanning Time: 0.1 ms"
    assert plans.shortened(text).splitlines() == [
        "Limit (rows=1)",
        "  ->  Append",
        "        ->  Index Scan on event_2026112400 event_0 (rows=0.00)",
        "              Index Cond: (logged_at > $1)",
        "        ->  Index Scan on event_2026112401 event_1 (rows=1.00)",
        "              Index Cond: (logged_at > $1)",
        "              Rows Removed by Filter: 7",
        "        …   3 more like these",
        "Planning Time: 0.1 ms",
    ]


def test_a_plan_without_repetitions_stays_as_it_is() -> None:
    text = "Limit\n  ->  Sort\n        ->  Seq Scan on a\nPlanning Time: 0.1 ms"
    assert plans.shortened(text) == text


def make_latencies(p99: float, refused: int = 0) -> Latencies:
    return Latencies(Spread(1, p99, p99), Spread(2, 2 * p99, 2 * p99), refused, 100)


def make_found(**changed: Any) -> log_report.Found:
    latest = Question("latest 50", ["/events/"], 10, is_kept=True)
    stats = Question("stats", ["/events/stats"], 100)
    step = Step(0.02, 1000, 5)
    fields: dict[str, Any] = {
        "rows": 100,
        "per_second": 10,
        "loaded_s": 1,
        "closed_s": 1,
        "closed": Closed(10, 0.5, 1000, 2000, 1000, 500, 400, 7),
        "asked": [
            log_report.ComparedQuery(latest, make_latencies(3), Spread(0.5, 1, 1)),
            log_report.ComparedQuery(stats, make_latencies(90), Spread(50, 80, 80)),
        ],
        "other_caches": {"without a cache": [log_report.QueryResult(latest, make_latencies(12))]},
        "taken": {Format.CSV: (Exported(100, 2, 1, 0.5, 0.1), 1)},
        "expired": Expired(10, step, step, step),
        "arrived": log_report.Arrived(100, 10, 0.1, 1),
        "caught_up": 100,
        "caught_up_s": 2,
        "open_rows": (10, 20),
        "plans": [log_report.Plan("latest 50", "in short", "in full")],
        "costs": {"api": Cost(1, 50)},
    }
    return log_report.Found(**{**fields, **changed})


def markdown(told: Any) -> str:
    about = {
        "cores": 2,
        "memory_gib": 8,
        "system": "Linux",
        "fsync_ms": 0.2,
        "load_before": 0.1,
        "python": "3.11",
        "packages": {},
    }
    one = {**report.as_json(told), "at": "now", "command": "bench", "machine": about}
    return report.markdown({"scenarios": {"log": json.loads(json.dumps(one))}})


def test_targets_are_held_against_the_gateway_without_a_cache() -> None:
    lines = markdown(log_report.told(make_found())).splitlines()
    (latest,) = [line for line in lines if line.startswith("| latest 50 ")]
    (stats,) = [line for line in lines if line.startswith("| stats ")]
    assert latest.endswith("| 2.00 | < 10, **missed** |")
    assert stats.endswith("|  |  | 0.02 | < 100 |")


def test_every_line_of_the_table_has_all_columns() -> None:
    lines = markdown(log_report.told(make_found())).splitlines()
    (head,) = [line for line in lines if line.startswith("| question ")]
    rows = lines[lines.index(head) : lines.index(head) + 4]
    two = {"without a cache": [], "with Valkey": []}
    wide = markdown(log_report.told(make_found(other_caches=two))).splitlines()
    assert len({row.count("|") for row in rows}) == 1
    assert wide[lines.index(head)].count("|") == head.count("|") + 2


def test_a_read_that_was_refused_is_told() -> None:
    latest = Question("latest 50", ["/events/"])
    slow = [log_report.ComparedQuery(latest, make_latencies(3, refused=4), Spread(0.5, 1, 1))]
    text = markdown(log_report.told(make_found(asked=slow)))
    assert "**Too slow**: latest 50: 4 of 100 answers were 503." in text


def test_plans_are_kept_in_a_file_of_their_own() -> None:
    told = log_report.told(make_found())
    assert told.files == {"log-plans.txt": "-- latest 50\nin full\n"}
    assert "in short" in markdown(told)
