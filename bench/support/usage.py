"""CPU seconds and memory of processes, with everything they started.

Backends of PostgreSQL that ended count: the postmaster has their times once it reaped them.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psutil

SHARED_MEMORY = frozenset({"postgres"})
"""Programs of many processes over one shared memory: RSS would count it once for each."""

OURS = frozenset({"api", "scheduler", "executor", "deliver", "retention"})


@dataclass(frozen=True, slots=True)
class Cost:
    """What one program used: CPU seconds in a window, memory at its end."""

    cpu_s: float
    memory_mib: float


class Meter:
    """Made at the beginning of the window; ``read`` says what was used since."""

    def __init__(self, pids: Mapping[str, int], *, without: Iterable[int] = ()) -> None:
        self._pids = dict(pids)
        self._without = frozenset(without)
        self._begun = self._cpu()

    def read(self) -> dict[str, Cost]:
        """``without``: processes of the bench's own (a tap's backend) must still be running."""
        cpu = self._cpu()
        return {
            name: Cost(cpu[name] - self._begun[name], memory_mib(name, pid))
            for name, pid in self._pids.items()
        }

    def _cpu(self) -> dict[str, float]:
        return {name: self._cpu_of(pid) for name, pid in self._pids.items()}

    def _cpu_of(self, pid: int) -> float:
        root = psutil.Process(pid)
        reaped = root.cpu_times()
        total = reaped.children_user + reaped.children_system
        for process in (root, *root.children(recursive=True)):
            if process.pid not in self._without:
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    total += times.user + times.system
        return total


def memory_mib(name: str, pid: int) -> float:
    """Resident memory; of programs that share memory between processes, the proportional share."""
    root = psutil.Process(pid)
    total = 0
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            if name in SHARED_MEMORY and psutil.LINUX:
                total += process.memory_full_info().pss
            else:
                total += process.memory_info().rss
    return total / 2**20


def total_cpu(costs: Mapping[str, Cost]) -> float:
    return sum(cost.cpu_s for cost in costs.values())
