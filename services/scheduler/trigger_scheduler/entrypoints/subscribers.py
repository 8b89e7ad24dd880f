"""The scheduler's FastStream application: what it consumes and what it publishes.

The publishers are declared for the AsyncAPI document; the messages themselves travel in
batches through the runtime's publisher.
"""

from collections.abc import Callable
from functools import partial

from trigger_contracts import subjects, topology
from trigger_contracts.commands import (
    CommandDone,
    CreateTarget,
    CreateTrigger,
    DeleteTarget,
    DeleteTrigger,
    RotateTarget,
    TargetDone,
    TestTrigger,
    UpdateTarget,
    UpdateTrigger,
)
from trigger_contracts.errors import Problem
from trigger_contracts.events import (
    DeadLetter,
    DeadLetterHandled,
    Due,
    Fence,
    Missed,
    TriggerChanged,
)
from trigger_contracts.redrives import Redriven
from trigger_contracts.subjects import Service
from trigger_contracts.targets.changes import TargetChanged
from trigger_runtime.consuming.ack_policy import ALWAYS, acknowledging, dead_letter_all
from trigger_runtime.consuming.broker import PlatformBroker
from trigger_runtime.consuming.consumer import BatchHandler, subscribe_batches
from trigger_runtime.consuming.delivery import Delivery
from trigger_runtime.dead_letters.redriving import Redriver, listen
from trigger_runtime.dead_letters.writer import DeadLetterWriter
from trigger_scheduler.handlers.answering import AnswerCommands
from trigger_scheduler.handlers.turns import SlowLast

BATCH = 500
"""Commands handed over at once, at most: one atomic batch and one commit for all."""
WORKERS = 1
"""Commands of a trigger take effect in the order in which they were stored."""


def slow_last(
    answer_commands: AnswerCommands,
    dead_letters: DeadLetterWriter,
    *,
    monotonic: Callable[[], float],
    on_unready: Callable[[int, Exception], None],
) -> SlowLast[Delivery]:
    """The handler of the command subscriber: what it answers or turns away is acknowledged."""
    return SlowLast(
        acknowledging(
            topology.SCHEDULER_COMMANDS,
            answer_commands,
            partial(dead_letters.dead_letter, answer_commands.stream),
            give_up=answer_commands.give_up,
            held_for=ALWAYS,
        ),
        partial(dead_letter_all, answer_commands.turn_away),
        monotonic=monotonic,
        on_unready=on_unready,
    )


def subscribe(
    broker: PlatformBroker,
    handle_commands: BatchHandler,
    wake: Callable[[], None],
    redriver: Redriver,
) -> None:
    """Bind the use cases to their subjects and declare what is published."""

    @subscribe_batches(
        broker,
        topology.SCHEDULER_COMMANDS,
        (
            CreateTrigger,
            UpdateTrigger,
            DeleteTrigger,
            TestTrigger,
            CreateTarget,
            UpdateTarget,
            DeleteTarget,
            RotateTarget,
        ),
        batch=BATCH,
        workers=WORKERS,
        title="scheduler: commands",
        description="Create, update, delete or test a trigger; create, update, delete a target or "
        "rotate its secret. The result goes to reply_to.",
    )
    async def commands(batch: list[Delivery]) -> None:
        # FastStream reads these types, and cannot read a use case's protocols.
        await handle_commands(batch)

    listen(broker, redriver)

    @broker.subscriber(
        subjects.WAKE,
        title="scheduler: wakes",
        description="A trigger became due early: every replica looks at once.",
        no_reply=True,
    )
    async def woken(_: object) -> None:
        wake()

    for subject, schema, description in (
        (subjects.ALL_CHANGED, TriggerChanged, "A trigger changed: its full state since."),
        (subjects.ALL_TESTED, TriggerChanged, "The change of a test that writes a target out."),
        (subjects.ALL_TARGETS, TargetChanged, "A target changed: its full state since."),
        (subjects.ALL_DUE, Due | Missed | Fence, "What the scheduler decided about a trigger."),
        (
            subjects.dead_letters(Service.SCHEDULER),
            DeadLetter | DeadLetterHandled,
            "What could not be handled, and why.",
        ),
    ):
        broker.publisher(subject, schema=schema, title=subject, description=description)
    broker.publisher(subjects.WAKE, title=subjects.WAKE, description="Tells replicas to look.")
    for inbox in subjects.RESULT_INBOXES:
        broker.publisher(
            f"{inbox}.>",
            schema=CommandDone | TargetDone | Problem | Redriven,
            title=f"scheduler: results to {inbox}",
            description="The result of a command, to the subject that its reply_to header names; "
            "to the gateway also what became of a redrive.",
        )
