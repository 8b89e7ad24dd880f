"""What a dashboard is, and how Grafana has it: panels in rows of three, under titles.

Knows no metric of ours: what is shown stands in ``make_dashboards``.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

DATASOURCE = {"type": "prometheus", "uid": "etp-prometheus"}
"""As ``grafana/provisioning/datasources`` names it."""

RATE = "$__rate_interval"
WIDTH, HEIGHT = 8, 8
"""Of a panel, in Grafana's units: 24 are a row."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: PromQL expressions with their legends."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]
    meaning: str = ""
    kind: Literal["timeseries", "stat"] = "timeseries"
    limit: float | None = None
    """From here on it is red: where an alert rises."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page; ``sections`` are rows of panels under a title."""

    uid: str
    title: str
    sections: dict[str, tuple[Panel, ...]] = field(default_factory=dict)


def quantiles(metric: str, *labels: str) -> tuple[tuple[str, str], ...]:
    """Median and 99th percentile of a histogram, by these labels."""
    by = ", ".join(("le", *labels))
    of = " ".join(f"{{{{{label}}}}}" for label in labels)
    return tuple(
        (
            f"histogram_quantile({share}, sum by ({by}) (rate({metric}_bucket[{RATE}])))",
            f"{name} {of}".strip(),
        )
        for name, share in (("p50", "0.5"), ("p99", "0.99"))
    )


def rates(metric: str, *labels: str) -> tuple[tuple[str, str], ...]:
    """A counter a second, by these labels."""
    by = f" by ({', '.join(labels)})" if labels else ""
    legend = " ".join(f"{{{{{label}}}}}" for label in labels)
    return ((f"sum{by} (rate({metric}[{RATE}]))", legend or "all"),)


def told(expression: str, legend: str = "") -> tuple[tuple[str, str], ...]:
    return ((expression, legend),)


def model(dashboard: Dashboard) -> dict[str, Any]:
    """As Grafana reads it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, section in dashboard.sections.items():
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "panels": [],
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": top},
            }
        )
        top += 1
        for place, panel in enumerate(section):
            column, row = place % 3, place // 3
            panels.append(_panel(panel, len(panels) + 1, x=column * WIDTH, y=top + row * HEIGHT))
        top += -(-len(section) // 3) * HEIGHT
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["etp"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "",
        "links": [
            {"type": "dashboards", "tags": ["etp"], "asDropdown": False, "title": "", "icon": ""}
        ],
        "panels": panels,
    }


def _panel(panel: Panel, number: int, *, x: int, y: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": DATASOURCE,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": x, "y": y},
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {"thresholdsStyle": {"mode": "line"}} if len(steps) > 1 else {},
            },
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": legend or "__auto",
            }
            for place, (expression, legend) in enumerate(panel.lines)
        ],
    }


def text_of(dashboard: Dashboard) -> str:
    """The file's content."""
    return json.dumps(model(dashboard), indent=2) + "\n"
