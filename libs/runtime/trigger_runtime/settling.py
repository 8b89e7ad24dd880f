"""Acknowledges what a use case has settled, and gives back the rest.

Nothing is acknowledged before its output is durable. A batch that fails for a reason of its
own is handled message by message, so that only the guilty one fails; that one comes again
with growing pauses, and is a dead letter after ``MAX_FAILURES``. A server that is away is
no reason to bury anything: such messages come again for as long as the stream keeps them.
Entrypoints wrap their handlers in it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from .consumer import BatchHandler, Delivery, ack_all
from .errors import DependencyUnavailable
from .logs import get_logger

log = get_logger(__name__)

MAX_FAILURES = 5
"""Times that a message may fail by itself, in one process, before it is a dead letter."""
FAILURES_REMEMBERED = 10_000
"""Failing messages whose failures are counted; beyond it the oldest count begins anew."""
FIRST_PAUSE = timedelta(milliseconds=250)
"""Before the first redelivery; doubled for each further one."""
LONGEST_PAUSE = timedelta(seconds=5)
"""A server that returns finds its messages handled within this."""
LONGEST_PATIENT_PAUSE = timedelta(seconds=1)
"""The same for a batch kept in hand."""

UseCase = Callable[[Sequence[Delivery]], Awaitable[Sequence[Delivery]]]
"""Handles deliveries durably; returns those that must come again. Raises if it cannot."""

Bury = Callable[[Delivery, str], Awaitable[None]]
"""Makes a delivery a dead letter, for the reason given."""


def settling(use_case: UseCase, bury: Bury, *, in_order: bool = False) -> BatchHandler:
    """A batch handler that never raises.

    ``in_order`` keeps a batch in hand while a server is away, instead of giving it back: what
    is delivered again comes after what was published meanwhile.
    """
    failures: OrderedDict[int, int] = OrderedDict()

    async def settle(batch: list[Delivery]) -> None:
        try:
            if in_order:
                await _settle_patiently(use_case, batch)
            else:
                await _settle(use_case, batch)
        except DependencyUnavailable as error:
            log.warning("batch waits for a server", messages=len(batch), error=str(error))
            await _give_back(batch)
        except Exception:
            log.exception("batch failed, its messages follow one by one", messages=len(batch))
            for delivery in batch:
                await _settle_alone(use_case, bury, delivery, failures)

    return settle


async def _settle_patiently(use_case: UseCase, batch: Sequence[Delivery]) -> None:
    pause = FIRST_PAUSE
    while True:
        try:
            await _settle(use_case, batch)
        except DependencyUnavailable as error:
            if pause == FIRST_PAUSE:
                log.warning("batch kept for a server", messages=len(batch), error=str(error))
            for delivery in batch:
                delivery.show_life()
            await asyncio.sleep(pause.total_seconds())
            pause = min(2 * pause, LONGEST_PATIENT_PAUSE)
        else:
            return


async def _settle(use_case: UseCase, batch: Sequence[Delivery]) -> None:
    later = await use_case(batch)
    again = {id(delivery) for delivery in later}
    await ack_all([delivery for delivery in batch if id(delivery) not in again])
    if later:
        await _give_back(later)


async def _settle_alone(
    use_case: UseCase, bury: Bury, delivery: Delivery, failures: OrderedDict[int, int]
) -> None:
    try:
        await _settle(use_case, [delivery])
    except DependencyUnavailable:
        await _give_back([delivery])
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this message alone
        # Its own failures count, not its deliveries: those that failed because a server was away
        # say nothing about the message.
        count = failures.pop(delivery.stream_seq, 0) + 1
        if count < MAX_FAILURES:
            failures[delivery.stream_seq] = count
            if len(failures) > FAILURES_REMEMBERED:
                failures.popitem(last=False)
            log.warning(
                "message failed",
                subject=delivery.subject,
                stream_seq=delivery.stream_seq,
                error=f"{type(error).__name__}: {error}",
                failures=count,
            )
            await _give_back([delivery])
        else:
            await _failed(bury, delivery, error)


async def _failed(bury: Bury, delivery: Delivery, error: Exception) -> None:
    where = {"subject": delivery.subject, "stream_seq": delivery.stream_seq}
    try:
        await bury(delivery, f"failed {MAX_FAILURES} times: {type(error).__name__}: {error}")
    except Exception:
        log.exception("dead letter not written", **where)
        await _give_back([delivery])
        return
    await delivery.ack()


async def _give_back(batch: Sequence[Delivery]) -> None:
    for delivery in batch:
        doublings = min(delivery.delivered_count - 1, 8)
        await delivery.nak(min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE))
