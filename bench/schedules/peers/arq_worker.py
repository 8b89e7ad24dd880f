"""arq: deferred entries in a sorted set of Valkey, polled by the worker.

It has no recurring entries but those in the worker's code, so a fire enters the next one first.
"""

import asyncio
import time
from typing import Any

import uvloop
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

from bench.schedules.fires import Notes
from bench.schedules.workload import Plan

from . import saying
from .instants import instant

AT_ONCE = 500
"""Its default of 10 would make a burst wait for polls."""


def create(plan: Plan) -> None:
    uvloop.run(_create(plan))


async def _create(plan: Plan) -> None:
    pool = await create_pool(_settings(plan))

    async def one(number: int, first_ms: int) -> None:
        await pool.enqueue_job("fire", number, first_ms, _defer_until=instant(first_ms))

    started = time.perf_counter()
    await saying.in_flight(one, plan.firsts_ms)
    saying.created(time.perf_counter() - started)


def work(plan: Plan) -> None:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.set_event_loop(asyncio.new_event_loop())
    notes = Notes(plan.fires)

    async def fire(context: dict[str, Any], number: int, nominal_ms: int) -> None:
        notes.note(number, nominal_ms)
        if plan.every_ms is not None:
            following = nominal_ms + plan.every_ms
            await context["redis"].enqueue_job(
                "fire", number, following, _defer_until=instant(following)
            )

    async def started(_: dict[str, Any]) -> None:
        saying.ready()

    assert plan.poll_ms is not None
    Worker(
        (func(fire, name="fire"),),
        redis_settings=_settings(plan),
        on_startup=started,
        poll_delay=plan.poll_ms / 1000,
        max_jobs=AT_ONCE,
        keep_result=0,
        log_results=False,
        max_tries=1_000_000,
    ).run()


def _settings(plan: Plan) -> RedisSettings:
    assert plan.store is not None
    return RedisSettings.from_dsn(plan.store)
