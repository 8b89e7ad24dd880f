"""APScheduler 3: an asyncio scheduler with coroutines, its triggers in memory or PostgreSQL.

Its scheduler must be the only one on a store and is not told what others add, so the worker
creates the triggers. Nothing says to a fire which occurrence it is, so fires are counted.
"""

import asyncio
import time
from collections import Counter
from datetime import timedelta

import uvloop
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bench.schedules.fires import Notes
from bench.schedules.workload import Plan

from . import saying
from .instants import instant

_notes: Notes
_fired: Counter[int] = Counter()


async def fire(number: int, first_ms: int, every_ms: int) -> None:
    _notes.note(number, first_ms + _fired[number] * every_ms)
    _fired[number] += 1


def work(plan: Plan) -> None:
    global _notes  # noqa: PLW0603 (a stored trigger names its function by module and name)
    _notes = Notes(plan.fires)
    uvloop.run(_work(plan))


async def _work(plan: Plan) -> None:
    store = (
        MemoryJobStore()
        if plan.store is None
        else SQLAlchemyJobStore(plan.store.replace("postgresql:", "postgresql+psycopg:"))
    )
    # By default it drops what is more than a second late, and one of two fires that overlap.
    defaults = {"misfire_grace_time": None, "coalesce": False, "max_instances": 1000}
    scheduler = AsyncIOScheduler(
        jobstores={"default": store}, job_defaults=defaults, timezone="UTC"
    )
    scheduler.start()
    if plan.firsts_ms:
        started = time.perf_counter()
        for number, first_ms in enumerate(plan.firsts_ms):
            first = instant(first_ms)
            trigger = (
                DateTrigger(first)
                if plan.every_ms is None
                else IntervalTrigger(
                    seconds=timedelta(milliseconds=plan.every_ms).total_seconds(), start_date=first
                )
            )
            scheduler.add_job(fire, trigger, args=(number, first_ms, plan.every_ms or 0))
        saying.created(time.perf_counter() - started)
    saying.ready()
    await asyncio.Event().wait()
