"""Sleeps that end to the microsecond.

Timers of an event loop count whole milliseconds (libuv's, epoll's): a sleep of 0.4 ms is none at
all, so that whoever looks at the clock again goes round and round until it is time, and one of
0.6 ms ends 0.4 ms late. The kernel's timers have no such step; Python offers them from 3.13 on
(``os.timerfd_create``), libc always has. Where there are none, or none more for a process that
has too many files open, the event loop's must do.
For instants that users see. Everything else sleeps as usual.
"""

import asyncio
import contextlib
import ctypes
import math
import os
import sys
from types import TracebackType
from typing import Self

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_CLOCK_MONOTONIC = 1
_NS = 1_000_000_000


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("first", _TimeSpec))


class Alarm:
    """A timer for one sleeper at a time, closed at the end of its ``with`` block."""

    def __init__(self) -> None:
        self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds; no sooner, but where the event loop's timer must do."""
        if seconds <= 0:
            return
        if not self._set(seconds):
            await asyncio.sleep(seconds)
            return
        loop = asyncio.get_running_loop()
        rung: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._fd, self._ring, rung)
        try:
            await rung
        finally:
            loop.remove_reader(self._fd)

    def _set(self, seconds: float) -> bool:
        """Whether there is a timer; also forgets whatever it was set to before."""
        if _LIBC is None:
            return False
        if self._fd < 0:
            self._fd = _LIBC.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
            if self._fd < 0:
                return False
        # Rounded up; all zeros would be no alarm at all.
        first = _TimeSpec(*divmod(math.ceil(seconds * _NS), _NS))
        if _LIBC.timerfd_settime(self._fd, 0, ctypes.byref(_TimerSpec(first=first)), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        return True

    def _ring(self, rung: "asyncio.Future[None]") -> None:
        with contextlib.suppress(BlockingIOError):  # a false alarm: it goes off later
            os.read(self._fd, 8)
            if not rung.done():
                rung.set_result(None)
