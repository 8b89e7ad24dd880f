"""The loops of upkeep: every replica runs them, one of them works at a time."""

from datetime import timedelta

from trigger_contracts import subjects
from trigger_contracts.events import Swept
from trigger_retention.adapters import meter
from trigger_retention.handlers import HourCloser, Indexer, Sweeper
from trigger_runtime.consuming.broker import PlatformBroker
from trigger_runtime.process.loops import Loop


def sweep_loop(broker: PlatformBroker, sweeper: Sweeper) -> Loop:
    """The loop, not yet started; also declares its notice, for AsyncAPI."""
    broker.publisher(
        subjects.SWEPT,
        schema=Swept,
        title="Swept",
        description="A sweep erased rows of the log. Core NATS: not stored.",
    )

    async def one_pass() -> timedelta:
        rows, wait = await sweeper.sweep()
        meter.SWEPT.inc(rows)
        return wait

    return Loop("sweep", one_pass)


def closing_loop(closer: HourCloser) -> Loop:
    """The loop that closes hours, not yet started."""
    return Loop("closing", closer.close)


def indexing_loop(indexer: Indexer) -> Loop:
    """The loop that indexes the words of new rows, not yet started."""
    return Loop("indexing", indexer.index)
