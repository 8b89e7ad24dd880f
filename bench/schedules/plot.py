"""The comparison as one SVG: a row for each candidate, a panel for each workload, one for CPU.

Pure: figures in, text out. In a workload's panel a row's dot is the median, its bar reaches to
the 99th percentile and its tick marks the worst, on a logarithmic axis.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from .table import behind, durable, number

Found = Mapping[str, Any]

NAMES_W, PANEL_W, GAP = 240, 220, 44
TOP, ROW_H, BOTTOM = 74, 24, 48
LATE_MS = (0.1, 100_000.0)
"""The ends of the axis of lateness."""
OURS, DURABLE, FORGETFUL, BAD = "#1565c0", "#37474f", "#a1887f", "#c62828"
INK, GRID = "#263238", "#dfe3e6"


def svg(one: Found) -> str:
    """``one`` is a comparison as kept in the results."""
    candidates, workloads = one["candidates"], one["workloads"]
    panels = len(workloads) + 1
    width = NAMES_W + panels * (PANEL_W + GAP)
    height = TOP + ROW_H * len(candidates) + BOTTOM
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">'
        ),
        f"<title>{escape(one['title'])}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_legend(),
    ]
    for row, candidate in enumerate(candidates):
        weight = "bold" if candidate["ours"] else "normal"
        parts.append(
            _text(NAMES_W - 10, _y(row) + 4, candidate["name"], anchor="end", weight=weight)
        )
    for panel, (load, did) in enumerate(workloads.items()):
        parts += _late_panel(_left(panel), did, load, candidates)
    last = list(workloads)[-1]
    parts += _cpu_panel(_left(panels - 1), last, candidates)
    return "\n".join([*parts, "</svg>"]) + "\n"


def late_x(value_ms: float) -> float:
    """Pixels from the left of a panel; what lies beyond the axis is drawn at its end."""
    low, high = (math.log10(end) for end in LATE_MS)
    at = math.log10(min(max(value_ms, LATE_MS[0]), LATE_MS[1]))
    return round((at - low) / (high - low) * PANEL_W, 1)


def _late_panel(left: int, did: str, load: str, candidates: Sequence[Found]) -> Iterator[str]:
    yield _text(left, TOP - 22, did, weight="bold")
    for tick, label in (
        (0.1, "0.1 ms"),
        (1, "1"),
        (10, "10"),
        (100, "100"),
        (1_000, "1 s"),
        (10_000, "10"),
        (100_000, "100 s"),
    ):
        yield from _tick(left + late_x(tick), label, len(candidates))
    for row, candidate in enumerate(candidates):
        found, y, ink = candidate["workloads"][load], _y(row), _ink(candidate)
        if "failed" in found or found["p50"] is None:
            yield _text(left + 6, y + 4, "failed" if "failed" in found else "none fired", ink=BAD)
            continue
        p50, p99, worst = (left + late_x(found[key]) for key in ("p50", "p99", "max"))
        yield _line(p50, y, p99, y, ink, 5)
        yield _line(worst, y - 6, worst, y + 6, ink, 2)
        yield f'<circle cx="{p50}" cy="{y}" r="5" fill="{ink}"/>'
        if behind(found):
            share = f"{found['done'] / found['expected']:.0%} done"
            yield _text(left + 4, y + 4, share, ink=BAD)


def _cpu_panel(left: int, load: str, candidates: Sequence[Found]) -> Iterator[str]:
    """Bars from nought: CPU seconds per 1,000 fires of the last workload."""
    yield _text(left, TOP - 22, f"CPU s per 1,000 fires, {load}", weight="bold")
    values = [candidate["workloads"][load].get("cpu_s_per_1000") or 0.0 for candidate in candidates]
    full = max([*values, 0.1])
    room = PANEL_W - 40
    yield _line(left, TOP, left, TOP + ROW_H * len(candidates), GRID, 1)
    for row, (candidate, value) in enumerate(zip(candidates, values, strict=True)):
        wide = round(value / full * room, 1)
        yield (
            f'<rect x="{left}" y="{_y(row) - 6}" width="{wide}" height="12" '
            f'fill="{_ink(candidate)}"/>'
        )
        shown = number(value) if value else "-"
        if behind(candidate["workloads"][load]):
            shown += " *"
        yield _text(left + wide + 5, _y(row) + 4, shown)
    yield _text(
        left, TOP + ROW_H * len(candidates) + 18, "* of those it did: it falls behind", size=10
    )


def _legend() -> Iterator[str]:
    x = NAMES_W
    for ink, label in (
        (OURS, "the platform"),
        (DURABLE, "survives SIGKILL"),
        (FORGETFUL, "does not"),
    ):
        yield f'<circle cx="{x + 5}" cy="20" r="5" fill="{ink}"/>'
        yield _text(x + 16, 24, label)
        x += 30 + 7 * len(label)
    yield _text(x + 10, 24, "lateness: dot p50, bar to p99, tick the worst; further left is better")


def _tick(x: float, label: str, rows: int) -> Iterator[str]:
    bottom = TOP + ROW_H * rows
    yield _line(x, TOP - 8, x, bottom, GRID, 1)
    yield _text(x, bottom + 16, label, anchor="middle", size=10)


def _ink(candidate: Found) -> str:
    if candidate["ours"]:
        return OURS
    return DURABLE if durable(candidate) else FORGETFUL


def _left(panel: int) -> int:
    return NAMES_W + panel * (PANEL_W + GAP)


def _y(row: int) -> int:
    return TOP + row * ROW_H + ROW_H // 2


def _line(x1: float, y1: float, x2: float, y2: float, ink: str, wide: int) -> str:
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" '
        f'stroke="{ink}" stroke-width="{wide}"/>'
    )


def _text(
    x: float,
    y: float,
    said: str,
    *,
    anchor: str = "start",
    weight: str = "normal",
    ink: str = INK,
    size: int = 12,
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}" fill="{ink}">{escape(said)}</text>'
    )
