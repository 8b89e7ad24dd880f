"""The pure parts of the schedules bench: workloads, judgement, table and plot."""

import itertools
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench.schedules import comparison, fires, outcome, plot, table
from bench.schedules.fires import Fire, Notes
from bench.schedules.workload import Plan, Workload
from bench.sizes import FULL
from bench.support.usage import Cost

BEGIN = 1_800_000_000_000


def make_load(**changed: Any) -> dict[str, Any]:
    load = {
        "p50": 1.0,
        "p99": 2.0,
        "max": 3.0,
        "expected": 10,
        "done": 10,
        "twice": 0,
        "early": 0,
        "strange": 0,
        "cpu_s_per_1000": 0.5,
    }
    return {**load, **changed}


def make_candidate(name: str, load: dict[str, Any], **changed: Any) -> dict[str, Any]:
    candidate = {
        "name": name,
        "ours": False,
        "store": "postgres",
        "settings": "as they come",
        "recurs": "itself",
        "workloads": {"spread": load},
        "create": {"count": 10_000, "singly": 2.5},
        "survived": {"of": 100, "fired": 100, "twice": 0},
    }
    return {**candidate, **changed}


def make_comparison(*peers: dict[str, Any], ours: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "title": "side by side",
        "did": "The same.",
        "candidates": [make_candidate("Ours", ours or make_load(), ours=True), *peers],
        "workloads": {"spread": "10 over 1 s"},
        "left_out": {},
        "versions": {"peer": "1.0"},
        "at": "2026-01-01T00:00:00+00:00",
        "command": "python -m bench",
        "machine": {
            "cores": 2,
            "memory_gib": 8,
            "system": "Linux",
            "fsync_ms": 0.2,
            "load_before": 0.1,
            "python": "3.11",
            "packages": {"nats-py": "2"},
        },
    }


def test_the_full_workloads_are_those_of_the_targets() -> None:
    spread, same, recurring = comparison.workloads(FULL)
    assert (spread.count, max(spread.offsets_ms) < 10_000) == (1_000, True)
    assert (same.count, set(same.offsets_ms)) == (5_000, {0})
    assert (recurring.count, recurring.every_ms, recurring.rounds) == (10_000, 10_000, 3)
    assert sorted(recurring.offsets_ms) == list(range(10_000))


def test_occurrences_of_recurring_triggers_are_every_round_of_each() -> None:
    workload = Workload("r", "", (0, 5), every_ms=10, rounds=2)
    assert workload.occurrences(100) == {(0, 100), (0, 110), (1, 105), (1, 115)}
    assert (workload.fires, workload.window_ms) == (4, 20)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = Plan("redis://127.0.0.1:1/0", "fires", 10_000, (1, 2), bulk=True)
    plan.write(tmp_path / "plan")
    assert Plan.read(tmp_path / "plan") == plan


def test_noted_fires_are_read_back(tmp_path: Path) -> None:
    notes = Notes(str(tmp_path / "fires"))
    notes.note(7, BEGIN)
    notes.note(12_345, BEGIN + 1)
    assert fires.noted(tmp_path / "fires") == 2
    assert [(one.number, one.nominal_ms) for one in fires.read(tmp_path / "fires")] == [
        (7, BEGIN),
        (12_345, BEGIN + 1),
    ]


def test_nothing_noted_is_no_fire(tmp_path: Path) -> None:
    assert fires.noted(tmp_path / "none") == 0
    assert fires.read(tmp_path / "none") == []


def fire(number: int, nominal_ms: int, late_ms: float) -> Fire:
    return Fire(number, nominal_ms, round((nominal_ms + late_ms) * 1000))


def test_lateness_is_that_of_the_first_fire_of_each_occurrence() -> None:
    noted = [fire(0, BEGIN, 9), fire(0, BEGIN, 2), fire(1, BEGIN, 3)]
    judged = outcome.judge(noted, {(0, BEGIN), (1, BEGIN)}, None)
    assert sorted(judged.late_ms) == [2, 3]
    assert (judged.done, judged.twice, judged.early, judged.strange) == (2, 1, 0, 0)


