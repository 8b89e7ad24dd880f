"""The peers: how each is started, and the settings it is measured with.

The settings are those its own documentation names for low lateness; where a polling interval is
free to choose, the shortest that its makers suggest or allow.
"""

from dataclasses import dataclass
from typing import Literal

from .stores import Kind


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    runtime: Literal["python", "node"]
    program: str
    store: Kind
    settings: str
    bulk: bool = False
    """It has a call that creates many at once."""
    creates_itself: bool = False
    """The worker creates the triggers: nobody else may."""
    recurs: str = "each fire first schedules the next"


PEERS = (
    Peer(
        "APScheduler, memory",
        "python",
        "aps",
        "memory",
        "AsyncIOScheduler and coroutines on uvloop, `misfire_grace_time=None`, `coalesce=False`",
        creates_itself=True,
        recurs="IntervalTrigger",
    ),
    Peer(
        "APScheduler, PostgreSQL",
        "python",
        "aps",
        "postgres",
        "the same with SQLAlchemyJobStore over psycopg; one scheduler a store",
        creates_itself=True,
        recurs="IntervalTrigger",
    ),
    Peer(
        "Celery",
        "python",
        "celery_worker",
        "valkey",
        "eta; prefork pool of one process a core, `worker_prefetch_multiplier=0`, no gossip, "
        "mingle, heartbeat, results or events; acknowledged early, the default",
    ),
    Peer(
        "procrastinate",
        "python",
        "procrastinate_worker",
        "postgres",
        "`listen_notify`, `fetch_job_polling_interval=0.1`, `concurrency=50` on 20 connections, "
        "uvloop, `delete_jobs=successful`",
        bulk=True,
    ),
    Peer(
        "arq",
        "python",
        "arq_worker",
        "valkey",
        "`poll_delay=0.01`, `max_jobs=500`, `keep_result=0`, uvloop",
    ),
    Peer(
        "BullMQ",
        "node",
        "bullmq",
        "valkey",
        "delayed entries, `concurrency: 100`, `removeOnComplete`",
        bulk=True,
        recurs="its job schedulers, `every`",
    ),
    Peer(
        "pg-boss",
        "node",
        "pg_boss",
        "postgres",
        "`pollingIntervalSeconds: 0.5` (the least it allows), `batchSize: 1000`",
        bulk=True,
    ),
    Peer(
        "graphile-worker",
        "node",
        "graphile_worker",
        "postgres",
        "`pollInterval: 100` and LISTEN, `concurrency: 50`, `localQueue.size: 500`, "
        "`completeJobBatchDelay: 0`",
        bulk=True,
    ),
)
