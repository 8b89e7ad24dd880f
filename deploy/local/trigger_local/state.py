"""Which processes belong to a data directory: one lock, and ``state.json`` with their identities.

A pid alone proves nothing (it may be a stranger's by now), so each is kept with its start time and
command line, and only a process that matches all three is ever signalled or reported. Nor does
what is written in a copy of a directory speak for the platform that runs on the other one.
"""

import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from .child import kill_session
from .errors import AlreadyUpError
from .home import Home, write_private

START_TOLERANCE = 2.0
"""Seconds: start times are derived from the boot time, which moves when the clock is set."""

LEFTOVER_TIMEOUT = 10.0
"""Seconds a leftover gets to drain before it is killed."""

DYING_TIMEOUT = 1.0
"""Seconds that a killed supervisor may still be seen after the kernel released its lock."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, told apart from a later one with the same pid."""

    pid: int
    started: float
    command: list[str]

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """None if it is gone already."""
        try:
            process = psutil.Process(pid)
            return cls(pid, process.create_time(), process.cmdline())
        except psutil.Error:
            return None

    def find(self) -> psutil.Process | None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if (
                abs(process.create_time() - self.started) < START_TOLERANCE
                and process.cmdline() == self.command
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                return process
        return None


@dataclass(slots=True)
class State:
    """What one ``etp up`` started, as ``etp status`` and the next ``etp up`` read it."""

    url: str
    ports: dict[str, int]
    supervisor: Identity | None
    complete: bool = False
    """Whether everything was started; until then ``processes`` has not got all names yet."""
    processes: dict[str, Identity | None] = field(default_factory=dict)
    """By name, in the order of their start; None while one is being started again."""
    root: str | None = None
    """The directory that it was written in; None in what earlier releases kept."""

    def write(self, home: Home) -> None:
        kept = {**asdict(self), "root": str(home.root.resolve())}
        write_private(home.state, json.dumps(kept, indent=2))

    def is_of(self, home: Home) -> bool:
        """Whether it was written here, and did not come here with a copy of the directory."""
        return self.root is None or Path(self.root) == home.root.resolve()

    @classmethod
    def read(cls, home: Home) -> "State | None":
        """None if nothing is kept, or nothing that we wrote: then nothing of it is trusted."""
        try:
            kept = json.loads(home.state.read_text(encoding="utf-8"))
            return cls(
                url=str(kept["url"]),
                ports={str(name): int(port) for name, port in kept["ports"].items()},
                supervisor=_identity(kept["supervisor"]),
                complete=bool(kept["complete"]),
                processes={name: _identity(known) for name, known in kept["processes"].items()},
                root=None if (root := kept.get("root")) is None else str(root),
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


@contextlib.contextmanager
def exclusive(home: Home) -> Iterator[None]:
    """Hold the data directory; the kernel releases it however this process ends.

    Raises AlreadyUpError.
    """
    with home.lock.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyUpError(str(home.root), file.read().strip() or "unknown") from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def stop_leftovers(home: Home) -> list[str]:
    """Stop what a killed ``etp up`` left behind: services first, then what they need. Blocks.

    While the supervisor that is named lives, they are no leftovers: of another directory, of which
    this one is a copy, they are left alone. Raises AlreadyUpError if it is this one, whose lock
    was removed.
    """
    state = State.read(home)
    notices = []
    if state is not None and (supervisor := _living(state.supervisor)) is not None:
        if state.is_of(home):
            raise AlreadyUpError(str(home.root), str(supervisor.pid))
        notices.append(f"{home.root} is a copy of {state.root}, where the platform runs.")
        state = None
    for name, identity in reversed((state.processes if state else {}).items()):
        process = identity.find() if identity else None
        if process is None:
            continue
        notices.append(f"{name} was left behind by an earlier etp up (pid {process.pid}): stopped.")
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
            # Stopped by SIGSTOP, it would not hear anything else.
            process.send_signal(signal.SIGCONT)
            try:
                process.wait(LEFTOVER_TIMEOUT)
            except psutil.TimeoutExpired:
                kill_session(process.pid)
                process.wait(LEFTOVER_TIMEOUT)
    home.state.unlink(missing_ok=True)
    return notices


def _living(supervisor: Identity | None) -> psutil.Process | None:
    """Whoever holds our lock may still see the one that was killed, for a moment."""
    process = supervisor.find() if supervisor else None
    if process is not None:
        with contextlib.suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
            process.wait(DYING_TIMEOUT)
    return supervisor.find() if supervisor else None


def _identity(kept: dict[str, Any] | None) -> Identity | None:
    if not kept:
        return None
    return Identity(int(kept["pid"]), float(kept["started"]), [str(one) for one in kept["command"]])
