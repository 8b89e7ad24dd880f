"""Acknowledges what a use case has settled, and gives back the rest.

Nothing is acknowledged before its output is durable. A batch that fails for a reason of its
own is handled message by message, so that only the guilty one fails; that one comes again
with growing pauses, and is a dead letter after ``MAX_DELIVERIES``.
Called by ``subscribers``.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import cast

from trigger_executor.handlers import MAX_DELIVERIES, UseCase
from trigger_runtime.consumer import Delivery, ack_all
from trigger_runtime.errors import DependencyUnavailable
from trigger_runtime.logs import get_logger

log = get_logger(__name__)

FIRST_PAUSE = timedelta(milliseconds=250)
"""Before the first redelivery; doubled for each further one."""
LONGEST_PAUSE = timedelta(seconds=5)
"""A broker that returns finds its messages handled within this."""

Settle = Callable[[list[Delivery]], Awaitable[None]]


def settling(use_case: UseCase) -> Settle:
    """A batch handler that never raises."""

    async def settle(batch: list[Delivery]) -> None:
        try:
            await _settle(use_case, batch)
        except DependencyUnavailable as error:
            log.warning("batch waits for the broker", messages=len(batch), error=str(error))
            await _give_back(batch)
        except Exception:
            log.exception("batch failed, its messages follow one by one", messages=len(batch))
            for delivery in batch:
                await _settle_alone(use_case, delivery)

    return settle


async def _settle(use_case: UseCase, batch: Sequence[Delivery]) -> None:
    settlement = await use_case(batch)
    # What comes out is what went in: the use case knows only the ports' view of it.
    await ack_all(cast("Sequence[Delivery]", settlement.settled))
    if settlement.later:
        await _give_back(cast("Sequence[Delivery]", settlement.later))


async def _settle_alone(use_case: UseCase, delivery: Delivery) -> None:
    try:
        await _settle(use_case, [delivery])
    except DependencyUnavailable:
        await _give_back([delivery])
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this message alone
        await _failed(use_case, delivery, error)


async def _failed(use_case: UseCase, delivery: Delivery, error: Exception) -> None:
    where = {"subject": delivery.subject, "stream_seq": delivery.stream_seq}
    if delivery.delivered_count < MAX_DELIVERIES:
        log.error("message failed", **where, error=repr(error), delivery=delivery.delivered_count)
        await _give_back([delivery])
        return
    try:
        kind = type(error).__name__
        await use_case.bury(delivery, f"failed {delivery.delivered_count} times: {kind}: {error}")
    except Exception:
        log.exception("dead letter not written", **where)
        await _give_back([delivery])
        return
    await delivery.ack()


async def _give_back(batch: Sequence[Delivery]) -> None:
    for delivery in batch:
        doublings = min(delivery.delivered_count - 1, 8)
        await delivery.nak(min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE))
