"""The executor's FastStream application: what it consumes and what it publishes.

The publishers are declared for the AsyncAPI document; the messages themselves travel in
batches through the runtime's publisher.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import ValidationError

from trigger_contracts import subjects, topology
from trigger_contracts.commands import (
    CancelDelivery,
    DeliveryDone,
    FireDone,
    FireTrigger,
    Redeliver,
)
from trigger_contracts.deliveries.health import HealthEvent
from trigger_contracts.deliveries.hints import APPENDED, lanes_of
from trigger_contracts.deliveries.probes import Probe, Probed
from trigger_contracts.deliveries.records import DeliveryEvent
from trigger_contracts.errors import Problem
from trigger_contracts.events import (
    CloudEvent,
    DeadLetter,
    DeadLetterHandled,
    Due,
    Fence,
    Missed,
)
from trigger_contracts.redrives import Redriven
from trigger_contracts.subjects import Service
from trigger_executor.handlers import RecordDues, RecordFires
from trigger_executor.handlers.delivery.again import ChangeDeliveries
from trigger_executor.handlers.delivery.probing import ProbeTargets
from trigger_runtime.consuming.ack_policy import acknowledging
from trigger_runtime.consuming.broker import PlatformBroker
from trigger_runtime.consuming.consumer import subscribe_batches
from trigger_runtime.dead_letters.redriving import Redriver, listen
from trigger_runtime.dead_letters.writer import DeadLetterWriter
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

BATCH = 500
"""Messages handed over at once, at most: one atomic batch for all."""
WORKERS = 2
"""One batch is encoded while the other is synced."""
MIN_INTERVAL = timedelta(milliseconds=5)
"""For fires that somebody waits for: what is done once for each batch is done less often."""
DUES_MIN_INTERVAL = timedelta(milliseconds=30)
"""Of all workers together: at a thousand fires a second thirties instead of tens. It is a tenth
less of all CPU, which makes what is due less late, and rows 12 ms later."""
PROBES_AT_ONCE = 100
"""Tests of targets in hand: each may take 30 s, and others do not wait for it."""


def subscribe(
    broker: PlatformBroker,
    record_dues: RecordDues,
    record_fires: RecordFires,
    dead_letters: DeadLetterWriter,
    redriver: Redriver,
) -> None:
    """Bind the use cases to their consumers and declare what they publish."""
    subscribe_batches(
        broker,
        topology.EXECUTOR_DUES,
        (Due, Missed, Fence),
        batch=BATCH,
        workers=WORKERS,
        min_interval=DUES_MIN_INTERVAL,
        shared_pacing=True,
        title="executor: due records",
        description="What the scheduler decided: each occurrence becomes a row of the log.",
    )(
        acknowledging(
            topology.EXECUTOR_DUES,
            record_dues,
            partial(dead_letters.dead_letter, record_dues.stream),
        )
    )
    subscribe_batches(
        broker,
        topology.EXECUTOR_FIRES,
        (FireTrigger,),
        batch=BATCH,
        workers=WORKERS,
        min_interval=MIN_INTERVAL,
        title="executor: fire commands",
        description="Requests to fire a trigger now; the result goes to the reply_to header.",
    )(
        acknowledging(
            topology.EXECUTOR_FIRES,
            record_fires,
            partial(dead_letters.dead_letter, record_fires.stream),
            give_up=record_fires.give_up,
        )
    )
    listen(broker, redriver)
    _publishes_rows(broker)


def subscribe_deliverer(
    broker: PlatformBroker,
    *,
    on_records: Callable[[], None],
    on_waiting: Callable[[frozenset[str] | None], None],
    on_targets: Callable[[], None],
) -> None:
    """Bind the deliver role to its hints: none is a fact, and a lost one costs a look.

    ``on_waiting`` is told the targets that something waits for; None for any.
    """

    @broker.subscriber(
        subjects.EXECUTOR_WAKE,
        title="executor: wakes",
        description="Records of deliveries were appended (an empty body), or something waits for "
        "the targets that it names.",
        no_reply=True,
    )
    async def woken(body: bytes) -> None:
        if body == APPENDED:
            on_records()
        else:
            on_waiting(lanes_of(body))

    @broker.subscriber(
        subjects.ALL_TARGETS,
        title="executor: targets",
        description="A target changed: what it says is read from the log.",
        no_reply=True,
    )
    async def targets(_: object) -> None:
        on_targets()

    broker.publisher(
        subjects.EXECUTOR_WAKE, title=subjects.EXECUTOR_WAKE, description="Tells replicas to look."
    )


def subscribe_changes(
    broker: PlatformBroker,
    change_deliveries: ChangeDeliveries,
    probe_targets: ProbeTargets,
    dead_letters: DeadLetterWriter,
    redriver: Redriver,
) -> None:
    """Bind the deliver role to the commands about deliveries, and to tests of targets."""
    subscribe_batches(
        broker,
        topology.EXECUTOR_DELIVERIES,
        (Redeliver, CancelDelivery),
        batch=BATCH,
        workers=WORKERS,
        min_interval=MIN_INTERVAL,
        title="executor: commands about deliveries",
        description="Requests to deliver again, or to give up; the result goes to the reply_to "
        "header.",
    )(
        acknowledging(
            topology.EXECUTOR_DELIVERIES,
            change_deliveries,
            partial(dead_letters.dead_letter, change_deliveries.stream),
            give_up=change_deliveries.give_up,
        )
    )
    listen(broker, redriver, of_deliveries=True)

    @broker.subscriber(
        subjects.EXECUTOR_PROBE,
        queue=Service.EXECUTOR.value,
        max_workers=PROBES_AT_ONCE,
        title="executor: tests of targets",
        description="One attempt at a target now; what came of it is the reply.",
    )
    async def probe(asked: Probe) -> Any:
        # As FastStream decodes it: of what is no request not even the target is known.
        try:
            request = Probe.model_validate(asked)
        except ValidationError:
            log.warning("not a test of a target", subject=subjects.EXECUTOR_PROBE)
            return None
        return await probe_targets(request)


def publishes_deliveries(broker: PlatformBroker) -> None:
    """Declare what both roles publish."""
    broker.publisher(
        subjects.dead_letters(Service.EXECUTOR),
        schema=DeadLetter | DeadLetterHandled,
        title=subjects.dead_letters(Service.EXECUTOR),
        description="What could not be handled, with the reason and the original.",
    )
    for inbox in subjects.RESULT_INBOXES:
        broker.publisher(
            f"{inbox}.>",
            schema=FireDone | DeliveryDone | Probed | Problem | Redriven,
            title=f"executor: results to {inbox}",
            description="The result of a command, to the subject that its reply_to header names; "
            "to the gateway also what became of a redrive, or of a test of a target.",
        )
    broker.publisher(
        subjects.ALL_DELIVERY,
        schema=DeliveryEvent,
        title=subjects.ALL_DELIVERY,
        description="An event is to be delivered to a target, was attempted to be, or is given up.",
    )
    broker.publisher(
        subjects.ALL_HEALTH,
        schema=HealthEvent,
        title=subjects.ALL_HEALTH,
        description="A target began to fail, recovered or wants no more, or a delivery to it was "
        "given up.",
    )


def _publishes_rows(broker: PlatformBroker) -> None:
    for subject, description in (
        (subjects.ALL_FIRED, "A trigger fired."),
        (subjects.ALL_MISSED, "Occurrences that will never fire, and why."),
        (subjects.ALL_REJECTED, "A fire that was refused, and why."),
    ):
        broker.publisher(subject, schema=CloudEvent, title=subject, description=description)
