"""The subscriber of the log: hands batches to the projector, acknowledges after its commit.

Acknowledges manually and only whole batches: what raises is given back by the runtime with a
growing delay. While the database is away the batch in hand is tried again here for a while,
so that rows appear at once when it returns and not a redelivery's delay later.
"""

import asyncio
from datetime import timedelta

from trigger_contracts import subjects
from trigger_contracts.events import CloudEvent, DeadLetter, DeadLetterHandled
from trigger_contracts.redrives import Redriven
from trigger_contracts.subjects import Service, inbox_prefix
from trigger_contracts.topology import RETENTION_EVENTS
from trigger_retention.adapters import meter
from trigger_retention.handlers import Projected, Projector
from trigger_runtime.consuming.broker import PlatformBroker
from trigger_runtime.consuming.consumer import Delivery, ack_all, subscribe_batches
from trigger_runtime.dead_letters.redriving import Redriver, listen
from trigger_runtime.process.clock import Clock
from trigger_runtime.process.errors import DatabaseUnavailable
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

PACE = timedelta(milliseconds=10)
"""At a thousand rows a second, ten rows in a transaction instead of three; well under the time in
which anybody notices that a row is not there yet."""
WORKERS = 2
"""One batch is read while the other is written."""
PATIENCE_S = 5.0
"""How long a batch is tried while the database is away, before it is given back."""
PAUSE_S = 0.25
"""Between two tries."""


def subscribe(
    broker: PlatformBroker,
    projector: Projector,
    redriver: Redriver,
    clock: Clock,
    *,
    batch: int,
) -> None:
    """Bind the projector to its consumer; also declares what it publishes, for AsyncAPI."""
    broker.publisher(
        subjects.dead_letters(Service.RETENTION),
        schema=DeadLetter | DeadLetterHandled,
        title="Retention's dead letters",
        description="Messages of the log that could not be projected.",
    )
    broker.publisher(
        f"{inbox_prefix(Service.API)}.>",
        schema=Redriven,
        title="Retention's redrives",
        description="To the gateway: what became of a redrive.",
    )
    listen(broker, redriver)

    @subscribe_batches(
        broker,
        RETENTION_EVENTS,
        (CloudEvent,),
        batch=batch,
        workers=WORKERS,
        pace=PACE,
        shared_pacing=True,
        title="The event log",
        description="Projected into PostgreSQL in batches; acknowledged after the commit.",
    )
    async def project(deliveries: list[Delivery]) -> None:
        projected = await _patiently(projector, deliveries, clock)
        await ack_all(deliveries)
        inserted = projected.inserted
        meter.PROJECTED.inc(inserted.stored)
        meter.REPEATED.inc(inserted.repeated)
        meter.OUTLIVED.inc(inserted.expired)
        meter.DEAD.inc(projected.dead)
        projector.lag = max(timedelta(), clock.now() - deliveries[-1].stored_at)
        meter.LAG.set(projector.lag.total_seconds())


async def _patiently(projector: Projector, deliveries: list[Delivery], clock: Clock) -> Projected:
    patient_until = clock.monotonic() + PATIENCE_S
    waiting = False
    while True:
        try:
            return await projector.project(deliveries)
        except DatabaseUnavailable as error:
            if clock.monotonic() > patient_until:
                raise
            if not waiting:
                log.warning("the log waits for the database", error=str(error))
                waiting = True
        await asyncio.sleep(PAUSE_S)
