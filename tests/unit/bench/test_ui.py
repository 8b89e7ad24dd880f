"""The pure parts of the UI's bench: expressions one key apart, sizes, frames, and the report."""

from typing import Any

import pytest

from bench.log.report import Arrived
from bench.sizes import FULL, QUICK
from bench.support import report
from bench.support.figures import Result, quantile
from bench.ui import told
from bench.ui.centiles import Centiles, frames_of
from bench.ui.expressions import FIRST, strokes
from bench.ui.following import Watched
from bench.ui.frames import Scrolled
from bench.ui.keystrokes import Waited
from bench.ui.memory import Held
from bench.ui.overview import Overview
from trigger_contracts.cron_parse import parse_expression

WAITS = [Waited(shown=200.0 + number, server=5.0, request=9.0) for number in range(10)]
FRAMES = frames_of([16.0] * 99 + [80.0])
OVERVIEW = Overview(Centiles(4, 8, 9), 2.0, {"api": 1.0, "postgres": 1.5})


def test_each_key_makes_an_expression_that_is_valid_and_new() -> None:
    found = strokes(500)
    before = FIRST
    for stroke in found:
        typed = before[: stroke.at] + stroke.digit + before[stroke.at + 1 :]
        assert typed == stroke.makes != before
        parse_expression(typed)
        before = typed
    assert len({stroke.makes for stroke in found} | {FIRST}) == 501


def test_sizes_are_changed_by_name() -> None:
    changed = QUICK.with_changes(["followed_s=0.5", "listed=3,4", "rounds=7"])
    assert (changed.followed_s, changed.listed, changed.rounds) == (0.5, (3, 4), 7)
    assert changed.logged == QUICK.logged
    assert FULL.with_changes([]) == FULL


@pytest.mark.parametrize("said", ["nothing=1", "rounds", "rounds=many", "=3"])
def test_a_size_that_cannot_be_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"size|invalid"):
        QUICK.with_changes([said])


def test_frames_are_told_by_rate_and_by_the_worst_of_them() -> None:
    assert FRAMES.per_second == pytest.approx(100 / (99 * 16 + 80) * 1000)
    assert (FRAMES.p95, FRAMES.longest, FRAMES.long, FRAMES.count) == (16, 80, 1, 100)
    assert quantile([3, 1, 2], 0.5) == 2


def shown(result: Result) -> str:
    about = {
        "machine": report.machine(),
        "at": "2026-11-24T19:20:07",
        "command": "python -m bench",
    }
    return report.markdown({"scenarios": {"ui": {**report.as_json(result), **about}}})


def test_a_pause_in_typing_is_told_apart() -> None:
    page = shown(told.typed(WAITS, {}))
    assert "| key to preview shown, p95 | **209** ms |  |  | ≤ 300 |" in page
    assert "| without the pause of 150 ms, p95 | **59.0** ms | 5.00 ms (the server" in page


def test_a_filter_that_misses_its_budget_says_so() -> None:
    page = shown(told.filtered(100, 1, {"words": WAITS, "trigger": WAITS}, OVERVIEW, {}))
    assert "| words | 204 / 209 | 5.00 / 5.00 | 9.00 / 9.00 | 45.0 |  |" in page
    assert "| trigger | 204 / 209 | 5.00 / 5.00 | 9.00 / 9.00 | 195 | > 200, **missed** |" in page
    assert "| GET /overview at 100 rows, p50 | **4.00** ms | 2.00 ms" in page
    assert "asked each 5 s by one page | **0.05** % of a core" in page


def test_many_triggers_stand_beside_few_and_beside_an_empty_page() -> None:
    run = Scrolled(FRAMES, events=90, seconds=2, cpu_s=0.5)
    page = shown(told.scrolled([(10, run, OVERVIEW), (1000, run, OVERVIEW)], run, run))
    assert "| 1,000 triggers, all loaded | 60.1 | 16.0 | 80.0 | 1 of 100 | 5.00 | 45.0 |" in page
    assert "| 1,000 triggers scroll: longest frame | **80.0** ms | 80.0 ms (10 triggers)" in page


def test_a_log_under_load_stands_beside_a_quiet_one() -> None:
    def watched(**changed: Any) -> Watched:
        fields = {"cpu": 0.25, "rate": 0.0, "age": Centiles(1, 2, 3), "rows": 30, "newest": ["a"]}
        return Watched(frames=FRAMES, **{**fields, **changed})

    names = ("quiet", "they arrive", "they arrive, at the end")
    memory = [
        (name, Held(heap, 1000, 10))
        for name, heap in (("quiet, before", 5), ("after 60 s", 8), ("quiet, after", 6))
    ]
    looks = {name: watched(rate=0.0 if name == "quiet" else 990.0) for name in names}
    page = shown(told.followed(looks, memory, Arrived(1000, 1, 0.1, 0.2), {}))
    assert "| events a second, as the page says | **990** /s | 1,000 /s (published) | 0.99" in page
    assert "| JS heap when it is quiet again | **6.00** MiB | 5.00 MiB (before) | 1.20" in page


def test_a_slow_processor_stands_beside_a_quick_one() -> None:
    page = shown(told.slowed({"menu": [24, 16]}, {"menu": [96, 64]}, {"log": [0.0, 0, 0, 0.1]}))
    assert "| the slowest interaction at 4x, p95 | **96.0** ms | 24.0 ms (at 1x)" in page
    assert "| the largest layout shift | **0.10**" in page
