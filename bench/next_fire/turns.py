"""Everybody walks in turns, so that a machine's mood hits all; a figure is the median CPU time."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.schedules.environment import ROOT
from bench.support.checks import BenchFailed

from .walks import WALKS, Walk

OURS = ("engine", "scheduler")
PEERS = ("cronsim", "croniter", "apscheduler")


@dataclass(frozen=True, slots=True)
class Walked:
    """Of one walk: microseconds an occurrence, by who walked, and how many each got wrong."""

    walk: Walk
    micros: dict[str, float]
    different: dict[str, int]
    """Occurrences that are not the engine's; the tests hold those to an oracle."""


def walked(turns: int, peers_python: Path) -> list[Walked]:
    """All walk all; blocks for about a second a turn."""
    with _walker(sys.executable, "ours") as ours, _walker(str(peers_python), "peers") as peers:
        everybody = {**dict.fromkeys(OURS, ours), **dict.fromkeys(PEERS, peers)}
        took: dict[tuple[Walk, str], list[float]] = {}
        found: dict[tuple[Walk, str], list[int]] = {}
        for _ in range(turns + 1):
            for walk in WALKS:
                for name, walker in everybody.items():
                    micros, instants = _told(walker, name, walk)
                    took.setdefault((walk, name), []).append(micros)
                    found[walk, name] = instants
    return [
        Walked(
            walk,
            # The first turn warms up.
            {name: median(took[walk, name][1:]) for name in everybody},
            {name: len(set(found[walk, name]) - set(found[walk, "engine"])) for name in everybody},
        )
        for walk in WALKS
    ]


@contextlib.contextmanager
def _walker(python: str, who: str) -> Iterator[subprocess.Popen[str]]:
    """A process that walks when told; it ends with its input."""
    walker = subprocess.Popen(
        [python, "-m", "bench.next_fire", who],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with walker:
        yield walker


def _told(walker: subprocess.Popen[str], name: str, walk: Walk) -> tuple[float, list[int]]:
    assert walker.stdin is not None
    assert walker.stdout is not None
    print(json.dumps([name, walk.expression, walk.occurrences]), file=walker.stdin, flush=True)
    line = walker.stdout.readline()
    if not line:
        raise BenchFailed(f"{name} ended while it walked {walk.expression!r}")
    micros, instants = json.loads(line)
    return micros, instants
