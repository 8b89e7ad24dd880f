"""procrastinate: rows of PostgreSQL, polled for what is due and notified of what is new.

Its periodic entries stand in the worker's code and are due at whole seconds, so a fire defers the
next one first.
"""

import time

import uvloop
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Job

from bench.schedules.fires import Notes
from bench.schedules.workload import Plan

from . import saying
from .instants import instant

AT_ONCE = 50
CONNECTIONS = 20
BATCH = 1000


def create(plan: Plan) -> None:
    uvloop.run(_create(plan))


async def _create(plan: Plan) -> None:
    app = _app(plan)
    async with app.open_async():

        async def one(number: int, first_ms: int) -> None:
            deferrer = app.configure_task("fire", schedule_at=instant(first_ms))
            await deferrer.defer_async(number=number, nominal_ms=first_ms)

        started = time.perf_counter()
        if plan.bulk:
            for start in range(0, len(plan.firsts_ms), BATCH):
                firsts = plan.firsts_ms[start : start + BATCH]
                await app.job_manager.batch_defer_jobs_async(
                    [_entry(start + n, first_ms) for n, first_ms in enumerate(firsts)]
                )
        else:
            await saying.in_flight(one, plan.firsts_ms)
        saying.created(time.perf_counter() - started)


def _entry(number: int, first_ms: int) -> Job:
    return Job(
        queue="default",
        lock=None,
        queueing_lock=None,
        task_name="fire",
        task_kwargs={"number": number, "nominal_ms": first_ms},
        scheduled_at=instant(first_ms),
    )


def work(plan: Plan) -> None:
    uvloop.run(_work(plan))


async def _work(plan: Plan) -> None:
    assert plan.poll_ms is not None
    app, notes = _app(plan), Notes(plan.fires)

    @app.task(name="fire")
    async def fire(number: int, nominal_ms: int) -> None:
        notes.note(number, nominal_ms)
        if plan.every_ms is not None:
            following = nominal_ms + plan.every_ms
            await app.configure_task("fire", schedule_at=instant(following)).defer_async(
                number=number, nominal_ms=following
            )

    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        saying.ready()
        await app.run_worker_async(
            concurrency=AT_ONCE,
            listen_notify=True,
            fetch_job_polling_interval=plan.poll_ms / 1000,
            delete_jobs="successful",
        )


def _app(plan: Plan) -> App:
    return App(connector=PsycopgConnector(conninfo=plan.store, min_size=4, max_size=CONNECTIONS))
