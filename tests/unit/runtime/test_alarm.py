"""An alarm is never early, also below a millisecond; it can be left, and used again."""

import asyncio
import resource
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from trigger_runtime.process import alarm as module
from trigger_runtime.process.alarm import Alarm

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """On the loop that the services use, and on Python's own."""
    chosen: Run = request.param
    return chosen


def test_it_is_never_early(run: Run) -> None:
    async def check() -> None:
        with Alarm() as alarm:
            for microseconds in (1, 50, 300, 400, 600, 999, 1000, 1400, 2600, 0.3):
                seconds = microseconds / 1e6
                for _ in range(10):
                    begun = time.monotonic()
                    await alarm.sleep(seconds)
                    assert time.monotonic() - begun >= seconds

    run(check())


def test_nothing_to_sleep_is_no_sleep(run: Run) -> None:
    async def check() -> None:
        with Alarm() as alarm:
            for seconds in (0.0, -1.0):
                sleeping = alarm.sleep(seconds)
                with pytest.raises(StopIteration):
                    sleeping.send(None)

    run(check())


def test_others_go_on_meanwhile_and_each_has_its_own(run: Run) -> None:
    async def check() -> None:
        ended: list[str] = []

        async def sleep(name: str, seconds: float) -> None:
            with Alarm() as alarm:
                await alarm.sleep(seconds)
                ended.append(name)

        await asyncio.gather(sleep("late", 0.2), sleep("early", 0.05), sleep("next", 0.1))
        assert ended == ["early", "next", "late"]

    run(check())


def test_a_sleep_that_was_cancelled_does_not_end_the_next(run: Run) -> None:
    async def check() -> None:
        with Alarm() as alarm:
            sleeping = asyncio.create_task(alarm.sleep(0.002))
            await asyncio.sleep(0)
            sleeping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sleeping
            assert not asyncio.get_running_loop().remove_reader(alarm._fd)
            # What went off unheard meanwhile is not this one's.
            time.sleep(0.005)  # noqa: ASYNC251 - longer than the first was set to
            begun = time.monotonic()
            await alarm.sleep(0.02)
            assert time.monotonic() - begun >= 0.02

    run(check())


def test_its_file_is_closed_at_the_end(run: Run) -> None:
    def open_files() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    async def check() -> None:
        before = open_files()
        with Alarm() as alarm:
            for _ in range(3):
                await alarm.sleep(0.001)
                assert open_files() == before + 1
        assert open_files() == before

    run(check())


def test_where_the_kernel_has_none_the_event_loop_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LIBC", None)

    async def check() -> None:
        with Alarm() as alarm:
            begun = time.monotonic()
            await alarm.sleep(0.01)
            assert time.monotonic() - begun >= 0.009

    asyncio.run(check())


def test_where_no_more_files_can_be_opened_the_event_loop_sleeps(run: Run) -> None:
    async def check() -> None:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with Alarm() as alarm:
            begun = time.monotonic()
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
            try:
                await alarm.sleep(0.01)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            assert time.monotonic() - begun >= 0.009
            await alarm.sleep(0.01)
            assert alarm._fd >= 0

    run(check())
