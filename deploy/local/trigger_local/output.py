"""What the terminal shows: every program's lines under its name, in its colour.

All of a program's output is also kept in ``logs/<name>.log``; the routine lines of the broker and
the database go there alone.
"""

import asyncio
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

COLOURS = (36, 35, 32, 33, 34, 96, 95, 92)
"""ANSI foregrounds, bright enough on dark and light terminals; red is kept for nobody."""

KEPT_BYTES = 10 * 1024 * 1024
"""Of each program's log, and as much again of the one before."""

OWN_NAME = "etp"

NAME_WIDTH = 11

CHUNK_BYTES = 64 * 1024


class Output:
    """The one writer to the terminal; lines of different programs never mix."""

    def __init__(self, logs: Path, terminal: TextIO | None = None) -> None:
        self._logs = logs
        self._terminal = terminal or sys.stdout
        self._colourful = self._terminal.isatty()
        self._files: dict[str, RotatingFileHandler] = {}

    def say(self, text: str) -> None:
        """A line of ``etp up`` itself."""
        for line in text.splitlines():
            self._show(OWN_NAME, line)

    def plain(self, text: str) -> None:
        """Text to copy from the terminal: no prefix."""
        print(text, file=self._terminal, flush=True)

    def log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    async def copy(self, name: str, stream: asyncio.StreamReader, routine: tuple[str, ...]) -> None:
        """Copy a program's output until it ends; lines with a ``routine`` mark only to the file."""
        rest = b""
        while chunk := await stream.read(CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(name, line, routine)
            if len(rest) > CHUNK_BYTES:
                self._take(name, rest, routine)
                rest = b""
        if rest:
            self._take(name, rest, routine)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _take(self, name: str, line: bytes, routine: tuple[str, ...]) -> None:
        text = line.decode(errors="replace").rstrip()
        self._file(name).emit(logging.makeLogRecord({"msg": text}))
        if not any(mark in text for mark in routine):
            self._show(name, text)

    def _file(self, name: str) -> RotatingFileHandler:
        if name not in self._files:
            path = self.log_path(name)
            path.touch(mode=0o600)
            self._files[name] = RotatingFileHandler(path, maxBytes=KEPT_BYTES, backupCount=1)
        return self._files[name]

    def _show(self, name: str, text: str) -> None:
        label = f"{name:<{NAME_WIDTH}}|"
        if self._colourful:
            colour = 1 if name == OWN_NAME else COLOURS[sum(name.encode()) % len(COLOURS)]
            label = f"\x1b[{colour}m{label}\x1b[0m"
        print(label, text, file=self._terminal, flush=True)
