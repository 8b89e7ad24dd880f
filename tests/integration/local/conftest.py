"""An ``etp up`` of a test's own, with stand-ins for the services."""

import asyncio
import contextlib
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.support.new_cluster import new_cluster
from trigger_local import ports
from trigger_local import status as status_of
from trigger_local.home import Home

ETP = Path(__file__).parents[2] / "support" / "etp_with_stand_ins.py"


class Etp:
    """One data directory, and the ``etp`` commands on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = ports.choose_free(set())
        self.process: asyncio.subprocess.Process | None = None
        self.printed = root.with_name("printed")

    async def begin(self, *options: str) -> None:
        """Start ``etp up`` without waiting for anything."""
        with self.printed.open("ab") as printed:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(ETP), "up", "--port", str(self.port)),
                *("--data-dir", str(self.root), *options),
                stdout=printed,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )

    async def up(self, *options: str) -> dict[str, Any]:
        """Start ``etp up`` and return its status once all is ready."""
        await self.begin(*options)
        return await self.until_ready()

    async def until_ready(self, *, without: dict[str, int] | None = None) -> dict[str, Any]:
        """Wait until everything is ready, on other pids than these."""

        async def ready() -> dict[str, Any] | None:
            if self.process is None or self.process.returncode is not None:
                pytest.fail(f"etp up ended: {self.printed.read_text()[-4000:]}")
            now = (await status_of.read(Home(self.root))).as_json()
            old = set((without or {}).items())
            return now if now["ready"] and not old & set(now["pids"].items()) else None

        found = await eventually(ready, within=30, what="etp up is ready")
        assert found is not None
        return found

    async def status(self) -> dict[str, Any]:
        code, printed = await self.call("status", "--data-dir", str(self.root), "--json")
        assert code == 0, printed
        return json.loads(printed)

    async def call(self, *arguments: str) -> tuple[int, str]:
        """Another ``etp`` command: its exit code and all it printed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ETP), *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode is not None
        return process.returncode, printed.decode()

    async def down(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal ``etp up`` and wait for its exit code."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 30)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that the database's user may enter, also when root runs the tests."""
    made = Path(tempfile.mkdtemp(prefix="etp-test-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
async def new_etp(folder: Path) -> AsyncIterator[Etp]:
    """Its data directory is not there yet: a first start, with all that this makes."""
    # A directory may have any name that people give it.
    one = Etp(folder / "hömé of 数据")
    yield one
    if one.process is not None and one.process.returncode is None:
        await one.down(signal.SIGTERM)


@pytest.fixture
async def etp(new_etp: Etp) -> Etp:
    """On its data directory ``initdb`` has run."""
    await asyncio.to_thread(new_cluster, new_etp.root)
    return new_etp
