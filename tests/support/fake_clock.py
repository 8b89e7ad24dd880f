"""Wall clocks that a test sets, for real processes: libfaketime, preloaded into each.

A ``FakeClock`` is a file with an offset, which the processes on it read at every look at their
wall clock: a jump is one rename, and takes effect at their next look. Their monotonic clocks
stay true, as when a machine's time is set. The broker, a static Go program, cannot be given one.
"""

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support import etp_with_fake_clocks
from tests.support.whole_platform import Platform, now, running

LIBRARIES = (
    "/usr/lib/*/faketime/libfaketime.so.1",
    "/usr/lib*/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
)
"""Where Debian, Fedora and its own Makefile put it."""


def libfaketime() -> Path:
    """The library. Without it the test that asks is skipped; in CI, where it must be, it fails."""
    for pattern in LIBRARIES:
        for found in sorted(Path("/").glob(pattern.lstrip("/"))):
            return found
    missing = "libfaketime is not installed (Debian: apt-get install faketime)"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


class FakeClock:
    """A clock that runs at the true speed, some offset away from the machine's."""

    def __init__(self, file: Path, library: Path) -> None:
        self.offset = timedelta()
        self._file = file
        self._library = library
        self.jump_to_offset(self.offset)

    @property
    def environment(self) -> dict[str, str]:
        """What puts a process on this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Read anew at each look: a microsecond or so, and no process lags behind a jump.
            "FAKETIME_NO_CACHE": "1",
            # Sleeps and timeouts are as long as ever.
            "DONT_FAKE_MONOTONIC": "1",
            # Shared memory would keep one offset for all processes, and outlive them.
            "FAKETIME_DISABLE_SHM": "1",
        }

    def now(self) -> datetime:
        """What the processes on this clock see, if they look now."""
        return now() + self.offset

    def jump(self, by: timedelta) -> datetime:
        """Set the clock forward, or back; returns what it shows then."""
        return self.jump_to_offset(self.offset + by)

    def jump_to(self, instant: datetime) -> datetime:
        """Set the clock to an instant."""
        return self.jump_to_offset(instant - now())

    def jump_to_offset(self, offset: timedelta) -> datetime:
        """Set the clock to so much ahead of the machine's."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{offset.total_seconds():+.6f}\n", encoding="ascii")
        fresh.chmod(0o644)  # as root, the database runs as another user
        fresh.rename(self._file)
        self.offset = offset
        return self.now()


@contextmanager
def fake_clocks(*names: str) -> Iterator[dict[str, FakeClock]]:
    """Clocks by name, all showing the true time."""
    library = libfaketime()
    folder = Path(tempfile.mkdtemp(prefix="etp-clocks-"))
    folder.chmod(0o755)  # for the database's user, as above
    try:
        yield {name: FakeClock(folder / name, library) for name in names}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def running_on(
    clocks: Mapping[str, FakeClock],
    *options: str,
    environment: Mapping[str, str] | None = None,
    own: Mapping[str, Mapping[str, str]] | None = None,
) -> AsyncIterator[Platform]:
    """A platform whose programs are on these clocks, by their names (``scheduler-2``).

    Programs that are not named keep the machine's clock; so does ``etp up`` itself. ``own`` is
    what single programs find in their environments besides.
    """
    given = {program: clock.environment for program, clock in clocks.items()}
    for program, variables in (own or {}).items():
        given[program] = {**given.get(program, {}), **variables}
    settings = {**(environment or {}), etp_with_fake_clocks.CLOCKS: json.dumps(given)}
    async with running(
        *options, environment=settings, etp=etp_with_fake_clocks.COMMAND
    ) as platform:
        yield platform


@asynccontextmanager
async def on_one_clock(
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Platform, FakeClock]]:
    """A platform, and the clock of its database and its workers.

    The broker's cannot be set; the gateway's stays true with it, for a gateway whose clock
    differs from the broker's by more than a minute is not believed.
    """
    programs = ("postgres", "scheduler", "executor", "retention")
    with fake_clocks("record") as clocks:
        on_it = dict.fromkeys(programs, clocks["record"])
        async with running_on(on_it, environment=environment) as platform:
            yield platform, clocks["record"]
