"""The gateway's messages: what AsyncAPI says of them, and the one subscription it keeps.

Commands are published through the runtime's publisher, which coalesces them into atomic
batches; they are declared here so that the document has them. Change messages only say whose
cached definition to forget.
"""

import importlib.metadata
from collections.abc import Awaitable, Callable

from faststream.specification import AsyncAPI
from nats.aio.msg import Msg

from trigger_api.ports.triggers import DefinitionCache
from trigger_contracts import subjects
from trigger_contracts.commands import COMMANDS
from trigger_contracts.deliveries.probes import Probe
from trigger_contracts.events import TriggerChanged
from trigger_contracts.heartbeats import Heartbeat
from trigger_contracts.redrives import Redrive
from trigger_contracts.topology import WORKERS
from trigger_runtime.consuming.broker import PlatformBroker


def declare(
    broker: PlatformBroker, definitions: DefinitionCache, hear: Callable[[Msg], Awaitable[None]]
) -> AsyncAPI:
    """Put the gateway's subjects on ``broker``; the document about them.

    ``hear`` is given the workers' heartbeats.
    """
    for verb, command in COMMANDS.items():
        broker.publisher(
            subjects.command(verb),
            schema=command,
            title=f"{verb} command",
            description=(command.__doc__ or "").strip(),
        )
    for subject in (*map(subjects.redrive, WORKERS), subjects.REDRIVE_DELIVERIES):
        broker.publisher(
            subject,
            schema=Redrive,
            title=subject,
            description="Handle a dead letter again; the service replies with what became of it.",
        )
    broker.publisher(
        subjects.EXECUTOR_PROBE,
        schema=Probe,
        title=subjects.EXECUTOR_PROBE,
        description="Test a target; an executor that delivers replies with what came of it.",
    )
    subscriber = broker.subscriber(
        subjects.ALL_CHANGED, no_reply=True, title="trigger changed", description="Forget it."
    )

    @subscriber
    async def changed(change: TriggerChanged) -> None:
        """A trigger changed: what is remembered of it is forgotten."""
        definitions.forget(change.trigger_id)

    async def forget(message: Msg) -> None:
        definitions.forget(message.subject.rpartition(".")[2])

    # FastStream takes 59 µs for a message and this 2: ten thousand triggers that complete in
    # the same second must not hold up fires. The subject says all that is needed.
    subscriber.consume = forget  # type: ignore[method-assign, assignment]

    listener = broker.subscriber(
        subjects.ALL_ALIVE, no_reply=True, title="heartbeat", description="A worker lives."
    )

    @listener
    async def alive(beat: Heartbeat) -> None:
        """A replica of a worker lives. Its subject says of which."""

    listener.consume = hear  # type: ignore[method-assign, assignment]
    return AsyncAPI(
        broker,
        title="Event Trigger Platform: api",
        version=importlib.metadata.version("event-trigger-platform"),
        description="The gateway: commands out, changes in.",
    )
