"""How it is told: what was asked for beside what it is compared with. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from bench.log.report import Arrived
from bench.support.figures import Cell, Figure, Result, Table
from bench.support.usage import Cost

from .centiles import LONG_MS, Centiles, Frames, centiles
from .following import Watched
from .frames import NOTCH, Scrolled
from .interactions import LEAST_MS
from .keystrokes import PAUSE_MS, Waited
from .memory import Held
from .overview import EVERY_S, Overview

PREVIEW_MS, ROWS_MS, INP_MS = 300, 200, 200
"""The budgets."""
SERVER_NOTE = (
    "*Server*: from the request sent to the first byte of its answer, by the browser's own "
    "Resource Timing; *request*: all of it. Browser, bench and servers share the same cores."
)
PAINTED_NOTE = "Waits end with the frame that was painted, not with the answer."

Costs = Mapping[str, Cost]


def typed(waits: Sequence[Waited], costs: Costs) -> Result:
    shown = centiles([one.shown for one in waits])
    rest = centiles([one.shown - PAUSE_MS for one in waits])
    server = centiles([one.server for one in waits])
    request = centiles([one.request for one in waits])
    return Result(
        title="the UI: keystroke to preview",
        did=f"{len(waits)} keys typed into a cron expression of the create form, each when the "
        "last one's preview was there, and each of an expression that was not asked for before",
        figures=[
            *_both("key to preview shown", shown, PREVIEW_MS),
            *_both(f"without the pause of {PAUSE_MS} ms", rest, None, server, "the server alone"),
            *_both("the request", request, None, server, "the server alone"),
        ],
        costs=costs,
        notes=[SERVER_NOTE, PAINTED_NOTE],
    )


def filtered(
    rows: int,
    filled_s: float,
    waits: Mapping[str, Sequence[Waited]],
    overview: Overview,
    costs: Costs,
) -> Result:
    rounds = max(map(len, waits.values()))
    return Result(
        title="the UI: filters of a large log",
        did=f"{rows:,} rows over 48 hours; each kind of filter chosen {rounds} times as a person "
        "does, on a log that was loaded anew and unfiltered; ms, p50 / p95",
        tables=[
            Table(
                ["filter", "input to rows drawn", "server", "request", "drawing alone, p50", ""],
                [_filter_row(name, found) for name, found in waits.items()],
            )
        ],
        figures=list(_overview(f"at {rows:,} rows", overview)),
        costs=costs,
        notes=[
            SERVER_NOTE,
            PAINTED_NOTE,
            (
                f"Of words, the input is the last key: a pause of {PAUSE_MS} ms is in it. The "
                f"budget is ≤ {ROWS_MS} ms, p95, without that pause."
            ),
            f"Filling took {filled_s:.0f} s. Nothing arrives meanwhile.",
        ],
    )


def _filter_row(name: str, waits: Sequence[Waited]) -> list[Cell]:
    shown, server, request = (
        centiles([getattr(one, field) for one in waits]) for field in ("shown", "server", "request")
    )
    pause = PAUSE_MS if name.startswith("words") else 0
    drawing = centiles([one.shown - one.request - pause for one in waits])
    judged = "" if shown.p95 - pause <= ROWS_MS else f"> {ROWS_MS}, **missed**"
    pairs = [[each.p50, each.p95] for each in (shown, server, request)]
    return [name, *pairs, drawing.p50, judged]


def _overview(where: str, found: Overview) -> Iterator[Figure]:
    said = f"GET /overview {where}"
    yield Figure(
        f"{said}, p50", "ms", found.answered.p50, found.statements_p50, "its statements alone"
    )
    yield Figure(f"{said}, p95", "ms", found.answered.p95)
    for name, cpu_ms in found.cpu_ms.items():
        yield Figure(f"{said}, CPU of {name}", "ms", cpu_ms)
    yield Figure(
        f"{said}, asked each {EVERY_S} s by one page", "% of a core", found.percent_of_a_core
    )


def scrolled(
    stages: Sequence[tuple[int, Scrolled, Overview]], whole: Scrolled, empty: Scrolled
) -> Result:
    (few, there, _), (many, much, _) = stages
    beside = f"{few:,} triggers"
    runs = {
        f"{many:,} triggers, all loaded": much,
        f"{many:,} triggers, from first to last while pages come": whole,
        beside: there,
        "an empty page of that height": empty,
    }
    return Result(
        title="the UI: frames while triggers scroll",
        did=f"a wheel turned {NOTCH} pixels a frame over the list of {many:,} triggers and of "
        f"{few:,}; rows of two lines, with what fires next ticking in each",
        tables=[
            Table(
                ["", *_FRAME_HEADS, "main thread, CPU ms a frame", "wheel events/s"],
                [
                    [name, *_frame_cells(one.frames), _cpu_ms(one), one.events / one.seconds]
                    for name, one in runs.items()
                ],
            )
        ],
        figures=[
            *_frames(f"{many:,} triggers scroll", much.frames, there.frames, beside),
            *_frames(f"{many:,} triggers scroll", much.frames, empty.frames, "an empty page"),
            Figure(
                f"{many:,} triggers scroll: main thread's CPU a frame",
                "ms",
                _cpu_ms(much),
                _cpu_ms(there),
                beside,
            ),
            *(
                figure
                for count, _, overview in stages
                for figure in _overview(f"at {count:,} triggers", overview)
            ),
        ],
        costs={},
        notes=[
            (
                "Chromium has no GPU here: the processor draws, too. The empty page says what that "
                "and the bench itself leave."
            ),
        ],
    )


def followed(
    watched: Mapping[str, Watched],
    memory: Sequence[tuple[str, Held]],
    arrived: Arrived,
    costs: Costs,
) -> Result:
    rate = arrived.events / arrived.seconds
    quiet, last = watched["quiet"], watched["they arrive, at the end"]
    at = dict(memory)
    before, after = at["quiet, before"], at["quiet, after"]
    mid = [held for name, held in memory if name.startswith("after ")]
    return Result(
        title="the UI: the log while events arrive",
        did=f"{arrived.events:,} events arrived in {arrived.seconds:.0f} s ({rate:,.0f}/s) in the "
        "log's page, which followed them all the time",
        tables=[
            Table(
                [
                    "",
                    *_FRAME_HEADS,
                    "main thread, % of a core",
                    "rate shown, /s",
                    "age of the newest row shown, s, p50 / max",
                    "rows in the DOM",
                ],
                [
                    [
                        name,
                        *_frame_cells(one.frames),
                        one.cpu * 100,
                        one.rate,
                        [one.age.p50, one.age.max],
                        one.rows,
                    ]
                    for name, one in watched.items()
                ],
            ),
            Table(
                ["memory, after a garbage collection", "JS heap, MiB", "DOM nodes", "listeners"],
                [[name, one.heap_mib, one.nodes, one.listeners] for name, one in memory],
            ),
        ],
        figures=[
            *_frames("events arrive", last.frames, quiet.frames, "a quiet log"),
            Figure("events a second, as the page says", "/s", last.rate, rate, "published"),
            Figure(
                "JS heap at the end", "MiB", mid[-1].heap_mib, mid[0].heap_mib, "the first look"
            ),
            Figure("DOM nodes at the end", "", mid[-1].nodes, mid[0].nodes, "the first look"),
            Figure(
                "JS heap when it is quiet again", "MiB", after.heap_mib, before.heap_mib, "before"
            ),
        ],
        costs=costs,
        notes=[
            (
                f"Each of the {arrived.events:,} events was a row exactly once, "
                f"{arrived.behind_s:.1f} s after the last. Their writer used "
                f"{arrived.writer_cpu_s:.0f} CPU s of the same cores."
            ),
            (
                "While a row is pointed at, what comes waits: the first row stayed the same all "
                "the time. The row's age then grows by design."
            ),
        ],
    )


def slowed(
    plain: Mapping[str, Sequence[float]],
    slow: Mapping[str, Sequence[float]],
    shifts: Mapping[str, Sequence[float]],
) -> Result:
    def cells(found: Sequence[float]) -> list[Cell]:
        of = centiles(found)
        return [found[0], [of.p50, of.p95, of.max]]

    return Result(
        title="the UI: interactions on a slow processor, and layout shifts",
        did="each interaction, from the input to the next frame as INP has it, with the processor "
        "as it is and slowed down four times; each screen loaded at 1280 and 390 pixels with both",
        tables=[
            Table(
                [
                    "interaction, ms",
                    "4x: the first",
                    "4x: p50 / p95 / max",
                    "1x: the first",
                    "1x: p50 / p95 / max",
                    "4x ÷ 1x, p50",
                ],
                [
                    [
                        name,
                        *cells(found),
                        *cells(plain[name]),
                        centiles(found).p50 / centiles(plain[name]).p50,
                    ]
                    for name, found in slow.items()
                ],
            ),
            Table(
                ["layout shifts during load", "1280 px", "1280 px, 4x", "390 px", "390 px, 4x"],
                [[name, *found] for name, found in shifts.items()],
            ),
        ],
        figures=[
            Figure(
                "the slowest interaction at 4x, p95",
                "ms",
                max(centiles(found).p95 for found in slow.values()),
                max(centiles(found).p95 for found in plain.values()),
                "at 1x",
                f"≤ {INP_MS}",
            ),
            Figure(
                "the largest layout shift",
                "",
                max(max(found) for found in shifts.values()),
                target="0",
            ),
        ],
        costs={},
        notes=[
            (
                f"Chromium's Event Timing counts in steps of 8 ms and tells of nothing below "
                f"{LEAST_MS} ms, which then stands for it."
            ),
            "The sum of all shifts of a load is at least its CLS, which takes the worst window.",
        ],
    )


def _cpu_ms(run: Scrolled) -> float:
    return run.cpu_s * 1000 / run.frames.count


_FRAME_HEADS = ("frames/s", "frame p95, ms", "longest, ms", f"over {LONG_MS} ms")


def _frame_cells(found: Frames) -> list[Cell]:
    return [found.per_second, found.p95, found.longest, f"{found.long} of {found.count:,}"]


def _frames(what: str, ours: Frames, other: Frames, other_is: str) -> Iterator[Figure]:
    yield Figure(f"{what}: frames a second", "/s", ours.per_second, other.per_second, other_is)
    yield Figure(f"{what}: frame, p95", "ms", ours.p95, other.p95, other_is)
    yield Figure(
        f"{what}: longest frame", "ms", ours.longest, other.longest, other_is, f"≤ {LONG_MS}"
    )


def _both(
    what: str,
    ours: Centiles,
    most_ms: int | None = None,
    other: Centiles | None = None,
    other_is: str = "",
) -> Iterator[Figure]:
    for name in ("p50", "p95", "max"):
        yield Figure(
            f"{what}, {name}",
            "ms",
            getattr(ours, name),
            None if other is None else getattr(other, name),
            other_is,
            f"≤ {most_ms}" if most_ms and name == "p95" else "",
        )
