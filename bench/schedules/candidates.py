"""The peers: how each is started, and the settings it is measured with.

The settings are those that a peer's own documentation names for low lateness. Where another one
matters more (how often a server or a worker looks), the peer stands here twice: as it is usually
set up, and as quick as it gets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    poll_ms: int | None = None
    server: Mapping[str, str] = field(default_factory=dict)
    """Settings of its Valkey."""
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
        poll_ms=100,
    ),
    Peer(
        "arq",
        "python",
        "arq_worker",
        "valkey",
        "`poll_delay=0.01`, `max_jobs=500`, `keep_result=0`, uvloop",
        poll_ms=10,
    ),
    Peer(
        "arq, Valkey syncing always",
        "python",
        "arq_worker",
        "valkey",
        "the same with `appendfsync always`",
        poll_ms=10,
        server={"appendfsync": "always"},
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
        "BullMQ, Valkey at hz 500",
        "node",
        "bullmq",
        "valkey",
        "the same; it waits in a blocking call, whose time-out Valkey notices within 100 ms, at "
        "`hz 500` within 2 ms",
        bulk=True,
        server={"hz": "500"},
        recurs="its job schedulers, `every`",
    ),
    Peer(
        "BullMQ, Valkey at hz 500, syncing always",
        "node",
        "bullmq",
        "valkey",
        "the same with `appendfsync always`: synced before it answers, as our broker and "
        "PostgreSQL are",
        bulk=True,
        server={"hz": "500", "appendfsync": "always"},
        recurs="its job schedulers, `every`",
    ),
    Peer(
        "pg-boss",
        "node",
        "pg_boss",
        "postgres",
        "`pollingIntervalSeconds: 0.5` (the least it allows), `batchSize: 1000`",
        bulk=True,
        poll_ms=500,
    ),
    Peer(
        "graphile-worker",
        "node",
        "graphile_worker",
        "postgres",
        "`pollInterval: 100` and LISTEN, `concurrency: 50`, `localQueue.size: 500`, "
        "`completeJobBatchDelay: 0`",
        bulk=True,
        poll_ms=100,
    ),
    Peer(
        "graphile-worker, polling each 10 ms",
        "node",
        "graphile_worker",
        "postgres",
        "the same with `pollInterval: 10`; its default is 2,000",
        bulk=True,
        poll_ms=10,
    ),
)