def test_fires_that_are_early_or_were_never_asked_for_are_counted() -> None:
    noted = [fire(0, BEGIN, -5), fire(1, BEGIN, -0.5), fire(2, BEGIN, 1)]
    judged = outcome.judge(noted, {(0, BEGIN), (1, BEGIN)}, None)
    assert (judged.done, judged.early, judged.strange) == (2, 1, 1)


def test_occurrences_past_the_window_do_not_count() -> None:
    noted = [fire(0, BEGIN, 1), fire(0, BEGIN + 10, 1)]
    judged = outcome.judge(noted, {(0, BEGIN)}, BEGIN + 10)
    assert (judged.done, judged.twice, judged.strange) == (1, 0, 0)


def test_cost_is_per_thousand_fires_of_the_metered_window() -> None:
    judged = outcome.judge([fire(0, BEGIN, 1)], {(0, BEGIN)}, None)
    found = outcome.as_json(judged, {"worker": Cost(0.2, 10), "postgres": Cost(0.1, 5)}, 500)
    assert found["cpu_s_per_1000"] == pytest.approx(0.6)
    assert found["memory_mib"] == 15


def test_a_workload_without_a_fire_has_no_lateness_and_no_cost() -> None:
    judged = outcome.judge([], {(0, BEGIN)}, None)
    found = outcome.as_json(judged, {"worker": Cost(0.2, 10)}, 0)
    assert (found["p50"], found["cpu_s_per_1000"], found["done"]) == (None, None, 0)


def test_the_table_names_who_is_ahead_of_us() -> None:
    peer = make_candidate("Swift", make_load(p50=0.5))
    text = table.section("schedules", make_comparison(peer))
    assert "| 10 over 1 s | Swift (0.50 < 1.00) | nobody | nobody |" in text


def test_who_forgets_or_falls_behind_is_not_ahead() -> None:
    forgets = make_candidate("Forgetful", make_load(p50=0.5), survived=None)
    lags = make_candidate("Slow", make_load(p50=0.5, done=9))
    text = table.section("schedules", make_comparison(forgets, lags))
    assert "| 10 over 1 s | nobody | nobody | nobody |" in text
    assert "no: memory" in text
    assert "*falls behind*: 9 of 10" in text


def test_the_table_says_what_failed_and_who_was_left_out() -> None:
    found = make_comparison(make_candidate("Broken", {"failed": "first line\nit died"}))
    found["left_out"] = {"Absent": "no node"}
    text = table.section("schedules", found)
    assert "Failed: **Broken** at spread: it died" in text
    assert "Left out: **Absent** (no node)." in text


def test_fires_that_came_twice_stand_in_the_table() -> None:
    text = table.section("schedules", make_comparison(make_candidate("X", make_load(twice=3))))
    assert "**3 twice**" in text


def test_the_plot_is_well_formed_and_names_every_candidate() -> None:
    found = make_comparison(
        make_candidate("A <b>", make_load(done=5)),
        make_candidate("Broken", {"failed": "it died"}),
        make_candidate("Silent", make_load(p50=None, p99=None, max=None, done=0)),
    )
    root = ET.fromstring(plot.svg(found))
    said = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Ours", "A <b>", "Broken", "Silent", "50% done", "failed", "none fired"} <= said


def test_the_axis_of_lateness_is_logarithmic_and_bounded() -> None:
    low, high = plot.LATE_MS
    assert (plot.late_x(low), plot.late_x(high)) == (0, plot.PANEL_W)
    assert plot.late_x(0) == plot.late_x(-3) == 0
    decades = [plot.late_x(10**n) for n in range(4)]
    steps = [after - before for before, after in itertools.pairwise(decades)]
    assert steps == pytest.approx([plot.PANEL_W / 6] * 3, abs=0.2)
