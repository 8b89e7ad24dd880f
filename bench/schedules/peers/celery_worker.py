"""Celery: tasks with an eta, which a worker fetches at once and holds in memory until then.

Beat fires at least every so often, from its own last fire on, so it has no nominal instants and
knows only what stands in its configuration; hence a fire sends the next one first.
"""

import os
import time
from typing import Any

from celery import Celery, signals

from bench.schedules.fires import Notes
from bench.schedules.workload import Plan

from . import saying
from .instants import instant

POOL = ("--pool=prefork", f"--concurrency={os.cpu_count()}")
QUIET = ("--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat")

app = Celery("bench")
_plan: Plan
_notes: Notes


@app.task(name="fire", ignore_result=True)
def fire(number: int, nominal_ms: int) -> None:
    _notes.note(number, nominal_ms)
    if _plan.every_ms is not None:
        _send(number, nominal_ms + _plan.every_ms)


def _send(number: int, at_ms: int, **with_: Any) -> None:
    fire.apply_async((number, at_ms), eta=instant(at_ms), **with_)


def create(plan: Plan) -> None:
    _configure(plan)
    with app.producer_pool.acquire() as producer:
        started = time.perf_counter()
        for number, first_ms in enumerate(plan.firsts_ms):
            _send(number, first_ms, producer=producer)
        saying.created(time.perf_counter() - started)


def work(plan: Plan) -> None:
    global _plan, _notes
    _configure(plan)
    _plan, _notes = plan, Notes(plan.fires)
    signals.worker_ready.connect(lambda **_: saying.ready(), weak=False)
    app.worker_main(["worker", *POOL, *QUIET])


def _configure(plan: Plan) -> None:
    app.conf.update(
        broker_url=plan.store,
        broker_connection_retry_on_startup=True,
        worker_prefetch_multiplier=0,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_redirect_stdouts=False,  # the bench listens for what a worker says
    )
