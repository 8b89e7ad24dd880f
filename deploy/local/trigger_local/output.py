"""What the terminal shows: every program's lines under its name, in its colour.

All of a program's output is also kept in ``logs/<name>.log``; the routine lines of the broker and
the database go there alone. Never raises: a full disk or a closed terminal costs lines and
nothing else, for whoever stops reading a program's output stops the program.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from trigger_runtime.process.printing import printable

COLOURS = (36, 35, 32, 33, 34, 96, 95, 92)
"""ANSI foregrounds, bright enough on dark and light terminals; red is kept for nobody."""

KEPT_BYTES = 10 * 1024 * 1024
"""Of each program's log, and as much again of the one before."""

OWN_NAME = "etp"

NAME_WIDTH = 11

CHUNK_BYTES = 64 * 1024


def hear_nothing(_line: str) -> None:
    """For programs whose lines say nothing to the supervisor."""


class _KeptFile(RotatingFileHandler):
    """One log file; what cannot be written is lost."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        """Not a traceback for each line on the terminal, which is logging's way."""


class Output:
    """The one writer to the terminal; lines of different programs never mix."""

    def __init__(self, logs: Path, terminal: TextIO | None = None) -> None:
        self._logs = logs
        self._terminal = terminal or sys.stdout
        self._colourful = self._terminal.isatty()
        self._files: dict[str, _KeptFile] = {}

    def say(self, text: str) -> None:
        """A line of ``etp up`` itself."""
        for line in text.split("\n"):
            self._show(OWN_NAME, printable(line, keep="\t"))

    def plain(self, text: str) -> None:
        """Text to copy from the terminal: no prefix."""
        self._print(text)

    def log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    async def copy(
        self,
        name: str,
        stream: asyncio.StreamReader,
        routine: tuple[str, ...],
        hear: Callable[[str], None] = hear_nothing,
    ) -> None:
        """Copy a program's output until it ends; lines with a ``routine`` mark only to the file.

        ``hear`` is called with each line.
        """
        rest = b""
        while chunk := await stream.read(CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > CHUNK_BYTES:
                lines, rest = [*lines, rest], b""
            for line in lines:
                hear(self._take(name, line, routine))
        if rest:
            hear(self._take(name, rest, routine))

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _take(self, name: str, line: bytes, routine: tuple[str, ...]) -> str:
        text = printable(line.decode(errors="replace").rstrip(), keep="\t")
        with contextlib.suppress(OSError):
            self._file(name).emit(logging.makeLogRecord({"msg": text}))
        if not any(mark in text for mark in routine):
            self._show(name, text)
        return text

    def _file(self, name: str) -> _KeptFile:
        if name not in self._files:
            path = self.log_path(name)
            path.touch(mode=0o600)
            self._files[name] = _KeptFile(
                path, maxBytes=KEPT_BYTES, backupCount=1, encoding="utf-8", errors="replace"
            )
        return self._files[name]

    def _show(self, name: str, text: str) -> None:
        label = f"{name:<{NAME_WIDTH}}|"
        if self._colourful:
            colour = 1 if name == OWN_NAME else COLOURS[sum(name.encode()) % len(COLOURS)]
            label = f"\x1b[{colour}m{label}\x1b[0m"
        self._print(f"{label} {text}")

    def _print(self, text: str) -> None:
        # ValueError: a letter that the terminal's encoding lacks, or a terminal that is closed.
        with contextlib.suppress(OSError, ValueError):
            print(text, file=self._terminal, flush=True)
