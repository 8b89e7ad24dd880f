"""Writes ``docs/metrics.md`` from what each service registers.

Run it after a metric has changed: ``.venv/bin/python docs/make_metrics.py``. A test fails while the
page is stale. Each service is asked in a process of its own, since a process has one registry.
"""

import functools
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("metrics.md")

SERVICES = ("api", "scheduler", "executor", "retention")

INTRODUCTION = """\
# Metrics

Made by `docs/make_metrics.py` from the code; do not edit.

Each process answers Prometheus at `/metrics`; a scrape every 15 s is enough. Names, types and
labels are kept from version to version: one that goes is announced a version before. Labels are
names fixed in code, never a trigger, a key or a text of a user's: which trigger it was, the log's
search tells.

- **What is looked at now and then** (gauges of what waits) has no sample while it cannot be looked
  at ([decision 48](decisions/0048-what-cannot-be-looked-at-is-not-told.md)).
- **What replicas share** (consumers, the due index, the log) all of them tell alike: take `max`,
  not `sum`.
- **A histogram** `x` is `x_bucket`, `x_count` and `x_sum`. One with labels has the series of those
  that were met.
- `process_*`, `python_info` and `python_gc_*` are those of Prometheus' client for Python.
"""


@dataclass(slots=True)
class Family:
    """One metric as a service registers it; ``labels`` in their order."""

    name: str
    type: str
    labels: list[str]
    meaning: str
    services: list[str] = field(default_factory=list)


def registered() -> list[Family]:
    """What this process has registered of ours."""
    from prometheus_client import REGISTRY  # noqa: PLC0415 - in the asked process alone

    found: dict[str, Family] = {}
    for collector in REGISTRY._collector_to_names:  # noqa: SLF001 - nothing public lists them
        labels = list(getattr(collector, "_labelnames", ()))
        for metric in collector.describe() if hasattr(collector, "describe") else ():
            if metric.name.startswith("etp_"):
                name = f"{metric.name}_total" if metric.type == "counter" else metric.name
                found[name] = Family(name, metric.type, labels, metric.documentation)
    return list(found.values())


def of(service: str) -> list[Family]:
    """What a service registers: its wiring is imported, and nothing started."""
    code = (
        f"import json, trigger_{service}.bootstrap; from dataclasses import asdict; "
        "from docs import make_metrics; "
        "print(json.dumps([asdict(one) for one in make_metrics.registered()]))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter, and names of this file
        (sys.executable, "-c", code),
        cwd=PAGE.parents[1],
        check=True,
        stdout=subprocess.PIPE,
    )
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return [Family(**one) for one in told]


@functools.cache
def families() -> list[Family]:
    """Of all services, by name; raises ValueError where two mean something else by one name."""
    known: dict[str, Family] = {}
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(of, SERVICES))
    for service, own in zip(SERVICES, told, strict=True):
        for family in own:
            first = known.setdefault(family.name, family)
            if asdict(first) | {"services": []} != asdict(family):
                raise ValueError(f"{service} registers another {family.name}")
            first.services.append(service)
    return sorted(known.values(), key=lambda family: family.name)


def page() -> str:
    """The whole page as text."""
    rows = [
        (
            f"`{family.name}`",
            family.type,
            ", ".join(f"`{label}`" for label in family.labels),
            "all" if len(family.services) == len(SERVICES) else ", ".join(family.services),
            family.meaning,
        )
        for family in families()
    ]
    head = ("name", "type", "labels", "of", "meaning")
    lines = (head, tuple("---" for _ in head), *rows)
    return INTRODUCTION + "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
