"""The real scheduler, with one fault: it gets a signal at exactly the point asked for.

``python -m tests.support.faulty_scheduler <point> <signal>``. The points are the gaps that the
exactness rules must survive; the fault is the tests' own, the product knows nothing of it.
"""

import sys
from collections.abc import Callable

from tests.support.striking import Point, after, always, before, strike_at
from trigger_contracts.events import ChangeKind, Due, Fence
from trigger_runtime.worker import run
from trigger_scheduler.adapters.change_and_due_log import JetStreamChangeLog, JetStreamDueLog
from trigger_scheduler.adapters.due_index import PostgresTransaction
from trigger_scheduler.bootstrap import serve
from trigger_scheduler.handlers.answering import AnswerCommands
from trigger_scheduler.settings import Settings


def _kind(*kinds: ChangeKind) -> Callable[..., bool]:
    return lambda changes: any(change.kind in kinds for change, _ in changes)


def _record(kind: type) -> Callable[..., bool]:
    return lambda records, *_: any(isinstance(record, kind) for record, _ in records)


_COMMANDED = (ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED)

POINTS: dict[str, Point] = {
    "decided": (before, JetStreamChangeLog, "append", _kind(*_COMMANDED)),
    "change appended": (after, JetStreamChangeLog, "append", _kind(*_COMMANDED)),
    "fence appended": (after, JetStreamDueLog, "append", _record(Fence)),
    "projected": (after, PostgresTransaction, "project", always),
    "committed": (before, AnswerCommands, "_reply", always),
    "made ready": (after, JetStreamDueLog, "stage", always),
    "claimed": (before, JetStreamDueLog, "append", _record(Due)),
    "due appended": (after, JetStreamDueLog, "append", _record(Due)),
    "advanced": (after, PostgresTransaction, "advance", always),
    "completion appended": (
        after,
        JetStreamChangeLog,
        "append",
        _kind(ChangeKind.COMPLETED),
    ),
}

if __name__ == "__main__":
    strike_at(POINTS, sys.argv[1], sys.argv[2])
    sys.exit(run(lambda: serve(Settings())))
