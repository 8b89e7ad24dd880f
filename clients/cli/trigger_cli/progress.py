"""How far an import is: a bar on a terminal, lines anywhere else.

Progress goes to standard error, what was refused and the sum to standard output.
"""

import sys
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trigger_runtime.process.printing import printable

from . import importing
from .gateway import GatewayClient
from .importing import Report


def import_all(gateway: GatewayClient, file: BinaryIO, *, name: str, partial: bool) -> Report:
    """Import a file, showing how far that is; raises as ``importing`` does."""
    total = importing.count(file)
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("Importing", total=total)
            report = importing.send_all(
                gateway,
                file,
                name=name,
                partial=partial,
                say=lambda text: _say(text, progress),
                advance=lambda count: progress.advance(task, count),
            )
    else:
        report = importing.send_all(
            gateway,
            file,
            name=name,
            partial=partial,
            say=lambda text: print(printable(text)),
            advance=_Lines(total),
        )
    print(_sum(report, total))
    return report


class _Lines:
    """Says after each step how far it is."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def __call__(self, count: int) -> None:
        self._done += count
        print(f"{self._done} of {self._total}", file=sys.stderr, flush=True)


def _say(text: str, progress: Progress) -> None:
    """Above the bar, or where standard output leads. Names in it are the file's."""
    text = printable(text)
    if sys.stdout.isatty():
        progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        print(text)


def _sum(report: Report, total: int) -> str:
    parts = [f"{report.created} of {total} created"]
    if report.accepted:
        parts.append(f"{report.accepted} stored, created as soon as the scheduler gets to it")
    if report.refused:
        parts.append(f"{report.refused} refused")
    if not report.is_complete:
        parts.append("mend what is refused and repeat: nothing is created twice")
    return "; ".join(parts) + "."
