"""A clock that is off is said, once, whichever of the others it is off from; and it works on."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from trigger_runtime.process.clock_watch import LOOK_EVERY, TOLERATED, ClockWatch
from trigger_runtime.process.errors import BrokerUnavailable, Noted

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


class Ours:
    """The machine's clock, which stands still but where it is told to go on."""

    def __init__(self) -> None:
        self.shown = NOW

    def now(self) -> datetime:
        return self.shown

    def monotonic(self) -> float:
        return 0.0


def showing(instant: datetime | Exception) -> Callable[[], Awaitable[datetime]]:
    async def ask() -> datetime:
        if isinstance(instant, Exception):
            raise instant
        return instant

    return ask


async def said(watch: ClockWatch) -> str | None:
    try:
        await watch.check()
    except Noted as note:
        return str(note)
    return None


@pytest.mark.parametrize("off", [timedelta(), TOLERATED, -TOLERATED])
async def test_what_is_tolerated_is_not_said(off: timedelta) -> None:
    watch = ClockWatch(Ours(), {"the broker's": showing(NOW + off)})
    assert await watch.look() == LOOK_EVERY
    assert await said(watch) is None


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (timedelta(seconds=90), "this machine's clock is 90 s behind the broker's"),
        (-timedelta(hours=1), "this machine's clock is 3600 s ahead of the broker's"),
        (TOLERATED + MOMENT, "this machine's clock is 5 s behind the broker's"),
    ],
)
async def test_what_is_off_is_said_with_its_direction(off: timedelta, words: str) -> None:
    watch = ClockWatch(Ours(), {"the broker's": showing(NOW + off)})
    await watch.look()
    assert await said(watch) == words


async def test_a_slow_answer_is_not_taken_for_a_clock_that_is_off() -> None:
    ours = Ours()

    async def ask() -> datetime:
        ours.shown += timedelta(seconds=9)
        return NOW + timedelta(seconds=4)

    watch = ClockWatch(ours, {"PostgreSQL's": ask})
    await watch.look()
    assert await said(watch) is None


async def test_it_is_logged_when_it_begins_and_when_it_ends() -> None:
    others = {
        "PostgreSQL's": showing(NOW + timedelta(seconds=60)),
        "the broker's": showing(BrokerUnavailable("away")),
    }
    watch = ClockWatch(Ours(), others)
    with capture_logs() as logs:
        for _ in range(3):
            await watch.look()
        others["PostgreSQL's"] = showing(BrokerUnavailable("away"))
        await watch.look()
        assert await said(watch) is not None, "nothing says that it is right again"
        others["PostgreSQL's"] = showing(NOW)
        await watch.look()
    assert [(one["log_level"], one["event"]) for one in logs] == [
        ("warning", "this machine's clock is off"),
        ("info", "this machine's clock is right again"),
    ]
    assert logs[0]["said"] == "this machine's clock is 60 s behind PostgreSQL's"
