"""Retention's FastStream application: what it consumes and what it publishes.

The publishers are declared for the AsyncAPI document; the messages themselves travel through the
runtime's publisher.
"""

from datetime import timedelta
from functools import partial

from trigger_contracts import subjects
from trigger_contracts.deliveries.records import DeliveryEvent
from trigger_contracts.events import CloudEvent, DeadLetter, DeadLetterHandled, Swept
from trigger_contracts.redrives import Redriven
from trigger_contracts.subjects import Service, inbox_prefix
from trigger_contracts.topology import RETENTION_DELIVERIES, RETENTION_EVENTS
from trigger_retention.handlers import Projector, RecordProjector
from trigger_runtime.consuming.ack_policy import acknowledging
from trigger_runtime.consuming.broker import PlatformBroker
from trigger_runtime.consuming.consumer import subscribe_batches
from trigger_runtime.dead_letters.redriving import Redriver, listen
from trigger_runtime.dead_letters.writer import DeadLetterWriter

MIN_INTERVAL = timedelta(milliseconds=10)
"""At a thousand rows a second, ten rows in a transaction instead of three; well under the time in
which anybody notices that a row is not there yet."""
WORKERS = 2
"""One batch is read while the other is written."""
HELD_FOR = timedelta(seconds=5)
"""How long a batch is tried while the database is away, before another replica may have it: so
rows appear at once when it returns, and not a redelivery's delay later."""


def subscribe(
    broker: PlatformBroker,
    projector: Projector,
    records: RecordProjector,
    dead_letters: DeadLetterWriter,
    redriver: Redriver,
    *,
    batch: int,
) -> None:
    """Bind the use cases to their consumers and declare what is published."""
    subscribe_batches(
        broker,
        RETENTION_EVENTS,
        (CloudEvent,),
        batch=batch,
        workers=WORKERS,
        min_interval=MIN_INTERVAL,
        shared_pacing=True,
        title="The event log",
        description="Projected into PostgreSQL in batches; acknowledged after the commit.",
    )(
        acknowledging(
            RETENTION_EVENTS,
            projector,
            partial(dead_letters.dead_letter, projector.stream),
            held_for=HELD_FOR,
        )
    )
    subscribe_batches(
        broker,
        RETENTION_DELIVERIES,
        (DeliveryEvent,),
        batch=batch,
        min_interval=MIN_INTERVAL,
        title="Deliveries",
        description="Their records, projected into PostgreSQL beside the event log.",
    )(
        acknowledging(
            RETENTION_DELIVERIES,
            records,
            partial(dead_letters.dead_letter, records.stream),
            held_for=HELD_FOR,
        )
    )
    listen(broker, redriver)
    broker.publisher(
        subjects.SWEPT,
        schema=Swept,
        title="Swept",
        description="A sweep erased rows of the log. Core NATS: not stored.",
    )
    broker.publisher(
        subjects.dead_letters(Service.RETENTION),
        schema=DeadLetter | DeadLetterHandled,
        title="Retention's dead letters",
        description="Messages of the log, and records of deliveries, that could not be projected.",
    )
    broker.publisher(
        f"{inbox_prefix(Service.API)}.>",
        schema=Redriven,
        title="Retention's redrives",
        description="To the gateway: what became of a redrive.",
    )
