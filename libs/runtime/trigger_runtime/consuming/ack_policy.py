"""Acknowledges what a use case has settled, and gives back the rest.

Nothing is acknowledged before its output is durable. A batch that fails for a reason of its
own is halved until only the guilty messages fail; such a one comes again with growing pauses,
and is a dead letter after the consumer's ``max_failures``. So is at once what has a malformed
header block. A server that is away is no reason for dead letters: such messages come again for as
long as the stream keeps them. What is for others (``Consumer.passes_over``) is acknowledged as it
is. Entrypoints wrap their use cases in it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from trigger_contracts.message_headers import why_unreadable
from trigger_contracts.topology import Consumer
from trigger_runtime.process.errors import DependencyUnavailable
from trigger_runtime.process.exceptions_told import told
from trigger_runtime.process.log_context import of_message
from trigger_runtime.process.logging_setup import get_logger
from trigger_runtime.process.metrics import MALFORMED, PASSED_OVER

from .backoff import FIRST_PAUSE, redeliver
from .consumer import BatchHandler, Delivery, ack_all

log = get_logger(__name__)

FAILURES_REMEMBERED = 10_000
"""Failing messages whose failures are counted; beyond it the oldest count begins anew."""
FIRST_FAILURE_PAUSE = timedelta(milliseconds=100)
"""Before a redelivery after a failure of its own, doubled each time: 1.5 s in all, so that whoever
waits 2 s is told."""
LONGEST_PAUSE = timedelta(seconds=5)
"""Before a redelivery: a server that returns finds its messages handled within this."""
LONGEST_LATER_PAUSE = timedelta(seconds=2)
"""The same for what a use case wants again, with every server there."""
LONGEST_HELD_PAUSE = timedelta(seconds=1)
"""The same for a batch held in hand."""
ALWAYS = timedelta.max
"""Batches are held for as long as it takes, and so handled in order."""

UseCase = Callable[[Sequence[Delivery]], Awaitable[Sequence[Delivery]]]
"""Handles deliveries durably; returns those that must come again. Raises if it cannot."""

KeepDeadLetter = Callable[[Delivery, str], Awaitable[None]]
"""Makes a delivery a dead letter, for the reason given."""


def acknowledging(
    consumer: Consumer,
    use_case: UseCase,
    dead_letter: KeepDeadLetter,
    *,
    give_up: KeepDeadLetter | None = None,
    held_for: timedelta = timedelta(),
) -> BatchHandler:
    """A handler of the consumer's batches that never raises.

    ``give_up`` dead-letters what has failed too often and tells whoever waits for it; without it,
    ``dead_letter`` does. While a server is away, a batch is held in hand for ``held_for`` and tried
    again, before it is given back: what is delivered again comes after what was published
    meanwhile, and after a pause.
    """
    return _AckPolicy(consumer, use_case, dead_letter, give_up or dead_letter, held_for)


async def dead_letter_all(
    dead_letter: KeepDeadLetter, deliveries: Sequence[tuple[Delivery, str]]
) -> None:
    """Dead-letter deliveries, each for its reason, and acknowledge them. Never raises.

    One whose letter cannot be written comes again.
    """
    # At once, so that their dead letters travel in one batch.
    await asyncio.gather(
        *(_try_dead_letter(dead_letter, delivery, reason) for delivery, reason in deliveries)
    )


class _AckPolicy:
    """What ``acknowledging`` makes."""

    def __init__(
        self,
        consumer: Consumer,
        use_case: UseCase,
        dead_letter: KeepDeadLetter,
        give_up: KeepDeadLetter,
        held_for: timedelta,
    ) -> None:
        self._consumer = consumer
        self._use_case = use_case
        self._dead_letter = dead_letter
        self._give_up = give_up
        self._held_for_s = held_for.total_seconds()
        self._failures: OrderedDict[int, int] = OrderedDict()
        self._passed_over = PASSED_OVER.labels(f"{consumer.stream.name}/{consumer.durable}")

    async def __call__(self, batch: list[Delivery]) -> None:
        ours = await self._pass_over(batch) if self._consumer.passes_over else batch
        readable = [one for one in ours if why_unreadable(one.headers) is None]
        unreadable = [(one, why) for one in ours if (why := why_unreadable(one.headers))]
        MALFORMED.inc(len(unreadable))
        await dead_letter_all(self._dead_letter, unreadable)
        if readable:
            await self._settle_in_halves(readable)

    async def _pass_over(self, batch: list[Delivery]) -> list[Delivery]:
        """Acknowledge what is for others; returns the rest."""
        ours = [one for one in batch if self._consumer.handles(one.subject)]
        if len(ours) < len(batch):
            await ack_all([one for one in batch if not self._consumer.handles(one.subject)])
            self._passed_over.inc(len(batch) - len(ours))
        return ours

    async def _settle_in_halves(self, batch: Sequence[Delivery]) -> None:
        try:
            await _settle_held(self._use_case, batch, self._held_for_s)
        except DependencyUnavailable as error:
            log.warning("batch waits for a server", messages=len(batch), error=str(error))
            await redeliver(batch, LONGEST_PAUSE)
        except Exception as error:
            if len(batch) == 1:
                await self._count_failure(batch[0], error)
                return
            log.exception("batch failed, its halves follow by themselves", messages=len(batch))
            middle = len(batch) // 2
            await self._settle_in_halves(batch[:middle])
            await self._settle_in_halves(batch[middle:])

    async def _count_failure(self, delivery: Delivery, error: Exception) -> None:
        # Its own failures count, not its deliveries: those that failed because a server was away
        # say nothing about the message.
        count = self._failures.pop(delivery.stream_seq, 0) + 1
        if count >= self._consumer.max_failures:
            reason = f"failed {count} times: {type(error).__name__}: {error}"
            await _try_dead_letter(self._give_up, delivery, reason)
            return
        self._failures[delivery.stream_seq] = count
        if len(self._failures) > FAILURES_REMEMBERED:
            self._failures.popitem(last=False)
        log.warning(
            "message failed",
            **of_message(delivery),
            error=told(error),
            failures=count,
            exc_info=error,
        )
        await delivery.nak(FIRST_FAILURE_PAUSE * 2 ** (count - 1))


async def _settle_held(use_case: UseCase, batch: Sequence[Delivery], held_for_s: float) -> None:
    clock = asyncio.get_running_loop().time
    until = clock() + held_for_s
    pause = FIRST_PAUSE
    while True:
        try:
            await _settle(use_case, batch)
        except DependencyUnavailable as error:
            if clock() + pause.total_seconds() > until:
                raise
            if pause == FIRST_PAUSE:
                log.warning("batch held for a server", messages=len(batch), error=str(error))
            for delivery in batch:
                delivery.heartbeat()
            await asyncio.sleep(pause.total_seconds())
            pause = min(2 * pause, LONGEST_HELD_PAUSE)
        else:
            return


async def _settle(use_case: UseCase, batch: Sequence[Delivery]) -> None:
    later = await use_case(batch)
    again = {id(delivery) for delivery in later}
    await ack_all([delivery for delivery in batch if id(delivery) not in again])
    if later:
        await redeliver(later, LONGEST_LATER_PAUSE)


async def _try_dead_letter(dead_letter: KeepDeadLetter, delivery: Delivery, reason: str) -> None:
    try:
        await dead_letter(delivery, reason)
    except Exception:
        log.exception("dead letter not written", **of_message(delivery))
        await redeliver([delivery], LONGEST_PAUSE)
        return
    await delivery.ack()
