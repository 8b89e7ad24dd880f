"""The real scheduler, with one fault: it gets a signal at exactly the point asked for.

``python -m tests.support.faulty_scheduler <point> <signal>``. The points are the gaps that the
exactness rules must survive; the fault is the tests' own, the product knows nothing of it.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from trigger_contracts.events import ChangeKind, Due, Fence
from trigger_runtime.worker import run
from trigger_scheduler.adapters.change_and_due_log import JetStreamChangeLog, JetStreamDueLog
from trigger_scheduler.adapters.due_index import PostgresTransaction
from trigger_scheduler.bootstrap import serve
from trigger_scheduler.handlers.answering import AnswerCommands
from trigger_scheduler.settings import Settings

Method = Callable[..., Awaitable[Any]]


_struck: list[signal.Signals] = []


def _strikes(number: signal.Signals) -> None:
    """Once: a process that was stopped and resumed works on without the fault."""
    if not _struck:
        _struck.append(number)
        os.kill(os.getpid(), number)


def _after(owner: type, name: str, when: Callable[..., bool], number: signal.Signals) -> None:
    original: Method = getattr(owner, name)

    async def struck(self: Any, *arguments: Any) -> Any:
        result = await original(self, *arguments)
        if when(*arguments):
            _strikes(number)
        return result

    setattr(owner, name, struck)


def _before(owner: type, name: str, when: Callable[..., bool], number: signal.Signals) -> None:
    original: Method = getattr(owner, name)

    async def struck(self: Any, *arguments: Any) -> Any:
        if when(*arguments):
            _strikes(number)
        return await original(self, *arguments)

    setattr(owner, name, struck)


def _kind(*kinds: ChangeKind) -> Callable[..., bool]:
    return lambda changes: any(change.kind in kinds for change, _ in changes)


def _record(kind: type) -> Callable[..., bool]:
    return lambda records, *_: any(isinstance(record, kind) for record, _ in records)


_COMMANDED = (ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED)

POINTS: dict[str, tuple[Callable[..., None], type, str, Callable[..., bool]]] = {
    "decided": (_before, JetStreamChangeLog, "append", _kind(*_COMMANDED)),
    "change appended": (_after, JetStreamChangeLog, "append", _kind(*_COMMANDED)),
    "fence appended": (_after, JetStreamDueLog, "append", _record(Fence)),
    "projected": (_after, PostgresTransaction, "project", lambda changes: True),
    "committed": (_before, AnswerCommands, "_reply", lambda *_: True),
    "made ready": (_after, JetStreamDueLog, "stage", lambda records: True),
    "claimed": (_before, JetStreamDueLog, "append", _record(Due)),
    "due appended": (_after, JetStreamDueLog, "append", _record(Due)),
    "advanced": (_after, PostgresTransaction, "advance", lambda rows: True),
    "completion appended": (
        _after,
        JetStreamChangeLog,
        "append",
        _kind(ChangeKind.COMPLETED),
    ),
}

if __name__ == "__main__":
    strike, owner, method, when = POINTS[sys.argv[1]]
    strike(owner, method, when, signal.Signals[sys.argv[2]])
    sys.exit(run(lambda: serve(Settings())))
