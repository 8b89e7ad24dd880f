"""Dead-letters what a batch has that cannot be handled, and holds nobody up where that fails.

A dead letter that cannot be written (its stream is gone, or the broker) is a matter of its own
message: that one comes again, and the others of the batch are answered. Called by use cases.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from trigger_contracts.dead_letters import Delivered
from trigger_runtime.process.errors import DependencyUnavailable, PublishRefused
from trigger_runtime.process.exceptions_told import told
from trigger_runtime.process.log_context import of_message
from trigger_runtime.process.logging_setup import get_logger

log = get_logger(__name__)

Message = TypeVar("Message", bound=Delivered)


async def dead_letter_each(
    dead_letter: Callable[[Message, str], Awaitable[None]], dead: Sequence[tuple[Message, str]]
) -> list[Message]:
    """Dead-letter messages, each with its reason; those that could not be, and must come again."""
    # At once, so that their dead letters travel in one batch: thousands of them would hold up
    # for a minute what was sent after them.
    outcomes = await asyncio.gather(
        *(dead_letter(message, reason) for message, reason in dead), return_exceptions=True
    )
    left: list[Message] = []
    for (message, _), outcome in zip(dead, outcomes, strict=True):
        if isinstance(outcome, DependencyUnavailable | PublishRefused):
            left.append(message)
            log.warning(
                "dead letter not written",
                **of_message(message),
                error=told(outcome),
            )
        elif outcome is not None:
            raise outcome
    return left
