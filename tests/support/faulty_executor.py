"""The real executor, with one fault: it gets a signal at exactly the point asked for.

``python -m tests.support.faulty_executor <point> <signal>``. The points are the gaps that the
promises of deliveries must survive.
"""

import sys

from tests.support.striking import Point, after, always, before, strike_at
from trigger_executor.adapters.delivery.attempt_log import JetStreamAttemptLog
from trigger_executor.adapters.delivery.index import PostgresProjection
from trigger_executor.adapters.delivery.target_sender import TargetSender
from trigger_executor.adapters.delivery.wakes import NatsHints
from trigger_executor.adapters.event_stream import JetStreamEventWriter
from trigger_executor.bootstrap import serve
from trigger_executor.handlers.delivery.leasing import LaneLeases
from trigger_executor.settings import Settings
from trigger_runtime.worker import run

POINTS: dict[str, Point] = {
    "row appended": (after, JetStreamEventWriter, "append", always),
    "planned": (after, JetStreamEventWriter, "plan", always),
    "index written": (after, PostgresProjection, "write", always),
    "index committed": (before, NatsHints, "waiting", always),
    "lane taken": (after, LaneLeases, "hold", always),
    "request made": (after, TargetSender, "send", always),
    "attempt recorded": (after, JetStreamAttemptLog, "append", always),
}

if __name__ == "__main__":
    strike_at(POINTS, sys.argv[1], sys.argv[2])
    sys.exit(run(lambda: serve(Settings())))
