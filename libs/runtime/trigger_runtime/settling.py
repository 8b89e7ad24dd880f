"""Acknowledges what a use case has settled, and gives back the rest.

Nothing is acknowledged before its output is durable. A batch that fails for a reason of its
own is handled message by message, so that only the guilty one fails; that one comes again
with growing pauses, and is a dead letter after ``MAX_DELIVERIES``. A server that is away is
no reason to bury anything: such messages come again for as long as the stream keeps them.
Entrypoints wrap their handlers in it.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from .consumer import BatchHandler, Delivery, ack_all
from .errors import DependencyUnavailable
from .logs import get_logger

log = get_logger(__name__)

MAX_DELIVERIES = 5
"""Deliveries of a message that fails by itself before it is a dead letter."""
FIRST_PAUSE = timedelta(milliseconds=250)
"""Before the first redelivery; doubled for each further one."""
LONGEST_PAUSE = timedelta(seconds=5)
"""A server that returns finds its messages handled within this."""

UseCase = Callable[[Sequence[Delivery]], Awaitable[Sequence[Delivery]]]
"""Handles deliveries durably; returns those that must come again. Raises if it cannot."""

Bury = Callable[[Delivery, str], Awaitable[None]]
"""Makes a delivery a dead letter, for the reason given."""


def settling(use_case: UseCase, bury: Bury) -> BatchHandler:
    """A batch handler that never raises."""

    async def settle(batch: list[Delivery]) -> None:
        try:
            await _settle(use_case, batch)
        except DependencyUnavailable as error:
            log.warning("batch waits for a server", messages=len(batch), error=str(error))
            await _give_back(batch)
        except Exception:
            log.exception("batch failed, its messages follow one by one", messages=len(batch))
            for delivery in batch:
                await _settle_alone(use_case, bury, delivery)

    return settle


async def _settle(use_case: UseCase, batch: Sequence[Delivery]) -> None:
    later = await use_case(batch)
    again = {id(delivery) for delivery in later}
    await ack_all([delivery for delivery in batch if id(delivery) not in again])
    if later:
        await _give_back(later)


async def _settle_alone(use_case: UseCase, bury: Bury, delivery: Delivery) -> None:
    try:
        await _settle(use_case, [delivery])
    except DependencyUnavailable:
        await _give_back([delivery])
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this message alone
        await _failed(bury, delivery, error)


async def _failed(bury: Bury, delivery: Delivery, error: Exception) -> None:
    where = {"subject": delivery.subject, "stream_seq": delivery.stream_seq}
    if delivery.delivered_count < MAX_DELIVERIES:
        log.error("message failed", **where, error=repr(error), delivery=delivery.delivered_count)
        await _give_back([delivery])
        return
    try:
        kind = type(error).__name__
        await bury(delivery, f"failed {delivery.delivered_count} times: {kind}: {error}")
    except Exception:
        log.exception("dead letter not written", **where)
        await _give_back([delivery])
        return
    await delivery.ack()


async def _give_back(batch: Sequence[Delivery]) -> None:
    for delivery in batch:
        doublings = min(delivery.delivered_count - 1, 8)
        await delivery.nak(min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE))
